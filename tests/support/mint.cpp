#include "mint.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <map>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace orggate::test {

namespace {

std::string number_text(const EVP_PKEY* key, const char* name)
{
    BIGNUM* number = nullptr;
    if (EVP_PKEY_get_bn_param(key, name, &number) != 1) throw std::runtime_error("no such number");
    std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
    BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
    BN_free(number);
    return base64url(bytes);
}

std::string pem_text(EVP_PKEY* key)
{
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> out(BIO_new(BIO_s_mem()), &BIO_free_all);
    PEM_write_bio_PUBKEY(out.get(), key);
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

SigningPair generate(std::string_view kid, int bits)
{
    SigningPair pair;
    pair.kid = kid;
    pair.key.reset(EVP_RSA_gen(static_cast<unsigned>(bits)), &EVP_PKEY_free);
    if (!pair.key) throw std::runtime_error("no RSA key");
    pair.pem = pem_text(pair.key.get());
    pair.modulus = number_text(pair.key.get(), OSSL_PKEY_PARAM_RSA_N);
    pair.exponent = number_text(pair.key.get(), OSSL_PKEY_PARAM_RSA_E);
    pair.jwk = R"({"use":"sig","kty":"RSA","kid":")" + pair.kid + R"(","alg":"RS256","n":")" +
               pair.modulus + R"(","e":")" + pair.exponent + R"("})";
    return pair;
}

std::string rsa_signature(EVP_PKEY* key, const EVP_MD* digest, std::string_view input)
{
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(
        EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    const auto* bytes = reinterpret_cast<const unsigned char*>(input.data());
    std::size_t size = 0;
    EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key);
    EVP_DigestSign(context.get(), nullptr, &size, bytes, input.size());
    std::string signature(size, '\0');
    auto* out = reinterpret_cast<unsigned char*>(signature.data());
    if (EVP_DigestSign(context.get(), out, &size, bytes, input.size()) != 1)
        throw std::runtime_error("not signed");
    signature.resize(size);
    return signature;
}

std::string hmac(std::string_view secret, std::string_view input)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
        reinterpret_cast<const unsigned char*>(input.data()), input.size(), out.data(), &size);
    return {reinterpret_cast<const char*>(out.data()), size};
}

std::string signature_of(const SigningPair& key, std::string_view header, std::string_view input)
{
    const auto names = [header](std::string_view alg) {
        return header.find("\"" + std::string(alg) + "\"") != std::string_view::npos;
    };
    if (names("none")) return {};
    if (names("HS256")) return hmac(key.pem, input);
    const EVP_MD* digest = EVP_sha256();
    if (names("RS384")) digest = EVP_sha384();
    if (names("RS512")) digest = EVP_sha512();
    return rsa_signature(key.key.get(), digest, input);
}

class Claims {
public:
    void text(std::string_view name, std::string_view value)
    {
        if (!value.empty()) raw(name, "\"" + std::string(value) + "\"");
    }
    void number(std::string_view name, std::int64_t value) { raw(name, std::to_string(value)); }
    void raw(std::string_view name, std::string json)
    {
        members_.insert_or_assign(std::string(name), std::move(json));
    }
    std::string json() const
    {
        std::string out = "{";
        for (const auto& [name, value] : members_) {
            if (value.empty()) continue;
            if (out.size() > 1) out += ',';
            out += "\"" + name + "\":" + value;
        }
        return out + "}";
    }

private:
    std::map<std::string, std::string> members_;
};

void write_org(Claims& out, const SessionClaims& claims)
{
    if (claims.org.empty()) return;
    if (claims.version == 1) {
        out.text("org_id", claims.org);
        out.text("org_slug", claims.slug);
        if (!claims.role.empty()) out.text("org_role", "org:" + claims.role);
        return;
    }
    Claims org;
    org.text("id", claims.org);
    org.text("slg", claims.slug);
    org.text("rol", claims.role);
    org.text("per", claims.permissions);
    org.text("fpm", claims.bitmaps);
    out.raw("o", org.json());
}

}  // namespace

Instant at(Milliseconds after)
{
    const auto since_epoch = Seconds{mint_time} + after;
    return {std::chrono::system_clock::time_point{since_epoch},
        std::chrono::steady_clock::time_point{since_epoch}};
}

const SigningPair& make_key(std::string_view kid, int bits)
{
    static std::mutex lock;
    static std::map<std::pair<std::string, int>, SigningPair> made;
    const std::lock_guard held(lock);
    const auto id = std::pair(std::string(kid), bits);
    const auto found = made.find(id);
    if (found != made.end()) return found->second;
    return made.emplace(id, generate(kid, bits)).first->second;
}

std::string jwks(const std::vector<SigningPair>& keys)
{
    std::string out = R"({"keys":[)";
    for (const auto& key : keys) {
        if (&key != &keys.front()) out += ',';
        out += key.jwk;
    }
    return out + "]}";
}

std::string session_header(const SigningPair& key, std::string_view alg, std::string_view category)
{
    std::string out = R"({"alg":")" + std::string(alg) + '"';
    if (!category.empty()) out += R"(,"cat":")" + std::string(category) + '"';
    return out + R"(,"kid":")" + key.kid + R"(","typ":"JWT"})";
}

std::string session_claims(const SessionClaims& claims)
{
    Claims out;
    out.text("iss", claims.issuer);
    out.text("azp", claims.party);
    out.text("sub", claims.user);
    out.text("sid", claims.session);
    out.text("fea", claims.features);
    out.text("pla", claims.plans);
    out.number("iat", claims.issued);
    out.number("nbf", claims.not_before);
    out.number("exp", claims.expires);
    if (claims.version != 1) out.number("v", claims.version);
    write_org(out, claims);
    for (const auto& claim : claims.raw)
        out.raw(claim.name, claim.json);
    return out.json();
}

std::string sign(
    const SigningPair& key, std::string_view header_json, std::string_view payload_json)
{
    const std::string input = base64url(header_json) + "." + base64url(payload_json);
    return input + "." + base64url(signature_of(key, header_json, input));
}

std::string session_token(const SigningPair& key, const SessionClaims& claims)
{
    return sign(key, session_header(key), session_claims(claims));
}

std::string base64url(std::string_view bytes)
{
    static constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string out;
    std::uint32_t held = 0;
    int bits = 0;
    for (const char byte : bytes) {
        held = (held << 8) | static_cast<unsigned char>(byte);
        for (bits += 8; bits >= 6; bits -= 6)
            out += digits[(held >> (bits - 6)) & 63U];
    }
    if (bits > 0) out += digits[(held << (6 - bits)) & 63U];
    return out;
}

}  // namespace orggate::test
