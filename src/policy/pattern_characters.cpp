#include "policy/pattern_characters.hpp"

namespace orggate::policy {

bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_unreserved(unsigned char c)
{
    const auto as_char = static_cast<char>(c);
    return is_name_character(as_char) || c == '-' || c == '.' || c == '~';
}

bool is_literal(char c)
{
    return is_unreserved(static_cast<unsigned char>(c)) ||
           std::string_view("!$&',;=@").find(c) != std::string_view::npos;
}

int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string_view why_not(char c)
{
    switch (c) {
        case '*': return "\"*\" can only end a :name or stand in \"(.*)\"";
        case '?': return "\"?\" can only end a :name; a path is matched without its query";
        case '+': return "\"+\" is not in the pattern language; use :name* or (.*)";
        case '\\': return "a backslash is never part of a path, and nothing needs escaping";
        case '|': return "\"|\" can only stand inside (a|b)";
        case ')': return "\")\" without its \"(\"";
        case '#': return "a path has no fragment";
        case '{':
        case '}': return "braces are not in the pattern language; use :name?";
        case '[':
        case ']':
        case '^': return "regular expressions are not in the pattern language";
        case ' ': return "a blank must be written %20";
        default: break;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) return "letters outside ASCII must be percent-encoded, as in %C3%A9";
    return "this character cannot stand in a path";
}

}  // namespace orggate::policy
