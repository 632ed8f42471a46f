#include "app/admin_request.hpp"

#include "app/query.hpp"

// floors: allow boost-json: answers of our own process, for people to read
#include <boost/json/parse.hpp>
// floors: allow boost-json: settings are shown as they came
#include <boost/json/serialize.hpp>

#include <cstdio>
#include <optional>

namespace orggate::app {
namespace {

using Json = boost::json::value;

void append(std::string& target, std::string_view name, const std::optional<std::string>& value)
{
    if (!value) return;
    target.push_back(target.find('?') == target.npos ? '?' : '&');
    target.append(name).append("=").append(percent_encode(*value));
}

std::string counters_query(const Options& options)
{
    std::string query;
    append(query, "org", options.org);
    append(query, "user", options.user);
    append(query, "ip", options.ip);
    append(query, "plan", options.plan);
    for (const auto& limit : options.limits)
        append(query, "limit", limit);
    return query;
}

std::string tenant_query(const Options& options)
{
    std::string query;
    append(query, "bypass", options.bypass);
    for (const auto& limit : options.limits)
        append(query, "limit", limit);
    if (options.blocked) append(query, "blocked", "true");
    append(query, "until", options.until);
    append(query, "reason", options.reason);
    return query;
}

// A member as text; "" if it is not there.
std::string word(const Json& json, std::string_view name)
{
    if (!json.is_object()) return {};
    const auto* value = json.as_object().if_contains(name);
    if (value == nullptr) return {};
    if (value->is_double()) {
        char text[32];
        std::snprintf(text, sizeof text, "%g", value->as_double());
        return text;
    }
    return value->is_string() ? std::string(value->as_string()) : boost::json::serialize(*value);
}

const boost::json::array* list(const Json& json, std::string_view name)
{
    const auto* value = json.is_object() ? json.as_object().if_contains(name) : nullptr;
    return value != nullptr ? value->if_array() : nullptr;
}

// Where the numbers are from, if that is not Redis.
std::string show_source(const Json& json)
{
    if (word(json, "from") != "process") return {};
    const auto why = word(json, "redis"), trouble = word(json, "trouble");
    if (why.empty()) return "of this process alone:\n";
    std::string out = why == "forbids" ? "Redis forbids this" : "redis is away";
    out.append(": this process holds 1/").append(word(json, "share"));
    if (!trouble.empty()) out.append(" (").append(trouble).append(")");
    return out.append("\n");
}

std::string show_counters(const Json& json)
{
    std::string out = show_source(json);
    if (const auto settings = word(json, "tenant"); !settings.empty())
        out.append("tenant: ").append(settings).append("\n");
    const auto* rows = list(json, "limits");
    if (rows == nullptr || rows->empty()) return out + "no limit counts that\n";
    for (const auto& row : *rows) {
        out.append(word(row, "quota")).append(": ").append(word(row, "used")).append(" of ");
        out.append(word(row, "units")).append(" used, ").append(word(row, "remaining"));
        out.append(" left");
        if (const auto next = word(row, "next_unit_seconds"); !next.empty())
            out.append(", more in ").append(next).append(" s");
        out.append(" (per ").append(word(row, "per"));
        if (const auto rate = word(row, "rate"); !rate.empty()) out.append(", ").append(rate);
        out.append(")\n");
    }
    return out;
}

std::string show_denied(const Json& json)
{
    const auto* rows = list(json, "denied");
    if (rows == nullptr || rows->empty()) return "nobody\n";
    std::string out;
    for (const auto& row : *rows)
        out.append(word(row, "subject"))
            .append(" ")
            .append(word(row, "limit"))
            .append(": ")
            .append(word(row, "times"))
            .append(" times, last ")
            .append(word(row, "last"))
            .append("\n");
    return out;
}

std::string show_tenants(const Json& json)
{
    const auto* all = json.is_object() ? json.as_object().if_contains("tenants") : nullptr;
    if (all == nullptr || !all->is_object() || all->as_object().empty()) return "none\n";
    std::string out;
    for (const auto& [org, row] : all->as_object()) {
        out.append(org).append(" ").append(word(row, "settings"));
        out.append(" (").append(word(row, "source"));
        out.append(word(row, "in_force") == "true" ? ")\n" : ", its time is over)\n");
    }
    return out;
}

std::string show_done(const Json& json)
{
    if (const auto error = word(json, "error"); !error.empty()) return error + "\n";
    const auto where = word(json, "in") == "fleet" ? " in the whole fleet\n"
                                                   : " in this process, until it ends (no Redis)\n";
    if (const auto reset = word(json, "reset"); !reset.empty())
        return reset + " counters reset" + where;
    return word(json, "org") + ": " + word(json, "done") + where;
}

}  // namespace

AdminRequest admin_request(const Options& options)
{
    const auto tenant = "/tenants/" + percent_encode(options.org.value_or(""));
    switch (options.command) {
        case Command::tenant_set: return {"POST", tenant + tenant_query(options)};
        case Command::tenant_clear: return {"DELETE", tenant};
        case Command::tenant_list: return {"GET", "/tenants"};
        case Command::limit_show: return {"GET", "/limits" + counters_query(options)};
        case Command::limit_reset: return {"POST", "/limits/reset" + counters_query(options)};
        default: break;
    }
    std::string target = "/limits/denied";
    append(target, "within", options.within);
    return {"GET", target};
}

std::string to_bytes(const AdminRequest& request, std::string_view host, std::string_view token)
{
    std::string bytes = request.method + " " + request.target + " HTTP/1.1\r\nHost: ";
    bytes.append(host).append("\r\nUser-Agent: orggate\r\nConnection: close\r\n");
    if (!token.empty()) bytes.append("Authorization: Bearer ").append(token).append("\r\n");
    return bytes.append("\r\n");
}

std::string readable(Command command, std::string_view text)
{
    boost::system::error_code error;
    const auto json = boost::json::parse(text, error);
    if (error || !json.is_object()) return std::string(text);
    if (json.as_object().contains("error")) return show_done(json);
    switch (command) {
        case Command::limit_show: return show_counters(json);
        case Command::limit_denied: return show_denied(json);
        case Command::tenant_list: return show_tenants(json);
        default: return show_done(json);
    }
}

}  // namespace orggate::app
