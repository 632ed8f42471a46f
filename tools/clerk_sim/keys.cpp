#include "keys.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <array>
#include <stdexcept>
#include <utility>

namespace clerk_sim {
namespace {

namespace json = boost::json;

[[noreturn]] void fail(const char* what)
{
    throw std::runtime_error(std::string("OpenSSL: ") + what);
}

std::string new_key_id()
{
    constexpr std::string_view letters =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    std::array<unsigned char, 27> random{};
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) fail("RAND_bytes");
    std::string id = "ins_";
    for (unsigned char byte : random)
        id += letters[byte % letters.size()];
    return id;
}

SigningKey make_key(bool is_published)
{
    SigningKey made{new_key_id(), {}, is_published};
    made.key.reset(EVP_RSA_gen(2048));
    if (!made.key) fail("EVP_RSA_gen");
    return made;
}

std::string modulus(const SigningKey& key)
{
    BIGNUM* number = nullptr;
    if (EVP_PKEY_get_bn_param(key.key.get(), OSSL_PKEY_PARAM_RSA_N, &number) != 1) fail("modulus");
    std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
    BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
    BN_free(number);
    return bytes;
}

const EVP_MD* digest_of(std::string_view algorithm)
{
    if (algorithm.ends_with("384")) return EVP_sha384();
    if (algorithm.ends_with("512")) return EVP_sha512();
    return EVP_sha256();
}

std::string hmac(const SigningKey& key, const EVP_MD* digest, std::string_view text)
{
    const std::string secret = public_pem(key);
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned int size = 0;
    HMAC(digest, secret.data(), static_cast<int>(secret.size()),
        reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size);
    return {reinterpret_cast<const char*>(out.data()), size};
}

std::string rsa_signature(
    const SigningKey& key, const EVP_MD* digest, int padding, std::string_view text)
{
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(
        EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_PKEY_CTX* options = nullptr;
    if (EVP_DigestSignInit(context.get(), &options, digest, nullptr, key.key.get()) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(options, padding) != 1)
        fail("EVP_DigestSignInit");
    if (padding == RSA_PKCS1_PSS_PADDING &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) != 1)
        fail("salt length");
    std::array<unsigned char, 256> out{};
    std::size_t size = out.size();
    if (EVP_DigestSign(context.get(), out.data(), &size,
            reinterpret_cast<const unsigned char*>(text.data()), text.size()) != 1)
        fail("EVP_DigestSign");
    return {reinterpret_cast<const char*>(out.data()), size};
}

json::object overview_row(const SigningKey& key, std::string_view state)
{
    return {{"kid", key.id}, {"state", state}, {"published", key.is_published}};
}

}  // namespace

std::string base64url(std::string_view bytes)
{
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP writes a final zero
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    while (text.ends_with('='))
        text.pop_back();
    for (char& c : text)
        c = c == '+' ? '-' : c == '/' ? '_' : c;
    return text;
}

std::string public_pem(const SigningKey& key)
{
    std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), BIO_free);
    if (PEM_write_bio_PUBKEY(memory.get(), key.key.get()) != 1) fail("PEM_write_bio_PUBKEY");
    char* start = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &start);
    return {start, static_cast<std::size_t>(size)};
}

std::string sign(const SigningKey& key, std::string_view algorithm, std::string_view text)
{
    if (algorithm == "none") return {};
    if (algorithm.starts_with("HS")) return hmac(key, digest_of(algorithm), text);
    if (algorithm.starts_with("PS"))
        return rsa_signature(key, digest_of(algorithm), RSA_PKCS1_PSS_PADDING, text);
    const EVP_MD* digest = algorithm.starts_with("RS") ? digest_of(algorithm) : EVP_sha256();
    return rsa_signature(key, digest, RSA_PKCS1_PADDING, text);
}

KeyRing::KeyRing() : current_(make_key(true)) {}

const SigningKey& KeyRing::find(std::string_view name)
{
    if (name == "current") return current_;
    if (name == "next" && next_.key) return next_;
    if (name == "old" && !old_.empty()) return old_.back();
    if (name == "foreign") {
        if (!foreign_.key) foreign_ = make_key(false);
        return foreign_;
    }
    throw std::invalid_argument("there is no key called " + std::string(name) + " now");
}

void KeyRing::rotate(std::string_view mode)
{
    if (mode == "publish-next") {
        next_ = make_key(true);
    } else if (mode == "activate") {
        if (!next_.key) throw std::invalid_argument("publish-next first");
        old_.push_back(std::exchange(current_, std::move(next_)));
        next_ = {};
    } else if (mode == "drop-old") {
        for (SigningKey& key : old_)
            key.is_published = false;
    } else if (mode == "immediate") {
        current_.is_published = false;
        old_.push_back(std::exchange(current_, make_key(true)));
    } else {
        throw std::invalid_argument("mode is publish-next, activate, drop-old or immediate");
    }
}

json::value KeyRing::key_set() const
{
    json::array keys;
    auto publish = [&](const SigningKey& key) {
        if (!key.key || !key.is_published) return;
        keys.push_back({{"use", "sig"}, {"kty", "RSA"}, {"kid", key.id}, {"alg", "RS256"},
            {"n", base64url(modulus(key))}, {"e", "AQAB"}});
    };
    publish(current_);
    publish(next_);
    for (const SigningKey& key : old_)
        publish(key);
    return {{"keys", keys}};
}

json::value KeyRing::overview() const
{
    json::array keys{overview_row(current_, "current")};
    if (next_.key) keys.push_back(overview_row(next_, "next"));
    for (const SigningKey& key : old_)
        keys.push_back(overview_row(key, "old"));
    return {{"keys", keys}};
}

}  // namespace clerk_sim
