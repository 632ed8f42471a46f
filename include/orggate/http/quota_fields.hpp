// Limiter answers as response fields.
// Pure. Source: draft-ietf-httpapi-ratelimit-headers-10, RFC 9651, RFC 6585, RFC 9110
// section 10.2.3.

#pragma once

#include "orggate/limit/quota.hpp"
#include "orggate/time.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::http {

struct QuotaFieldForms {
    bool ietf = true;     // RateLimit-Policy, RateLimit
    bool legacy = true;   // X-RateLimit-Limit -Remaining -Reset (epoch seconds)
    bool ietf06 = false;  // RateLimit-Limit -Remaining -Reset (delta seconds)
};

// Questions and their answers, asked in up to two parts: per address before the token is
// read, the others after.
class Asked {
public:
    using Checks = std::span<const limit::Check>;
    using Decisions = std::span<const limit::Decision>;

    Asked() = default;
    Asked(Checks checks, Decisions decisions) : checks_(checks), decisions_(decisions) {}
    Asked(Checks first, Decisions first_decisions, Checks rest, Decisions rest_decisions)
        : checks_(first),
          decisions_(first_decisions),
          more_checks_(rest),
          more_decisions_(rest_decisions)
    {
    }

    std::size_t size() const { return checks_.size() + more_checks_.size(); }
    const limit::Check& check(std::size_t i) const
    {
        return i < checks_.size() ? checks_[i] : more_checks_[i - checks_.size()];
    }
    const limit::Decision& decision(std::size_t i) const
    {
        return i < checks_.size() ? decisions_[i] : more_decisions_[i - checks_.size()];
    }

private:
    Checks checks_;
    Decisions decisions_;
    Checks more_checks_;
    Decisions more_decisions_;
};

// Appends complete field lines for the enforced checks; nothing if there is none.
// What nobody knows is not said: an answer without numbers has no state, one that nobody
// gave (By::open) not even a policy. Permits are shown in the ietf form alone: the others
// speak of rates. Of more than four states the tightest four are told: those that refused
// first, then those with the smallest share left. `now`: when the questions were asked, for answers that name no clock of
// their own.
void append_quota_fields(
    std::string& out, const QuotaFieldForms& forms, const Asked& asked, Instant now);

// Whole seconds to wait: the slowest refusal's, rounded up, at least 1; 0 if waiting never
// helps. Later, never earlier, by a random part, so that clients do not come back all at
// once: up to a tenth of waits over 10 s, at most 5 s; up to 60 s for a calendar quota.
// `unit` is a random number in [0, 1).
std::int64_t retry_after(const Asked& asked, double unit);

// The check that decided: the slowest that refused, else the one with least left.
// Its index; asked.size() if there is none.
std::size_t deciding_check(const Asked& asked);

// Why waiting never helps, for a person: the first request that weighs more than its limit
// lets pass at once. Empty where there is none.
std::string never_detail(const Asked& asked);

// The names of all policies that refused, each once.
std::vector<std::string_view> violated_policies(const Asked& asked);

}  // namespace orggate::http
