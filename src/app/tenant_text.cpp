#include "app/tenant_text.hpp"

#include "orggate/observe/json_text.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <map>

namespace orggate::app {
namespace {

using observe::append_json_string;

// `"name":` behind a comma where one is needed; the braces are the caller's.
void append_name(std::string& out, std::string_view name)
{
    if (out.size() > 1) out.push_back(',');
    append_json_string(out, name);
    out.push_back(':');
}

void append_member(std::string& out, std::string_view name, std::string_view value)
{
    append_name(out, name);
    append_json_string(out, value, 4096);
}

void append_list(std::string& out, const std::vector<std::string>& texts)
{
    out.push_back('[');
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (i != 0) out.push_back(',');
        append_json_string(out, texts[i]);
    }
    out.push_back(']');
}

using Rates = std::map<std::string, std::vector<std::string>>;

void append_rates(std::string& out, const Rates& rates)
{
    std::string all = "{";
    for (const auto& [name, texts] : rates) {
        append_name(all, name);
        texts.size() == 1 ? append_json_string(all, texts.front()) : append_list(all, texts);
    }
    append_name(out, "limits");
    out.append(all).push_back('}');
}

// The reader takes a dollar for the beginning of a variable.
std::string with_dollars_doubled(std::string_view text)
{
    std::string out;
    for (const char c : text)
        out.append(c == '$' ? 2u : 1u, c);
    return out;
}

std::vector<std::string> split(std::string_view text, char separator)
{
    std::vector<std::string> pieces;
    for (;;) {
        const auto end = text.find(separator);
        pieces.emplace_back(text.substr(0, end));
        if (end == text.npos) return pieces;
        text.remove_prefix(end + 1);
    }
}

std::string window_text(Microseconds window)
{
    struct Unit {
        std::int64_t microseconds;
        std::string_view name;
    };
    static constexpr std::array<Unit, 5> units{{{86'400'000'000, "d"}, {3'600'000'000, "h"},
        {60'000'000, "m"}, {1'000'000, "s"}, {1'000, "ms"}}};
    for (const auto& unit : units)
        if (window.count() >= unit.microseconds && window.count() % unit.microseconds == 0)
            return std::to_string(window.count() / unit.microseconds).append(unit.name);
    return std::to_string(window.count()) + "us";
}

}  // namespace

std::string utc_text(std::chrono::system_clock::time_point time)
{
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[40];
    const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return std::string(text, size);
}

std::string rate_text(const limit::Quota& quota)
{
    const bool is_month =
        quota.algorithm == limit::Algorithm::calendar && quota.period == limit::Period::month;
    return std::to_string(quota.units) + "/" + (is_month ? "1mo" : window_text(quota.window));
}

std::string tenant_text(const policy::Tenant& tenant)
{
    std::string out = "{";
    if (tenant.bypass_all) {
        append_member(out, "bypass", "all");
    } else if (!tenant.bypass.empty()) {
        append_name(out, "bypass");
        append_list(out, tenant.bypass);
    }
    Rates rates;
    for (const auto& [name, quotas] : tenant.limits)
        for (const auto& quota : quotas)
            rates[name].push_back(rate_text(quota));
    if (!rates.empty()) append_rates(out, rates);
    if (tenant.blocked) {
        append_name(out, "blocked");
        out.append("true");
    }
    if (tenant.until) append_member(out, "until", utc_text(*tenant.until));
    if (!tenant.reason.empty()) append_member(out, "reason", tenant.reason);
    out.push_back('}');
    return out;
}

boost::system::result<std::string, Fault> tenant_text(const TenantWords& words)
{
    std::string out = "{";
    if (words.bypass == "all") {
        append_member(out, "bypass", "all");
    } else if (!words.bypass.empty()) {
        append_name(out, "bypass");
        append_list(out, split(words.bypass, ','));
    }
    Rates rates;
    for (const auto& limit : words.limits) {
        const auto equals = limit.find('=');
        if (equals == limit.npos || equals == 0 || equals + 1 == limit.size())
            return Fault{400, "limit: expected NAME=RATE, such as api=200/1m"};
        rates[limit.substr(0, equals)].push_back(limit.substr(equals + 1));
    }
    if (!rates.empty()) append_rates(out, rates);
    if (!words.blocked.empty()) {
        if (words.blocked != "true" && words.blocked != "false")
            return Fault{400, "blocked: expected true or false"};
        append_name(out, "blocked");
        out.append(words.blocked);
    }
    if (out.size() == 1) return Fault{400, "expected bypass, limit or blocked"};
    if (!words.until.empty()) append_member(out, "until", words.until);
    if (!words.reason.empty()) append_member(out, "reason", with_dollars_doubled(words.reason));
    out.push_back('}');
    return out;
}

}  // namespace orggate::app
