// The port to whoever keeps the counters.

#pragma once

#include "orggate/awaitable.hpp"
#include "orggate/denial.hpp"
#include "orggate/limit/quota.hpp"

#include <span>
#include <vector>

namespace orggate::limit {

class Limiter {
public:
    virtual ~Limiter() = default;

    // Charges every enforced check that fits, all of them or none, and answers
    // each, in order. A refused request costs nothing.
    // Refuses: limiter_unavailable (no room for a new key, or the store is away).
    // The spans outlive the wait; `decisions` has the size of `checks`.
    virtual Awaitable<Result<void>> take(
        std::span<const Check> checks, std::span<Decision> decisions, Instant now) = 0;
};

}  // namespace orggate::limit
