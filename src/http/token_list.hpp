// Comma-separated lists in field values. Pure.
// Source: RFC 9110 section 5.6.1.

#pragma once

#include <string_view>

namespace orggate::http {

constexpr std::string_view trim_blanks(std::string_view text)
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

// Calls `visit` with every member, blanks trimmed; empty members too.
template <class Visit>
void for_each_member(std::string_view list, Visit visit)
{
    for (;;) {
        const auto comma = list.find(',');
        visit(trim_blanks(list.substr(0, comma)));
        if (comma == list.npos) return;
        list.remove_prefix(comma + 1);
    }
}

}  // namespace orggate::http
