#include "orggate/limit/key.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace orggate::limit {

namespace {

constexpr std::size_t longest_id = 64;
constexpr std::size_t hashed_bytes = 16;  // of SHA-256: names that must not collide

constexpr bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

// What the subject is, unless it is the organisation: the same limit may count addresses
// where there is no organisation.
std::string_view subject_mark(Per per)
{
    switch (per) {
        case Per::org:
        case Per::org_user: return "";
        case Per::user: return ":user";
        case Per::ip: return ":ip";
    }
    return "";
}

constexpr std::array<std::uint16_t, 256> crc_table = [] {
    std::array<std::uint16_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        std::uint32_t crc = i << 8;
        for (int bit = 0; bit < 8; ++bit)
            crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
        table[i] = static_cast<std::uint16_t>(crc);
    }
    return table;
}();

std::uint16_t crc16(std::string_view bytes)
{
    std::uint32_t crc = 0;
    for (const char c : bytes)
        crc = (crc << 8 & 0xFFFF) ^ crc_table[(crc >> 8 ^ static_cast<std::uint8_t>(c)) & 0xFF];
    return static_cast<std::uint16_t>(crc);
}

}  // namespace

std::string_view layout_tag(Algorithm algorithm)
{
    switch (algorithm) {
        case Algorithm::window: return "w1";
        case Algorithm::bucket: return "b1";
        case Algorithm::calendar: return "q1";
        case Algorithm::concurrent: return "c1";
    }
    return "";
}

void append_id(std::string& out, std::string_view id)
{
    if (!id.empty() && id.size() <= longest_id && std::all_of(id.begin(), id.end(), is_plain)) {
        out.append(id);
        return;
    }
    constexpr std::string_view digits = "0123456789abcdef";
    out.append("h=");
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    EVP_Digest(id.data(), id.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
    for (std::size_t i = 0; i < hashed_bytes; ++i)
        out.append({digits[digest[i] >> 4], digits[digest[i] & 15]});
}

void append_key(std::string& out, std::string_view name_space, const Check& check)
{
    out.append(name_space).append(1, ':').append(layout_tag(check.quota->algorithm)).append(":{");
    append_id(out, check.subject);
    out.append("}:");
    append_id(out, check.limit);
    if (check.quota->name != check.limit) {
        out.append(1, '/');
        append_id(out, check.quota->name);
    }
    out.append(subject_mark(check.per));
    if (check.per == Per::org_user) append_id(out.append(":u="), check.member);
}

std::uint16_t slot_of(std::string_view key)
{
    const auto open = key.find('{');
    if (open != key.npos) {
        const auto close = key.find('}', open + 1);
        if (close != key.npos && close > open + 1) key = key.substr(open + 1, close - open - 1);
    }
    return crc16(key) & 0x3FFF;
}

}  // namespace orggate::limit
