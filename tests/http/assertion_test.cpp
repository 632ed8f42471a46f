#include "orggate/http/assertion.hpp"

#include "http/trust_support.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>

namespace orggate::http {

namespace {

namespace json = boost::json;

struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    void operator()(BIO* bio) const { BIO_free_all(bio); }
    void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;

// RFC 8037 appendix A.1, as PKCS #8.
constexpr std::string_view ed25519_pem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";

std::string pem_of(const Key& key, const char* passphrase = nullptr)
{
    const std::unique_ptr<BIO, Free> bio(BIO_new(BIO_s_mem()));
    const auto* cipher = passphrase ? EVP_aes_256_cbc() : nullptr;
    REQUIRE(PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), cipher, passphrase,
                passphrase ? 4 : 0, nullptr, nullptr) == 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string decode(std::string_view text)
{
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string bytes;
    unsigned bits = 0;
    int held = 0;
    for (const char c : text) {
        const auto digit = digits.find(c);
        REQUIRE(digit != digits.npos);
        bits = bits << 6 | static_cast<unsigned>(digit);
        if ((held += 6) >= 8) bytes += static_cast<char>(bits >> (held -= 8) & 0xff);
    }
    return bytes;
}

struct Jwt {
    json::object header, claims;
    std::string signed_part, signature;
};

Jwt read(const std::string& compact)
{
    const auto first = compact.find('.'), second = compact.rfind('.');
    REQUIRE(first < second);
    const std::string_view text = compact;
    Jwt jwt;
    jwt.header = json::parse(decode(text.substr(0, first))).as_object();
    jwt.claims = json::parse(decode(text.substr(first + 1, second - first - 1))).as_object();
    jwt.signed_part = text.substr(0, second);
    jwt.signature = decode(text.substr(second + 1));
    return jwt;
}

// What an app does: r and s back into DER for OpenSSL; Ed25519 as it is.
bool verify(const Key& key, const Jwt& jwt)
{
    const bool is_ec = EVP_PKEY_is_a(key.get(), "EC") == 1;
    const auto* raw = reinterpret_cast<const unsigned char*>(jwt.signature.data());
    std::string der;
    if (jwt.signature.size() != 64) return false;
    if (is_ec) {
        const std::unique_ptr<ECDSA_SIG, Free> parts(ECDSA_SIG_new());
        ECDSA_SIG_set0(parts.get(), BN_bin2bn(raw, 32, nullptr), BN_bin2bn(raw + 32, 32, nullptr));
        unsigned char* bytes = nullptr;
        const int size = i2d_ECDSA_SIG(parts.get(), &bytes);
        der.assign(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
        OPENSSL_free(bytes);
    } else {
        der = jwt.signature;
    }
    const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
    REQUIRE(EVP_DigestVerifyInit(
                context.get(), nullptr, is_ec ? EVP_sha256() : nullptr, nullptr, key.get()) == 1);
    return EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(der.data()),
               der.size(), reinterpret_cast<const unsigned char*>(jwt.signed_part.data()),
               jwt.signed_part.size()) == 1;
}

Key read_ed25519()
{
    const std::unique_ptr<BIO, Free> bio(
        BIO_new_mem_buf(ed25519_pem.data(), static_cast<int>(ed25519_pem.size())));
    return Key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
}

Instant at(std::int64_t seconds)
{
    return {std::chrono::system_clock::time_point(std::chrono::seconds(seconds)), {}};
}

std::unique_ptr<AssertionSigner> signer_of(
    std::string pem, Milliseconds lifetime = Milliseconds{60'000})
{
    auto made = AssertionSigner::make({"my-app", std::move(pem), lifetime});
    REQUIRE(made.has_value());
    return std::move(*made);
}

AssertedRequest request_of(const token::Session& session)
{
    return {.session = session,
        .method = "GET",
        .host = "app.example.com",
        .path = "/reports",
        .query = "a=1",
        .request_id = "req-1"};
}

}  // namespace

TEST_CASE("an app can verify an assertion of either kind of key")
{
    for (const bool is_ec : {true, false}) {
        CAPTURE(is_ec);
        const Key key = is_ec ? Key(EVP_EC_gen("P-256")) : read_ed25519();
        const auto signer = signer_of(pem_of(key));
        const auto session = test::alice();
        // Long enough to meet r or s with leading zeros.
        for (int i = 0; i < (is_ec ? 300 : 3); ++i) {
            const auto jwt = read(signer->sign(request_of(session), at(1000 + i)));
            REQUIRE(verify(key, jwt));
            Jwt changed = jwt;
            changed.signed_part.back() = changed.signed_part.back() == 'A' ? 'B' : 'A';
            REQUIRE_FALSE(verify(key, changed));
        }
        const auto jwt = read(signer->sign(request_of(session), at(1000)));
        CHECK(jwt.header.at("alg").as_string() == (is_ec ? "ES256" : "EdDSA"));
        CHECK(jwt.header.at("typ").as_string() == "JWT");
        CHECK(jwt.header.at("kid").as_string() == signer->key_id());
    }
}

TEST_CASE("it states who asks for what, for whom and until when")
{
    const auto signer = signer_of(std::string(ed25519_pem), Milliseconds{1'500});
    const auto session = test::alice();
    const auto jwt = read(signer->sign(request_of(session), at(1'700'000'000)));
    const json::object wanted{{"iss", "orggate"}, {"aud", "my-app"}, {"sub", "user_2alice"},
        {"sid", "sess_2one"}, {"org_id", "org_2acme"}, {"org_role", "org:admin"}, {"method", "GET"},
        {"host", "app.example.com"}, {"path", "/reports"},
        {"query_sha256", "wi_qXXQo5c9H72NUyXySI8ldbc3D4NIwD_eQVrH_PYU"}, {"jti", "req-1"},
        {"iat", 1'700'000'000}, {"exp", 1'700'000'002}};
    CHECK(jwt.claims == wanted);
}

TEST_CASE("without a query the hash is that of nothing, and what is absent is left out")
{
    const auto signer = signer_of(std::string(ed25519_pem));
    token::Session session;
    session.user_id = "user_2alice";
    auto request = request_of(session);
    request.query = "";
    const auto claims = read(signer->sign(request, at(0))).claims;
    CHECK(claims.at("query_sha256").as_string() == "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
    CHECK_FALSE(claims.contains("org_id"));
    CHECK_FALSE(claims.contains("org_role"));
    CHECK_FALSE(claims.contains("sid"));
}

TEST_CASE("hostile text stays inside its claim")
{
    const auto signer = signer_of(std::string(ed25519_pem));
    auto session = test::alice();
    const std::string role("a\",\"org_id\":\"org_evil\r\n\0", 24), path(8 * 1024, '/');
    session.organisation->role = role;
    auto request = request_of(session);
    request.path = path;
    const auto compact = signer->sign(request, at(0));
    const auto claims = read(compact).claims;
    CHECK(claims.at("org_role").as_string() == role);
    CHECK(claims.at("org_id").as_string() == "org_2acme");
    CHECK(claims.at("path").as_string() == path);
    CHECK(compact.size() < 16 * 1024);
}

TEST_CASE("the key set holds the public half and its thumbprint")
{
    // RFC 8037 appendix A.2 and A.3.
    const auto signer = signer_of(std::string(ed25519_pem));
    CHECK(signer->key_id() == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    const auto keys = json::parse(signer->jwks());
    const json::object wanted{{"kty", "OKP"}, {"crv", "Ed25519"},
        {"x", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}, {"alg", "EdDSA"}, {"use", "sig"},
        {"kid", signer->key_id()}};
    CHECK(keys == json::value{{"keys", json::array{wanted}}});
}

TEST_CASE("the coordinates of an elliptic key are those of its point")
{
    const Key key(EVP_EC_gen("P-256"));
    const auto signer = signer_of(pem_of(key));
    const auto jwk = json::parse(signer->jwks()).at("keys").at(0).as_object();
    unsigned char point[65];
    std::size_t size = 0;
    REQUIRE(EVP_PKEY_get_octet_string_param(
                key.get(), OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &size) == 1);
    REQUIRE(size == 65);
    CHECK(jwk.at("kty").as_string() == "EC");
    CHECK(jwk.at("crv").as_string() == "P-256");
    CHECK(decode(jwk.at("x").as_string()) == std::string(reinterpret_cast<char*>(point) + 1, 32));
    CHECK(decode(jwk.at("y").as_string()) == std::string(reinterpret_cast<char*>(point) + 33, 32));
    CHECK(jwk.at("kid").as_string() == signer->key_id());
    CHECK(jwk.at("alg").as_string() == "ES256");
    CHECK_FALSE(jwk.contains("d"));
}

TEST_CASE("any other key is refused with a reason")
{
    const Key other_curve(EVP_EC_gen("P-384"));
    const Key rsa(EVP_RSA_gen(2048));
    const Key good(EVP_EC_gen("P-256"));
    const Key x25519(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"));
    struct Row {
        std::string_view name;
        std::string pem;
    };
    const std::string whole = pem_of(good);
    for (const Row& row : std::initializer_list<Row>{{"empty", ""}, {"rubbish", "no key"},
             {"cut", whole.substr(0, whole.size() / 2)}, {"P-384", pem_of(other_curve)},
             {"RSA", pem_of(rsa)}, {"X25519", pem_of(x25519)},
             {"under a passphrase", pem_of(good, "none")},
             {"far too long", std::string((1u << 20) + 1, 'a')}}) {
        CAPTURE(row.name);
        const auto made = AssertionSigner::make({"my-app", row.pem});
        REQUIRE(made.has_error());
        CHECK(made.error().find("EC P-256 or Ed25519") != std::string::npos);
    }
}

}  // namespace orggate::http
