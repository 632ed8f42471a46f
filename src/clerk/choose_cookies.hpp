// The choice between plain and suffixed cookies, sparing the decoding of tokens that
// are known already.
// Pure.

#pragma once

#include "orggate/clerk/cookies.hpp"
#include "orggate/token/verifier.hpp"

namespace orggate::clerk {

// As choose_cookies; `known` may be null.
Result<SessionCookies> choose_cookies_with(
    const token::Verifier* known, const Instance& instance, std::string_view header, Instant now);

}  // namespace orggate::clerk
