// Appends JSON by hand: the log's hot path needs no document tree.
// Pure.

#pragma once

#include <string>
#include <string_view>

namespace orggate::observe {

// `text` with quotes, escaped; bytes that are not UTF-8 become U+FFFD, control
// characters of every kind are escaped. At most `limit` bytes between the quotes, counted
// as written; what is longer is cut at a character border.
void append_json_string(std::string& out, std::string_view text, std::size_t limit = 1024);

}  // namespace orggate::observe
