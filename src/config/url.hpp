// URLs, origins, host names and socket addresses as the configuration writes them.
// Pure; nothing is resolved. Source: RFC 3986, RFC 6454 (origins).

#pragma once

#include "orggate/config/config.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace orggate::config {

struct Url {
    bool is_https = false;
    std::string host;        // lower case, IPv6 without its brackets
    std::uint16_t port = 0;  // the scheme's own if none is written
    std::string path;        // as written; may be empty
    bool has_query = false;
    std::string text;               // as written
    std::string origin() const;     // scheme://host[:port], without the scheme's own port
    std::string authority() const;  // host[:port] as in `origin`
};

// An absolute http or https URL without user information and fragment.
std::optional<Url> parse_url(std::string_view text);

// 127.0.0.0/8, ::1 and localhost: the only hosts that clear text may go to.
bool is_loopback(std::string_view host);

// ip:port, [ip]:port, localhost:port or unix:/path.
std::optional<Address> parse_listen_address(std::string_view text);

// host:port, [ip]:port, or one without a port if there is a default for it. No unix socket.
std::optional<Address> parse_host_port(
    std::string_view text, std::optional<std::uint16_t> default_port = std::nullopt);

// Two listeners that cannot both be bound. Port 0 is a new port every time.
bool is_same(const Address& a, const Address& b);

// Labels of letters, digits and hyphens, or an IP address; no port.
bool is_host_name(std::string_view text);

bool is_ip_address(std::string_view text);

}  // namespace orggate::config
