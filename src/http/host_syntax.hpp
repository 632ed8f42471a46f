// Whether text may stand in a Host field.
// Pure. Source: RFC 9110 section 7.2, RFC 3986 section 3.2.2, narrower: what two readers
// could take for different hosts (percent escapes, a trailing dot, odd ports) is refused.

#pragma once

#include <string_view>

namespace orggate::http {

// Labels of letters, digits and hyphens, or an IPv6 address in brackets; then maybe a
// port from 1 to 65535. Never empty, no user information.
bool is_valid_host(std::string_view host);

}  // namespace orggate::http
