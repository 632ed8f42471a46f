#include "app/admin_guard.hpp"

#include "orggate/http/client_address.hpp"
#include "orggate/http/managed_fields.hpp"

#include <algorithm>

namespace orggate::app {
namespace {

bool is_loopback_host(std::string_view host)
{
    const auto bracket = host.rfind(']');
    const auto colon = host.rfind(':');
    const bool has_port = colon != host.npos && (bracket == host.npos || colon > bracket);
    const auto name = host.substr(0, has_port ? colon : host.npos);
    return name == "127.0.0.1" || name == "[::1]" || http::same_name(name, "localhost");
}

std::string_view bearer(std::string_view authorization)
{
    constexpr std::string_view scheme = "bearer ";
    if (authorization.size() <= scheme.size()) return {};
    if (!http::same_name(authorization.substr(0, scheme.size()), scheme)) return {};
    return authorization.substr(scheme.size());
}

}  // namespace

std::optional<Page> AdminGuard::refuse(const PageRequest& request) const
{
    if (is_unix) {
        const bool is_us = request.unix_user == own_user || request.unix_user == 0u;
        if (is_us) return {};
        return Page{.status = 403, .body = "the admin socket is for the user orggate runs as\n"};
    }
    if (!is_loopback_host(request.host))
        return Page{.status = 421, .body = "Host must name loopback\n"};
    if (token.empty() || !is_same_secret(bearer(request.authorization), token))
        return Page{.status = 401, .body = "expected Authorization: Bearer with the admin token\n"};
    return {};
}

bool is_same_secret(std::string_view one, std::string_view other)
{
    // Every byte of the longer counts; how long the secret is is none.
    const auto size = std::max(one.size(), other.size());
    volatile unsigned difference = one.size() == other.size() ? 0 : 1;
    for (std::size_t i = 0; i < size; ++i) {
        const auto a = i < one.size() ? static_cast<unsigned char>(one[i]) : 0u;
        const auto b = i < other.size() ? static_cast<unsigned char>(other[i]) : 0u;
        difference = difference | (a ^ b);
    }
    return difference == 0;
}

}  // namespace orggate::app
