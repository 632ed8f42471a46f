// What a token's JOSE header says: which kind it is, how it is signed, by which key.
// Pure. Source: RFC 7515 section 4.1, RFC 8725 section 3, Clerk's token categories.

#pragma once

#include "orggate/denial.hpp"
#include "token/jws.hpp"
#include "token/signature.hpp"

#include <string>

namespace orggate::token {

// Refuses token_category unless this is a session token: `cat` absent, session or the neutral
// mark; not a machine's (`sub` mch_…), an OAuth access token (`typ` at+jwt) or a
// handshake. All of these are signed with the same keys.
Result<void> check_category(const Claims& claims);

struct TokenHeader {
    Algorithm algorithm;
    std::string key_id;  // empty: none
};

// Refuses token_malformed (typ other than JWT; crit, b64, zip or cty; kid not a text)
// and token_algorithm. Keys or addresses of keys in the header are not looked at.
Result<TokenHeader> read_token_header(const json::Object& header);

}  // namespace orggate::token
