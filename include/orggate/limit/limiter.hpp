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
    // each, in order. A refused request costs nothing. What happens while the store is
    // away (Check::on_error) is decided here; Decision::by says so.
    // Refuses: limiter_unavailable (no room for a new key, or the store is away and an
    //          enforced check says closed). Then nothing is charged.
    // `now`: when this request began to wait for its limits; a store's deadline counts from
    // it. The spans outlive the wait; `decisions` has the size of `checks`.
    virtual Awaitable<Result<void>> take(
        std::span<const Check> checks, std::span<Decision> decisions, Instant now) = 0;

    // Gives back the permits of concurrent checks (Decision::holds_permit), each once.
    // Does not wait, and forgets them here also while the store is away.
    virtual void release(
        std::span<const Check> checks, std::span<const Decision> decisions, Instant now) = 0;
};

}  // namespace orggate::limit
