#include "keys/url.hpp"

#include <algorithm>
#include <charconv>

namespace orggate::keys {

namespace {

bool is_host_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

bool is_address_character(char c)
{
    return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == ':' ||
           c == '.';
}

bool is_target_character(char c)
{
    return c > ' ' && c < '\x7f' &&
           std::string_view("#\\\"<>^`{|}").find(c) == std::string_view::npos;
}

bool is_host(std::string_view host)
{
    const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (!is_bracketed) return !host.empty() && std::ranges::all_of(host, is_host_character);
    return std::ranges::all_of(host.substr(1, host.size() - 2), is_address_character);
}

// The colon before the port, which an IPv6 address's own colons are not.
std::size_t port_colon(std::string_view authority)
{
    const auto colon = authority.rfind(':');
    const auto bracket = authority.rfind(']');
    const bool is_inside = bracket != std::string_view::npos && colon < bracket;
    return is_inside ? std::string_view::npos : colon;
}

std::optional<std::uint16_t> parse_port(std::string_view digits)
{
    std::uint16_t port = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, port);
    if (error != std::errc() || stop != end || port == 0) return std::nullopt;
    return port;
}

bool take_prefix(std::string_view& text, std::string_view prefix)
{
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

}  // namespace

std::optional<Url> parse_url(std::string_view text)
{
    Url url;
    url.is_tls = take_prefix(text, "https://");
    if (!url.is_tls && !take_prefix(text, "http://")) return std::nullopt;
    const std::string_view authority = text.substr(0, text.find_first_of("/?"));
    const std::string_view target = text.substr(authority.size());
    if (!std::ranges::all_of(target, is_target_character)) return std::nullopt;
    url.target = (target.starts_with('/') ? "" : "/") + std::string(target);

    const auto colon = port_colon(authority);
    const std::string_view host = authority.substr(0, colon);
    if (!is_host(host)) return std::nullopt;
    const std::uint16_t usual = url.is_tls ? 443 : 80;
    url.address.host = host;
    url.address.port = usual;
    if (colon != std::string_view::npos) {
        const auto port = parse_port(authority.substr(colon + 1));
        if (!port) return std::nullopt;
        url.address.port = *port;
    }
    url.authority = url.address.port == usual ? host : authority;
    return url;
}

}  // namespace orggate::keys
