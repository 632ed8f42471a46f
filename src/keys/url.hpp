// The address of a key set, in parts.
// Pure. Source: RFC 3986, as far as a configuration needs it.

#pragma once

#include "orggate/config/config.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace orggate::keys {

struct Url {
    bool is_tls = false;
    config::Address address;
    std::string authority;  // for Host: without the scheme's own port
    std::string target;     // path and query, at least "/"
};

// Nothing for another scheme than http and https, user information, a fragment, a port
// outside 1..65535, or bytes that cannot stand in a request line.
std::optional<Url> parse_url(std::string_view text);

}  // namespace orggate::keys
