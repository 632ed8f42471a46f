// The request target as one canonical path and its query, or a refusal.
// The canonical path is both matched and forwarded: escapes of unreserved
// characters decoded, hex upper-cased, nothing else changed.
// Pure. Source: RFC 9112 section 3.2, RFC 3986 section 6.2.2.

#pragma once

#include "orggate/denial.hpp"

#include <string>
#include <string_view>

namespace orggate::http {

struct Target {
    std::string path;          // starts with '/'; "*" where is_asterisk
    std::string query;         // as sent, without `?` and without `__clerk_*` parameters
    bool has_query = false;    // `?` goes on, also with an empty query (as sent)
    bool is_asterisk = false;  // OPTIONS *
};

// `host` is the Host field: an absolute-form target must name the same authority.
// Segments are judged as they read without `;parameters`. Escapes must spell UTF-8; in
// the query they may be anything.
// Refuses: bad_target, dot_segment, encoded_separator (%2F %5C %00-%1F %7F and
//          backslash), empty_segment (a single slash at the end is none), host_unknown
//          (absolute-form for another host).
Result<Target> parse_target(std::string_view method, std::string_view text, std::string_view host);

}  // namespace orggate::http
