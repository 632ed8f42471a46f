// Strict base64url: no padding, no other alphabet, no white space, no unused bits
// set. One text has one meaning, so a token cannot be respelled.
// Pure. Source: RFC 4648 section 5, RFC 7515 section 2.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace orggate::token {

// The bytes, or nothing if the text is not their one canonical spelling.
std::optional<std::string> decode_base64url(std::string_view text);

}  // namespace orggate::token
