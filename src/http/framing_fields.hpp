// The two fields that say how long a body is, judged alike in both directions.
// Pure. Source: RFC 9112 sections 6.1 to 6.3.

#pragma once

#include "orggate/denial.hpp"

#include <cstdint>
#include <string_view>

namespace orggate::http {

// How often a field that must stand alone was seen, and its last value.
struct Seen {
    std::string_view value;
    unsigned times = 0;

    void add(std::string_view next)
    {
        value = next;
        ++times;
    }
};

struct FramingFields {
    bool is_chunked = false;
    bool has_length = false;
    std::uint64_t length = 0;
};

// Either one Content-Length of digits alone (leading zeros too), below 2^63, or exactly
// `chunked` in any case on HTTP/1.1, or neither.
// Refuses: bad_content_length, bad_transfer_encoding, and coding_unsupported where a
//          well-formed list names another coding.
Result<FramingFields> read_framing(
    const Seen& content_length, const Seen& transfer_encoding, int minor_version);

}  // namespace orggate::http
