#include "http/host_syntax.hpp"

#include "http/octets.hpp"

#include <arpa/inet.h>

#include <array>

namespace orggate::http {

namespace {

constexpr std::size_t longest_name = 253;  // RFC 1035 section 2.3.4, without the last dot

bool is_port(std::string_view text)
{
    if (text.empty() || text.size() > 5) return false;
    unsigned value = 0;
    for (const char c : text) {
        if (!is_digit(c)) return false;
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value >= 1 && value <= 65535;
}

bool is_name(std::string_view text)
{
    if (text.empty() || text.size() > longest_name) return false;
    if (text.front() == '.' || text.back() == '.') return false;
    return consists_of(text, Octet::host) && text.find("..") == text.npos;
}

bool is_ipv6(std::string_view text)
{
    std::array<char, INET6_ADDRSTRLEN> copy{};
    if (text.empty() || text.size() >= copy.size()) return false;
    // A NUL would end the copy early and hide what follows.
    for (const char c : text)
        if (!is(c, Octet::hex) && c != ':' && c != '.') return false;
    text.copy(copy.data(), text.size());
    in6_addr address{};
    return ::inet_pton(AF_INET6, copy.data(), &address) == 1;
}

}  // namespace

bool is_valid_host(std::string_view host)
{
    std::string_view rest;
    if (host.starts_with('[')) {
        const auto close = host.find(']');
        if (close == host.npos || !is_ipv6(host.substr(1, close - 1))) return false;
        rest = host.substr(close + 1);
    } else {
        const auto colon = host.find(':');
        if (!is_name(host.substr(0, colon))) return false;
        rest = colon == host.npos ? std::string_view{} : host.substr(colon);
    }
    return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
}

}  // namespace orggate::http
