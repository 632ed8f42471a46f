#include "clerk/percent.hpp"

#include <cstdint>
#include <optional>

namespace orggate::clerk {

namespace {

int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<std::string> decode(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (text.size() - i < 3) return std::nullopt;
        const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

// The length of the UTF-8 sequence a byte begins; zero for none.
std::size_t sequence_length(unsigned char first)
{
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first < 0xE0) return 2;
    if (first >= 0xE0 && first < 0xF0) return 3;
    if (first >= 0xF0 && first < 0xF5) return 4;
    return 0;
}

// The second byte's range is narrower after some first bytes: no overlong form, no
// surrogate, nothing beyond U+10FFFF (RFC 3629 section 4).
bool is_second(unsigned char first, unsigned char second)
{
    switch (first) {
        case 0xE0: return second >= 0xA0 && second <= 0xBF;
        case 0xED: return second >= 0x80 && second <= 0x9F;
        case 0xF0: return second >= 0x90 && second <= 0xBF;
        case 0xF4: return second >= 0x80 && second <= 0x8F;
        default: return second >= 0x80 && second <= 0xBF;
    }
}

bool is_utf8(std::string_view text)
{
    while (!text.empty()) {
        const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
        const auto length = sequence_length(byte(0));
        if (length == 0 || length > text.size()) return false;
        if (length > 1 && !is_second(byte(0), byte(1))) return false;
        for (std::size_t i = 2; i < length; ++i)
            if ((byte(i) & 0xC0U) != 0x80) return false;
        text.remove_prefix(length);
    }
    return true;
}

}  // namespace

std::string percent_decoded(std::string_view text)
{
    if (text.find('%') == std::string_view::npos) return std::string(text);
    auto decoded = decode(text);
    if (!decoded || !is_utf8(*decoded)) return std::string(text);
    return std::move(*decoded);
}

}  // namespace orggate::clerk
