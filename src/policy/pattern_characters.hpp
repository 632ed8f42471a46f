// What each character of a pattern means. Pure. Source: RFC 3986 section 3.3.

#pragma once

#include <string_view>

namespace orggate::policy {

// Of a :name.
bool is_name_character(char c);

// RFC 3986 section 2.3: an escape of one of these means the character itself.
bool is_unreserved(unsigned char c);

// What may stand raw in a path, without what the language itself uses.
bool is_literal(char c);

// 0 to 15; -1 for what is no hexadecimal digit.
int hex_value(char c);

// Why a character that is no literal cannot stand where it was found.
std::string_view why_not(char c);

}  // namespace orggate::policy
