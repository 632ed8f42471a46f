// Writes fields whose value we vouch for. Nobody else puts a claim, an address or an
// id on the wire.
// Pure.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace orggate::http {

inline constexpr std::size_t max_trusted_value = 4 * 1024;

// Printable ASCII without blanks at its ends, not empty, at most `limit` bytes.
bool is_trusted_value(std::string_view value, std::size_t limit = max_trusted_value);

// Appends `name: value` and CRLF, or appends nothing and says so if the value could
// not stand there.
[[nodiscard]] bool append_trusted_field(std::string& out, std::string_view name,
    std::string_view value, std::size_t limit = max_trusted_value);

// The same for a name and value that came off the wire and passed the head scan.
void append_field(std::string& out, std::string_view name, std::string_view value);

}  // namespace orggate::http
