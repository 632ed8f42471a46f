// Reads UTF-8 strictly: no overlong forms, no surrogates, nothing past U+10FFFF.
// Pure. Source: Unicode Standard, table 3-7.

#pragma once

#include <cstddef>
#include <string_view>

namespace orggate::observe {

// The length of the character at the front of `text`, 1 to 4; 0 if it isn't one.
std::size_t utf8_length(std::string_view text);

}  // namespace orggate::observe
