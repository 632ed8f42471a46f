// Percent-decoding as JavaScript's decodeURIComponent, which reads Clerk's cookies.
// Pure.

#pragma once

#include <string>
#include <string_view>

namespace orggate::clerk {

// The decoded text, or the text as it is if an escape is cut short, is not hexadecimal or
// the result is not UTF-8.
std::string percent_decoded(std::string_view text);

}  // namespace orggate::clerk
