#include "app/query.hpp"

#include <algorithm>

namespace orggate::app {
namespace {

constexpr std::size_t most_parameters = 32, longest_value = 1024;

int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// How many continuation bytes follow, and the least code point such a sequence may hold;
// -1: no first byte. Source: RFC 3629.
struct Lead {
    int more;
    unsigned bits, least;
};
Lead read_lead(unsigned char byte)
{
    if (byte < 0x80) return {0, byte, 0};
    if (byte >= 0xC2 && byte < 0xE0) return {1, byte & 0x1Fu, 0x80};
    if (byte >= 0xE0 && byte < 0xF0) return {2, byte & 0x0Fu, 0x800};
    if (byte >= 0xF0 && byte < 0xF5) return {3, byte & 0x07u, 0x10000};
    return {-1, 0, 0};
}

// UTF-8 without control characters of either kind.
bool is_plain_text(std::string_view text)
{
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = read_lead(static_cast<unsigned char>(text[i++]));
        if (lead.more < 0 || text.size() - i < static_cast<std::size_t>(lead.more)) return false;
        unsigned code = lead.bits;
        for (int k = 0; k < lead.more; ++k) {
            const auto byte = static_cast<unsigned char>(text[i++]);
            if ((byte & 0xC0u) != 0x80u) return false;
            code = code << 6 | (byte & 0x3Fu);
        }
        const bool is_surrogate = code >= 0xD800 && code < 0xE000;
        if (code < lead.least || code > 0x10FFFF || is_surrogate) return false;
        if (code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029)
            return false;
    }
    return true;
}

bool contains(std::initializer_list<std::string_view> names, std::string_view name)
{
    return std::ranges::find(names, name) != names.end();
}

}  // namespace

boost::system::result<std::string, Fault> percent_decode(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out.push_back(text[i]);
            continue;
        }
        const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0) return Fault{400, "a % that begins no escape"};
        out.push_back(static_cast<char>(high * 16 + low));
        i += 2;
    }
    if (!is_plain_text(out)) return Fault{400, "control characters, or text that is not UTF-8"};
    return out;
}

std::string percent_encode(std::string_view text)
{
    static constexpr std::string_view digits = "0123456789ABCDEF";
    static constexpr std::string_view plain = "-._~";
    std::string out;
    for (const char c : text) {
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (is_letter || (c >= '0' && c <= '9') || plain.find(c) != plain.npos) {
            out.push_back(c);
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out.push_back('%');
        out.push_back(digits[byte >> 4]);
        out.push_back(digits[byte & 15u]);
    }
    return out;
}

boost::system::result<Query, Fault> Query::parse(std::string_view text,
    std::initializer_list<std::string_view> known, std::initializer_list<std::string_view> lists)
{
    Query query;
    while (!text.empty()) {
        const auto piece = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(piece.size() + 1, text.size()));
        const auto equals = piece.find('=');
        if (equals == piece.npos) return Fault{400, "expected NAME=VALUE"};
        auto name = percent_decode(piece.substr(0, equals));
        if (!name) return name.error();
        auto value = percent_decode(piece.substr(equals + 1));
        if (!value) return Fault{400, *name + ": " + value.error().text};
        const bool is_list = contains(lists, *name);
        if (!is_list && !contains(known, *name)) return Fault{400, "an unknown parameter"};
        if (!is_list && query.has(*name)) return Fault{400, *name + ": given twice"};
        if (value->empty()) return Fault{400, *name + ": expected a value"};
        if (value->size() > longest_value) return Fault{400, *name + ": too long"};
        if (query.entries_.size() == most_parameters) return Fault{400, "too many parameters"};
        query.entries_.emplace_back(std::move(*name), std::move(*value));
    }
    return query;
}

bool Query::has(std::string_view name) const
{
    return std::ranges::any_of(entries_, [&](const auto& e) { return e.first == name; });
}

std::string Query::get(std::string_view name) const
{
    const auto found =
        std::ranges::find_if(entries_, [&](const auto& e) { return e.first == name; });
    return found == entries_.end() ? std::string() : found->second;
}

std::vector<std::string> Query::all(std::string_view name) const
{
    std::vector<std::string> values;
    for (const auto& [key, value] : entries_)
        if (key == name) values.push_back(value);
    return values;
}

}  // namespace orggate::app
