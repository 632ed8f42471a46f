#include "token/base64url.hpp"

#include <array>
#include <cstdint>

namespace orggate::token {

namespace {

constexpr std::uint8_t no_digit = 0xFF;

constexpr std::array<std::uint8_t, 256> digit_values()
{
    std::array<std::uint8_t, 256> values{};
    values.fill(no_digit);
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (std::size_t i = 0; i < digits.size(); ++i)
        values[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
    return values;
}

constexpr auto values = digit_values();

}  // namespace

std::optional<std::string> decode_base64url(std::string_view text)
{
    if (text.size() % 4 == 1) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() * 3 / 4);
    std::uint32_t held = 0;
    int bits = 0;
    for (const char digit : text) {
        const auto value = values[static_cast<unsigned char>(digit)];
        if (value == no_digit) return std::nullopt;
        held = ((held << 6) | value) & 0xFFFFU;
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        bytes += static_cast<char>((held >> bits) & 0xFFU);
    }
    const bool unused_bits_set = (held & ((1U << bits) - 1)) != 0;
    if (unused_bits_set) return std::nullopt;
    return bytes;
}

}  // namespace orggate::token
