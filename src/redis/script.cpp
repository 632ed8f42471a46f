#include "orggate/redis/store.hpp"

#include <openssl/evp.h>

#include <array>

namespace orggate::redis {

namespace {

// Redis names a script by the SHA-1 of its text: a name, not a proof.
std::string sha1_hex(std::string_view text)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (std::size_t i = 0; i < size; ++i) {
        hex.push_back(digits[digest[i] >> 4]);
        hex.push_back(digits[digest[i] & 15]);
    }
    return hex;
}

}  // namespace

Script::Script(std::string_view source) : text(source), sha(sha1_hex(source)) {}

}  // namespace orggate::redis
