#include "token/permissions.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace orggate::token {

namespace {

constexpr std::size_t max_word = 256;

std::string_view trimmed(std::string_view text)
{
    constexpr std::string_view space = " \t\r\n\f\v";
    const auto first = text.find_first_not_of(space);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(space) - first + 1);
}

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// The lowest `count` bits of a decimal, as words of 32 bits, lowest first.
std::vector<std::uint32_t> low_bits(std::string_view decimal, std::size_t count)
{
    std::vector<std::uint32_t> words((count + 31) / 32, 0);
    if (!std::all_of(decimal.begin(), decimal.end(), is_digit)) return words;
    for (const char digit : decimal) {
        std::uint64_t carry = static_cast<std::uint64_t>(digit - '0');
        for (auto& word : words) {
            carry += std::uint64_t{word} * 10;
            word = static_cast<std::uint32_t>(carry);
            carry >>= 32;
        }
    }
    return words;
}

}  // namespace

bool is_word(std::string_view text)
{
    if (text.empty() || text.size() > max_word) return false;
    return std::all_of(
        text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F' && c != ','; });
}

std::vector<std::string_view> split_list(std::string_view text)
{
    std::vector<std::string_view> pieces;
    if (text.empty()) return pieces;
    for (;;) {
        const auto comma = text.find(',');
        pieces.push_back(trimmed(text.substr(0, comma)));
        if (comma == std::string_view::npos) return pieces;
        text.remove_prefix(comma + 1);
    }
}

std::optional<Scoped> parse_scoped(std::string_view text)
{
    Scoped lists;
    for (const auto element : split_list(text)) {
        const auto colon = element.find(':');
        if (colon == std::string_view::npos) return std::nullopt;
        const auto scope = element.substr(0, colon);
        const auto name = element.substr(colon + 1);
        if (!is_word(name)) return std::nullopt;
        const bool both = scope == "ou" || scope == "uo";
        if (both || scope == "o") lists.org.emplace_back(name);
        if (both || scope == "u") lists.user.emplace_back(name);
    }
    return lists;
}

std::optional<std::vector<std::string>> unpack_permissions(
    const std::vector<std::string>& features, std::string_view names, std::string_view bitmaps)
{
    const auto words = split_list(names);
    if (!std::all_of(words.begin(), words.end(), is_word)) return std::nullopt;
    const auto maps = split_list(bitmaps);
    std::vector<std::string> permissions;
    for (std::size_t i = 0; i < std::min(features.size(), maps.size()); ++i) {
        const auto bits = low_bits(maps[i], words.size());
        for (std::size_t j = 0; j < words.size(); ++j) {
            if (((bits[j / 32] >> (j % 32)) & 1U) == 0) continue;
            permissions.push_back("org:" + features[i] + ":" + std::string(words[j]));
        }
    }
    return permissions;
}

}  // namespace orggate::token
