// The Date field: clients measure X-RateLimit-Reset, Expires and their like against it,
// rather than against clocks of their own.
// Pure. Source: RFC 9110 sections 5.6.7 and 6.6.1.

#pragma once

#include "orggate/time.hpp"

#include <string>

namespace orggate::http {

// Appends `Date: Sun, 06 Nov 1994 08:49:37 GMT` as a line: seconds, rounded down. Years
// outside 0 to 9999 are shown as the nearest of these.
void append_date(std::string& out, Instant now);

}  // namespace orggate::http
