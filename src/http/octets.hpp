// What a byte may be in a message: one table, one lookup.
// Pure. Source: RFC 9110 section 5.6.2 (tchar), 5.5 (field values); RFC 3986 section 2.

#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace orggate::http {

enum class Octet : std::uint8_t {
    tchar = 1,       // methods, field names, tokens
    value = 2,       // field values: HTAB, SP, 0x21-0x7E, obs-text
    target = 4,      // 0x21-0x7E: the request line's middle
    plain_path = 8,  // target, but for % \ # ?
    hex = 16,
    unreserved = 32,  // letters, digits, - . _ ~
    host = 64,        // letters, digits, - and .
};

namespace detail {

constexpr bool is_digit(unsigned c)
{
    return c >= '0' && c <= '9';
}

constexpr bool is_letter(unsigned c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr bool is_hex(unsigned c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

constexpr bool is_among(unsigned c, std::string_view set)
{
    return c < 0x80 && set.find(static_cast<char>(c)) != set.npos;
}

constexpr std::uint8_t kinds_of(unsigned c)
{
    const auto bit = [](bool is_so, Octet kind) {
        return is_so ? static_cast<unsigned>(kind) : 0u;
    };
    const bool alphanumeric = is_digit(c) || is_letter(c);
    const bool visible = c > 0x20 && c < 0x7f;
    return static_cast<std::uint8_t>(
        bit(alphanumeric || is_among(c, "!#$%&'*+-.^_`|~"), Octet::tchar) |
        bit(visible || c == ' ' || c == '\t' || c >= 0x80, Octet::value) |
        bit(visible, Octet::target) | bit(visible && !is_among(c, "%\\#?"), Octet::plain_path) |
        bit(is_hex(c), Octet::hex) | bit(alphanumeric || is_among(c, "-._~"), Octet::unreserved) |
        bit(alphanumeric || is_among(c, "-."), Octet::host));
}

constexpr std::array<std::uint8_t, 256> make_octets()
{
    std::array<std::uint8_t, 256> table{};
    for (unsigned c = 0; c < 256; ++c)
        table[c] = kinds_of(c);
    return table;
}

inline constexpr std::array<std::uint8_t, 256> octets = make_octets();

}  // namespace detail

constexpr bool is(char c, Octet kind)
{
    return (detail::octets[static_cast<unsigned char>(c)] & static_cast<std::uint8_t>(kind)) != 0;
}

// The end of the run of `kind` that starts at `p`.
inline const char* skip(const char* p, const char* end, Octet kind)
{
    while (p != end && is(*p, kind))
        ++p;
    return p;
}

// skip(p, end, Octet::value), eight bytes at a time while none of them is a control byte:
// most bytes of a request are those of one token in one value.
inline const char* skip_value(const char* p, const char* end)
{
    constexpr std::uint64_t each = 0x0101'0101'0101'0101;
    for (std::uint64_t word = 0; end - p >= 8; p += 8) {
        std::memcpy(&word, p, 8);
        const std::uint64_t del = word ^ (each * 0x7f);
        const std::uint64_t controls = (word - each * 0x20) & ~word;
        const std::uint64_t dels = (del - each) & ~del;
        if (((controls | dels) & (each * 0x80)) != 0) break;
    }
    return skip(p, end, Octet::value);
}

constexpr bool consists_of(std::string_view text, Octet kind)
{
    for (const char c : text)
        if (!is(c, kind)) return false;
    return true;
}

constexpr bool is_digit(char c)
{
    return detail::is_digit(static_cast<unsigned char>(c));
}

// Of a byte that is Octet::hex.
constexpr unsigned hex_value(char c)
{
    if (is_digit(c)) return static_cast<unsigned>(c - '0');
    return static_cast<unsigned>((c | 0x20) - 'a' + 10);
}

}  // namespace orggate::http
