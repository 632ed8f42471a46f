// Limiter answers as response fields.
// Pure. Source: draft-ietf-httpapi-ratelimit-headers-10, RFC 6585, RFC 9110 section 10.2.3.

#pragma once

#include "orggate/limit/quota.hpp"
#include "orggate/time.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace orggate::http {

struct QuotaFieldForms {
    bool ietf = true;     // RateLimit-Policy, RateLimit
    bool legacy = true;   // X-RateLimit-Limit -Remaining -Reset (epoch seconds)
    bool ietf06 = false;  // RateLimit-Limit -Remaining -Reset (delta seconds)
};

// Appends complete field lines for the enforced checks; nothing if there is none.
void append_quota_fields(std::string& out, const QuotaFieldForms& forms,
    std::span<const limit::Check> checks, std::span<const limit::Decision> decisions, Instant now);

// Whole seconds to wait, rounded up, at least 1; 0 if waiting never helps.
std::int64_t retry_after(
    std::span<const limit::Check> checks, std::span<const limit::Decision> decisions);

// The check that decided: the slowest that refused, else the one with least left.
// Its index; checks.size() if there is none.
std::size_t deciding_check(
    std::span<const limit::Check> checks, std::span<const limit::Decision> decisions);

}  // namespace orggate::http
