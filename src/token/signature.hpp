// RSA public keys and RSASSA-PKCS1-v1_5 signatures: the only cryptography of tokens.
// There is no other algorithm here, so none can be confused with these.
// A key may be used by any number of threads. Source: RFC 7518 section 3.3.

#pragma once

#include <memory>
#include <optional>
#include <string_view>

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace orggate::token {

enum class Algorithm { rs256, rs384, rs512 };

// Byte-exact. Nothing for every other name.
std::optional<Algorithm> parse_algorithm(std::string_view name);

class SigningKey {
public:
    // From modulus and exponent, big-endian. Nothing unless the modulus is odd with 2048 to
    // 8192 bits and without the mark of a key made by the ROCA generator, and the
    // exponent odd in 3..2^32. `only` binds the key to one algorithm.
    static std::unique_ptr<const SigningKey> from_numbers(
        std::string_view modulus, std::string_view exponent, std::optional<Algorithm> only);

    // From the DER of a SubjectPublicKeyInfo, nothing before or after it.
    static std::unique_ptr<const SigningKey> from_der(
        std::string_view der, std::optional<Algorithm> only);

    // Whether this key may verify tokens of this algorithm.
    bool allows(Algorithm algorithm) const;

    // Whether `signature` is the key's over `input`.
    bool verifies(Algorithm algorithm, std::string_view input, std::string_view signature) const;

    ~SigningKey();
    SigningKey(const SigningKey&) = delete;
    SigningKey& operator=(const SigningKey&) = delete;

private:
    SigningKey(evp_pkey_st* key, std::optional<Algorithm> only);
    evp_pkey_st* key_;
    std::optional<Algorithm> only_;
};

}  // namespace orggate::token
