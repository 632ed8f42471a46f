// Turns a compact token into a Session: the only producer of one.
// Pure: time and keys are arguments.

#pragma once

#include "orggate/denial.hpp"
#include "orggate/time.hpp"
#include "orggate/token/key_set.hpp"
#include "orggate/token/session.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::token {

// What the operator's configuration says a good token looks like.
struct Expectations {
    std::vector<std::string> issuers;             // empty: issuer is not asserted
    std::vector<std::string> authorized_parties;  // empty: azp is not asserted
    Milliseconds clock_skew{5000};
};

// Verifies a compact session token in the order of Clerk's own checks, signature
// before any claim; times against `now` with the skew either way.
// Refuses, in this order: token_malformed (shape, base64url, JSON, duplicate keys, depth,
//          huge numbers, over 16 KiB), token_category (also machines', OAuth and handshake
//          tokens), token_malformed (typ, crit), token_algorithm, token_key_unknown,
//          token_verification_failed (the key is for another algorithm), token_signature,
//          token_verification_failed (sub), token_party, token_issuer,
//          token_verification_failed or token_expired, token_not_active_yet,
//          token_issued_in_future, and last token_malformed (v, bad ids or claims).
// A pending session is a good token; the policy decides about it.
// Source: RFC 7515 section 5.2, RFC 7519 section 7.2, RFC 8725.
Result<std::shared_ptr<const Session>> verify(
    std::string_view compact, const KeySet& keys, const Expectations& expected, Instant now);

// The time checks alone (exp, nbf, iat), for a session verified earlier.
Result<void> check_times(const Session& session, Milliseconds skew, Instant now);

// The key id a token names, unverified: only to ask for that key. Empty if none.
std::string unverified_key_id(std::string_view compact);

// What the choice between cookies needs before anything is verified. Never trust it.
struct Unverified {
    bool decodes = false;
    std::string issuer;            // empty: missing or not a string
    bool issuer_is_other = false;  // present but not a string
    std::optional<std::int64_t> issued_at, expires;
};
Unverified peek(std::string_view compact);

}  // namespace orggate::token
