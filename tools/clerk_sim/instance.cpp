#include "instance.hpp"

#include "keys.hpp"

#include <openssl/sha.h>

#include <array>
#include <stdexcept>

namespace clerk_sim {
namespace {

std::string decode_base64(std::string text)
{
    const auto padding = text.find('=');
    if (padding != std::string::npos) text.resize(padding);
    const std::size_t letters = text.size();
    text.append((4 - letters % 4) % 4, '=');
    std::string bytes(text.size() / 4 * 3, '\0');
    const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    if (size < 0) return {};
    bytes.resize(letters * 6 / 8);
    return bytes;
}

// The first 8 characters of the key's SHA-1 in URL-safe base64.
std::string suffix_of(std::string_view key)
{
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
    SHA1(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data());
    return base64url({reinterpret_cast<const char*>(digest.data()), digest.size()}).substr(0, 8);
}

}  // namespace

Instance make_instance(std::string_view publishable_key, std::string_view secret_key)
{
    const bool is_live = publishable_key.starts_with("pk_live_");
    if (!is_live && !publishable_key.starts_with("pk_test_"))
        throw std::invalid_argument("a publishable key starts with pk_live_ or pk_test_");
    std::string host = decode_base64(std::string(publishable_key.substr(8)));
    if (host.size() < 2 || host.find('$') != host.size() - 1 || host.find('.') == host.npos)
        throw std::invalid_argument("a publishable key holds the base64 of <host>$");
    host.pop_back();
    return {std::string(publishable_key), std::string(secret_key), host, suffix_of(publishable_key),
        !is_live};
}

}  // namespace clerk_sim
