// The times of a token against the clock, with skew either way.
// Pure. Source: RFC 7519 sections 4.1.4 to 4.1.6; bounds as in Clerk's server SDK.

#pragma once

#include "orggate/denial.hpp"
#include "orggate/time.hpp"
#include "token/json.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace orggate::token {

// Seconds of a time claim, fractions cut off. Nothing if absent;
// refuses token_verification_failed if it is no number.
Result<std::optional<std::int64_t>> read_time(const json::Object& payload, std::string_view name);

// Refuses token_expired from the millisecond exp + skew on.
Result<void> check_expiry(std::int64_t expires, Milliseconds skew, Instant now);

// Refuse token_not_active_yet, token_issued_in_future before the millisecond
// nbf - skew, iat - skew.
Result<void> check_not_before(
    std::optional<std::int64_t> not_before, Milliseconds skew, Instant now);
Result<void> check_issued(std::optional<std::int64_t> issued, Milliseconds skew, Instant now);

}  // namespace orggate::token
