// Signs tokens of any shape for tests: good ones with defaults where one thing can be
// changed, and bad ones from raw JSON text. RSA keys are made once per process.

#pragma once

#include "orggate/time.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct evp_pkey_st;

namespace orggate::test {

// The moment at which default claims are good: issued ten seconds ago, fifty left.
inline constexpr std::int64_t mint_time = 1'700'000'000;

// An Instant this long after mint_time, on both clocks.
Instant at(Milliseconds after = Milliseconds{0});

struct SigningPair {
    std::string kid;
    std::string pem;       // public half, SubjectPublicKeyInfo
    std::string jwk;       // public half with alg RS256, use sig and the kid
    std::string modulus;   // base64url, for hand-made JWKs
    std::string exponent;  // base64url
    std::shared_ptr<evp_pkey_st> key;
};

// An RSA key for this id; the same one for the same id and size.
const SigningPair& make_key(std::string_view kid = "ins_one", int bits = 2048);

// {"keys":[...]} of the public halves.
std::string jwks(const std::vector<SigningPair>& keys);

// {"alg":…,"cat":…,"kid":…,"typ":"JWT"} as Clerk writes it.
std::string session_header(const SigningPair& key, std::string_view alg = "RS256",
    std::string_view category = "cl_B7d4PD111AAA");

// One claim as raw JSON text, replacing or adding; empty text takes the claim away.
struct RawClaim {
    std::string name;
    std::string json;
};

// A signed-in user of version 2 or 1. Empty text leaves the claim out.
struct SessionClaims {
    int version = 2;
    std::string issuer = "https://clerk.example.com";
    std::string party = "https://app.example.com";
    std::string user = "user_2alice";
    std::string session = "sess_2one";
    std::string org = "org_2acme";
    std::string slug = "acme";
    std::string role = "admin";  // without its prefix
    std::string features{};      // o:reports,u:beta
    std::string plans{};         // o:pro,u:free
    std::string permissions{};   // version 2: o.per
    std::string bitmaps{};       // version 2: o.fpm
    std::int64_t issued = mint_time - 10, not_before = mint_time - 10, expires = mint_time + 50;
    std::vector<RawClaim> raw{};
};
std::string session_claims(const SessionClaims& claims = {});

// Signs with what the header's `alg` names: RS256, RS384, RS512; HS256 with the public
// PEM as secret; none with an empty signature. Anything else is signed as RS256.
std::string sign(
    const SigningPair& key, std::string_view header_json, std::string_view payload_json);

// A compact token with the default header.
std::string session_token(const SigningPair& key, const SessionClaims& claims = {});

std::string base64url(std::string_view bytes);

}  // namespace orggate::test
