#include "token/signature.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

namespace orggate::token {

namespace {

constexpr int min_bits = 2048, max_bits = 8192;
constexpr std::size_t max_number_size = max_bits / 8 + 1;  // one leading zero byte is common

template <class T, void (*Free)(T*)>
struct Freed {
    void operator()(T* object) const { Free(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
using Number = std::unique_ptr<BIGNUM, Freed<BIGNUM, BN_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX, EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX, EVP_MD_CTX_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM, OSSL_PARAM_free>>;

// OpenSSL leaves reasons in a queue of the thread, where the next TLS call would
// take them for its own.
class ErrorsForgotten {
public:
    ErrorsForgotten() { ERR_set_mark(); }
    ~ErrorsForgotten() { ERR_pop_to_mark(); }
    ErrorsForgotten(const ErrorsForgotten&) = delete;
    ErrorsForgotten& operator=(const ErrorsForgotten&) = delete;
};

const unsigned char* octets(std::string_view bytes)
{
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

Number number(std::string_view bytes)
{
    if (bytes.empty() || bytes.size() > max_number_size) return nullptr;
    return Number(BN_bin2bn(octets(bytes), static_cast<int>(bytes.size()), nullptr));
}

Number number_of(const EVP_PKEY* key, const char* name)
{
    BIGNUM* found = nullptr;
    EVP_PKEY_get_bn_param(key, name, &found);
    return Number(found);
}

// Moduli of the faulty generator are powers of 65537 modulo every small prime.
// Source: Nemec and others, The Return of Coppersmith's Attack (CVE-2017-15361).
bool has_roca_mark(const BIGNUM* modulus)
{
    constexpr std::array<BN_ULONG, 38> primes{3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47,
        53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149,
        151, 157, 163, 167};
    return std::all_of(primes.begin(), primes.end(), [modulus](BN_ULONG prime) {
        const auto wanted = BN_mod_word(modulus, prime);
        BN_ULONG power = 1;
        do {
            if (power == wanted) return true;
            power = power * 65537 % prime;
        } while (power != 1);
        return false;
    });
}

bool is_sound(const BIGNUM* modulus, const BIGNUM* exponent)
{
    if (modulus == nullptr || exponent == nullptr) return false;
    const int bits = BN_num_bits(modulus);
    if (bits < min_bits || bits > max_bits || !BN_is_odd(modulus)) return false;
    const int exponent_bits = BN_num_bits(exponent);
    if (exponent_bits < 2 || exponent_bits > 32 || !BN_is_odd(exponent)) return false;
    return !has_roca_mark(modulus);
}

Key build(const BIGNUM* modulus, const BIGNUM* exponent)
{
    const ParamBuilder builder(OSSL_PARAM_BLD_new());
    if (!builder) return nullptr;
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus);
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent);
    const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
    const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
    if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1) return nullptr;
    EVP_PKEY* key = nullptr;
    EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get());
    return Key(key);
}

const EVP_MD* digest_of(Algorithm algorithm)
{
    switch (algorithm) {
        case Algorithm::rs256: return EVP_sha256();
        case Algorithm::rs384: return EVP_sha384();
        case Algorithm::rs512: return EVP_sha512();
    }
    return nullptr;
}

}  // namespace

std::optional<Algorithm> parse_algorithm(std::string_view name)
{
    if (name == "RS256") return Algorithm::rs256;
    if (name == "RS384") return Algorithm::rs384;
    if (name == "RS512") return Algorithm::rs512;
    return std::nullopt;
}

SigningKey::SigningKey(evp_pkey_st* key, std::optional<Algorithm> only) : key_(key), only_(only) {}

SigningKey::~SigningKey()
{
    EVP_PKEY_free(key_);
}

std::unique_ptr<const SigningKey> SigningKey::from_numbers(
    std::string_view modulus, std::string_view exponent, std::optional<Algorithm> only)
{
    const ErrorsForgotten quiet;
    const Number n = number(modulus), e = number(exponent);
    if (!is_sound(n.get(), e.get())) return nullptr;
    Key key = build(n.get(), e.get());
    if (!key) return nullptr;
    return std::unique_ptr<const SigningKey>(new SigningKey(key.release(), only));
}

std::unique_ptr<const SigningKey> SigningKey::from_der(
    std::string_view der, std::optional<Algorithm> only)
{
    const ErrorsForgotten quiet;
    const unsigned char* at = octets(der);
    const auto* end = at + der.size();
    Key key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
    if (!key || at != end || EVP_PKEY_is_a(key.get(), "RSA") != 1) return nullptr;
    const Number n = number_of(key.get(), OSSL_PKEY_PARAM_RSA_N);
    const Number e = number_of(key.get(), OSSL_PKEY_PARAM_RSA_E);
    if (!is_sound(n.get(), e.get())) return nullptr;
    return std::unique_ptr<const SigningKey>(new SigningKey(key.release(), only));
}

bool SigningKey::allows(Algorithm algorithm) const
{
    return !only_ || *only_ == algorithm;
}

bool SigningKey::verifies(
    Algorithm algorithm, std::string_view input, std::string_view signature) const
{
    const ErrorsForgotten quiet;
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* padding = nullptr;  // owned by the digest context
    if (!context) return false;
    if (EVP_DigestVerifyInit(context.get(), &padding, digest_of(algorithm), nullptr, key_) != 1)
        return false;
    if (EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PADDING) != 1) return false;
    // Anything but 1 is a refusal: zero says wrong, a negative number says broken.
    return EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(input),
               input.size()) == 1;
}

}  // namespace orggate::token
