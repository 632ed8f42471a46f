#include "orggate/http/assertion.hpp"

#include "orggate/observe/json_text.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <chrono>
#include <utility>
#include <vector>

namespace orggate::http {

namespace {

template <auto release>
struct Release {
    template <class T>
    void operator()(T* object) const
    {
        release(object);
    }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, Release<EVP_MD_CTX_free>>;
using SignaturePtr = std::unique_ptr<ECDSA_SIG, Release<ECDSA_SIG_free>>;
using BioPtr = std::unique_ptr<BIO, Release<BIO_free_all>>;
using NumberPtr = std::unique_ptr<BIGNUM, Release<BN_free>>;

constexpr std::size_t coordinate = 32;  // bytes of a P-256 number
constexpr std::size_t max_text = 1u << 20;

std::string base64url(const unsigned char* bytes, std::size_t size)
{
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    text.reserve((size * 4 + 2) / 3);
    unsigned bits = 0;
    int held = 0;
    for (std::size_t i = 0; i < size; ++i) {
        bits = (bits << 8 | bytes[i]) & 0xffff;
        for (held += 8; held >= 6; held -= 6)
            text += digits[bits >> (held - 6) & 63];
    }
    if (held > 0) text += digits[bits << (6 - held) & 63];
    return text;
}

std::string base64url(std::string_view text)
{
    return base64url(reinterpret_cast<const unsigned char*>(text.data()), text.size());
}

std::string sha256(std::string_view text)
{
    std::array<unsigned char, 32> digest{};
    if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
        return {};
    return base64url(digest.data(), digest.size());
}

// Never asks a terminal for a passphrase.
int refuse_passphrase(char*, int, int, void*)
{
    return 0;
}

KeyPtr read_key(std::string_view pem)
{
    const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    if (!bio) return nullptr;
    KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_passphrase, nullptr));
    ERR_clear_error();
    return key;
}

bool is_p256(const EVP_PKEY* key)
{
    std::array<char, 32> group{};
    return EVP_PKEY_is_a(key, "EC") == 1 &&
           EVP_PKEY_get_utf8_string_param(
               key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(), nullptr) == 1 &&
           std::string_view(group.data()) == "prime256v1";
}

std::string read_coordinate(const EVP_PKEY* key, const char* name)
{
    BIGNUM* number = nullptr;
    if (EVP_PKEY_get_bn_param(key, name, &number) != 1) return {};
    const NumberPtr owner(number);
    std::array<unsigned char, coordinate> bytes{};
    if (BN_bn2binpad(number, bytes.data(), static_cast<int>(bytes.size())) < 0) return {};
    return base64url(bytes.data(), bytes.size());
}

std::string read_raw(const EVP_PKEY* key)
{
    std::array<unsigned char, 32> bytes{};
    std::size_t size = bytes.size();
    if (EVP_PKEY_get_raw_public_key(key, bytes.data(), &size) != 1) return {};
    return base64url(bytes.data(), size);
}

// The required members in lexical order, without blanks (RFC 7638 section 3).
std::string public_members(const EVP_PKEY* key, bool is_ec)
{
    if (!is_ec) return R"("crv":"Ed25519","kty":"OKP","x":")" + read_raw(key) + '"';
    return R"("crv":"P-256","kty":"EC","x":")" + read_coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X) +
           R"(","y":")" + read_coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y) + '"';
}

// One call: Ed25519 knows no other way.
std::vector<unsigned char> make_signature(
    EVP_PKEY* key, const EVP_MD* digest, std::string_view text)
{
    const DigestPtr context(EVP_MD_CTX_new());
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t size = 0;
    if (!context || EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key) != 1)
        return {};
    if (EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) != 1) return {};
    std::vector<unsigned char> signature(size);
    if (EVP_DigestSign(context.get(), signature.data(), &size, bytes, text.size()) != 1) return {};
    signature.resize(size);
    return signature;
}

// JWS wants r and s side by side, OpenSSL writes DER (RFC 7518 section 3.4).
std::vector<unsigned char> to_plain(const std::vector<unsigned char>& der)
{
    const unsigned char* at = der.data();
    const SignaturePtr parsed(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    if (!parsed) return {};
    std::vector<unsigned char> plain(2 * coordinate);
    const int width = static_cast<int>(coordinate);
    if (BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), plain.data(), width) < 0) return {};
    if (BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), plain.data() + coordinate, width) < 0)
        return {};
    return plain;
}

void append_claim(std::string& out, std::string_view name, std::string_view value)
{
    if (value.empty()) return;
    out.append(",\"").append(name).append("\":");
    observe::append_json_string(out, value, max_text);
}

std::string claims_of(const AssertedRequest& request)
{
    const token::Session& session = request.session;
    std::string claims = R"({"iss":"orggate")";
    append_claim(claims, "sub", session.user_id);
    append_claim(claims, "sid", session.session_id);
    if (session.organisation) {
        append_claim(claims, "org_id", session.organisation->id);
        append_claim(claims, "org_role", session.organisation->role);
    }
    append_claim(claims, "method", request.method);
    append_claim(claims, "host", request.host);
    append_claim(claims, "path", request.path);
    append_claim(claims, "query_sha256", sha256(request.query));
    append_claim(claims, "jti", request.request_id);
    return claims;
}

using Made = boost::system::result<std::unique_ptr<AssertionSigner>, std::string>;

Made no_key(std::string what)
{
    return {boost::system::in_place_error,
        what.append(": expected an EC P-256 or Ed25519 private key in PEM")};
}

}  // namespace

struct AssertionSigner::Key {
    KeyPtr pkey;
    bool is_ec = false;
};

AssertionSigner::AssertionSigner() : key_(std::make_unique<Key>()) {}
AssertionSigner::~AssertionSigner() = default;

Made AssertionSigner::make(const AssertionOptions& options)
{
    if (options.key_pem.size() > max_text) return no_key("far too long for a key");
    KeyPtr key = read_key(options.key_pem);
    if (!key) return no_key("not a readable private key");
    const bool is_ec = is_p256(key.get());
    if (!is_ec && EVP_PKEY_is_a(key.get(), "ED25519") != 1) return no_key("a key of another type");

    std::unique_ptr<AssertionSigner> signer(new AssertionSigner);
    const std::string members = public_members(key.get(), is_ec);
    signer->key_id_ = sha256("{" + members + "}");
    const std::string names = std::string(R"("alg":")") + (is_ec ? "ES256" : "EdDSA") +
                              R"(","kid":")" + signer->key_id_ + '"';
    signer->jwks_ = R"({"keys":[{)" + members + "," + names + R"(,"use":"sig"}]})";
    signer->header_ = base64url("{" + names + R"(,"typ":"JWT"})") + ".";
    signer->audience_ = options.audience;
    signer->lifetime_ = std::chrono::ceil<Seconds>(options.lifetime);
    signer->key_->pkey = std::move(key);
    signer->key_->is_ec = is_ec;
    return signer;
}

std::string AssertionSigner::sign(const AssertedRequest& request, Instant now) const
{
    std::string claims = claims_of(request);
    append_claim(claims, "aud", audience_);
    const std::int64_t issued_at = now.unix_seconds();
    claims.append(",\"iat\":").append(std::to_string(issued_at));
    claims.append(",\"exp\":").append(std::to_string(issued_at + lifetime_.count()));
    std::string compact = header_ + base64url(claims.append("}"));

    const EVP_MD* digest = key_->is_ec ? EVP_sha256() : nullptr;
    std::vector<unsigned char> signature = make_signature(key_->pkey.get(), digest, compact);
    if (key_->is_ec) signature = to_plain(signature);
    if (signature.empty()) return {};
    return compact.append(".").append(base64url(signature.data(), signature.size()));
}

}  // namespace orggate::http
