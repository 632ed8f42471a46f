// Cross-origin answers of our own.
// Source: Fetch standard, section "CORS protocol".

#include "http/date.hpp"
#include "http/octets.hpp"
#include "http/own_head.hpp"
#include "http/token_list.hpp"
#include "orggate/http/denial_reply.hpp"

#include <algorithm>

namespace orggate::http {

namespace {

constexpr std::string_view expose = "Access-Control-Expose-Headers";
constexpr std::size_t max_asked = 1024;

bool is_allowed(const Cors& cors, std::string_view origin)
{
    return !origin.empty() &&
           std::find(cors.origins.begin(), cors.origins.end(), origin) != cors.origins.end();
}

// Appends the names of complete lines behind a list.
void append_names(std::string& list, std::string_view lines)
{
    while (!lines.empty()) {
        const auto end = std::min(lines.find("\r\n"), lines.size());
        const auto name = lines.substr(0, lines.substr(0, end).find(':'));
        if (!name.empty()) list.append(", ").append(name);
        lines.remove_prefix(std::min(end + 2, lines.size()));
    }
}

// Field names, and nothing that only looks like them: it is echoed.
bool is_name_list(std::string_view list)
{
    bool good = !list.empty() && list.size() <= max_asked;
    for_each_member(list, [&](std::string_view name) {
        good = good && !name.empty() && consists_of(name, Octet::tchar);
    });
    return good && std::none_of(list.begin(), list.end(), [](char c) { return c == '\t'; });
}

}  // namespace

std::string cors_fields(const Cors& cors, std::string_view origin, std::string_view quota_fields)
{
    if (!is_allowed(cors, origin)) return {};
    std::string exposed = "Retry-After, X-Request-Id, WWW-Authenticate, Proxy-Status";
    append_names(exposed, quota_fields);
    std::string fields;
    if (!append_trusted_field(fields, "Access-Control-Allow-Origin", origin)) return {};
    append_field(fields, "Access-Control-Allow-Credentials", "true");
    append_field(fields, expose, exposed);
    append_field(fields, "Vary", "Origin");
    return fields;
}

std::string exposed_fields(const Cors& cors, std::string_view origin, std::string_view quota_fields)
{
    if (!is_allowed(cors, origin)) return {};
    std::string exposed = "X-Request-Id", field;
    append_names(exposed, quota_fields);
    append_field(field, expose, exposed);
    return field;
}

bool is_preflight(const RequestHead& head)
{
    // Browsers send neither body nor credentials with one; either would be carried past
    // the check.
    const bool is_bare = head.body == BodyKind::none && !head.authorization && head.cookies.empty();
    return head.method == "OPTIONS" && is_bare && head.has("Origin") &&
           head.has("Access-Control-Request-Method");
}

std::string make_preflight_reply(const RequestHead& head, const Cors& cors,
    std::string_view request_id, bool keep_alive, Instant now)
{
    std::string out = own_head(204);
    append_proxy_status(out, "proxy_internal_response", "preflight");
    append_request_id(out, request_id);
    const std::string allowed = cors_fields(cors, head.find("Origin"));
    if (!allowed.empty()) {
        out.append(allowed);
        append_field(out, "Access-Control-Allow-Methods", served_methods);
        const std::string_view asked = head.find("Access-Control-Request-Headers");
        if (is_name_list(asked)) append_field(out, "Access-Control-Allow-Headers", asked);
        append_field(out, "Access-Control-Max-Age", "600");
    }
    append_date(out, now);
    append_connection(out, keep_alive, head.minor_version);
    return out.append("\r\n");
}

std::string make_options_reply(std::string_view request_id, bool keep_alive, Instant now)
{
    std::string out = own_head(200);
    append_field(out, "Allow", served_methods);
    append_field(out, "Content-Length", "0");
    append_proxy_status(out, "proxy_internal_response", "options");
    append_request_id(out, request_id);
    append_date(out, now);
    append_connection(out, keep_alive, 1);
    return out.append("\r\n");
}

}  // namespace orggate::http
