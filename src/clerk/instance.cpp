#include "orggate/clerk/instance.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace orggate::clerk {

namespace {

constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t suffix_size = 8;

bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

// As a browser's atob: white space goes, padding is optional, spare bits are dropped.
std::optional<std::string> forgiving_base64(std::string_view encoded)
{
    std::string text(encoded);
    text.erase(std::remove_if(text.begin(), text.end(), is_space), text.end());
    if (text.size() % 4 == 0)
        for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i)
            text.pop_back();
    if (text.size() % 4 == 1) return std::nullopt;
    std::string bytes;
    std::uint32_t held = 0;
    int bits = 0;
    for (const char digit : text) {
        const auto value = digits.find(digit);
        if (value == std::string_view::npos) return std::nullopt;
        held = (held << 6) | static_cast<std::uint32_t>(value);
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        bytes += static_cast<char>((held >> bits) & 0xFFU);
    }
    return bytes;
}

// The host goes into URLs, so it must be one. Clerk's SDK does not look.
bool is_host(std::string_view host)
{
    if (host.find('.') == std::string_view::npos) return false;
    return std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == ':';
    });
}

// The text between the second underscore and the end; empty if there are not three parts.
std::string_view encoded_host(std::string_view key)
{
    constexpr std::size_t prefix_size = std::string_view("pk_live_").size();
    const auto rest = key.substr(prefix_size);
    return rest.find('_') == std::string_view::npos ? rest : std::string_view();
}

// Empty if this OpenSSL has no SHA-1.
std::string suffix_of(std::string_view key)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    std::string suffix;
    if (EVP_Digest(key.data(), key.size(), hash.data(), nullptr, EVP_sha1(), nullptr) != 1)
        return suffix;
    std::uint32_t held = 0;
    int bits = 0;
    for (std::size_t i = 0; suffix.size() < suffix_size; ++i) {
        held = (held << 8) | hash[i];
        for (bits += 8; bits >= 6; bits -= 6)
            suffix += digits[(held >> (bits - 6)) & 63U];
    }
    std::replace(suffix.begin(), suffix.end(), '+', '-');
    std::replace(suffix.begin(), suffix.end(), '/', '_');
    return suffix;
}

void replace_first(std::string& text, std::string_view from, std::string_view to)
{
    const auto at = text.find(from);
    if (at != std::string::npos) text.replace(at, from.size(), to);
}

std::string portal_of(std::string host)
{
    replace_first(host, "clerk.accountsstage.", "accountsstage.");
    // The longer pattern begins with the shorter: where one is first, so is the other.
    const auto at = host.find("clerk.");
    if (at != std::string::npos) {
        constexpr std::string_view longer = "clerk.accounts.", shorter = "clerk.";
        const bool is_longer = host.compare(at, longer.size(), longer) == 0;
        host.replace(at, (is_longer ? longer : shorter).size(), "accounts.");
    }
    return "https://" + host;
}

}  // namespace

std::optional<Instance> parse_publishable_key(std::string_view key)
{
    const bool is_live = key.substr(0, 8) == "pk_live_";
    if (!is_live && key.substr(0, 8) != "pk_test_") return std::nullopt;
    const auto encoded = encoded_host(key);
    if (encoded.empty()) return std::nullopt;
    auto host = forgiving_base64(encoded);
    if (!host || host->empty() || host->find('$') != host->size() - 1) return std::nullopt;
    host->pop_back();
    if (!is_host(*host)) return std::nullopt;

    Instance instance;
    instance.type = is_live ? InstanceType::production : InstanceType::development;
    instance.cookie_suffix = suffix_of(key);
    instance.account_portal = portal_of(*host);
    instance.frontend_host = std::move(*host);
    if (instance.cookie_suffix.empty()) return std::nullopt;
    return instance;
}

}  // namespace orggate::clerk
