#include "limit/numbers.hpp"

#include <algorithm>
#include <cmath>

namespace orggate::limit {

namespace {

// In floating point, as Redis computes it: the product may not fit.
std::int64_t converted(std::int64_t debt, std::int64_t from, std::int64_t to)
{
    const double ratio = static_cast<double>(to) / static_cast<double>(from);
    return static_cast<std::int64_t>(std::ceil(static_cast<double>(debt) * ratio));
}

// By force more than the bucket holds may be charged, within what can be counted.
std::int64_t debt_with(std::int64_t debt, std::int64_t weight, std::int64_t interval)
{
    const std::int64_t most = longest_fill / interval;
    return std::min(debt + std::min(weight, most) * interval, 2 * longest_fill);
}

}  // namespace

Decision Bucket::check(const Terms& terms, std::int64_t weight, Microseconds now)
{
    const std::int64_t at = settle(terms, now);
    const BucketNumbers numbers = bucket_numbers(terms);
    Decision decision = state(terms, now);
    weight = std::max<std::int64_t>(weight, 0);
    if (weight > numbers.burst) {
        decision.wait = Microseconds::max();
        return decision;
    }
    const std::int64_t excess = debt(at) - (numbers.burst - weight) * numbers.interval;
    decision.allowed = excess <= 0;
    if (!decision.allowed) decision.wait = Microseconds(ceil_div(excess, ticks) + at - now.count());
    return decision;
}

Decision Bucket::charge(const Terms& terms, std::int64_t weight, Microseconds now)
{
    const std::int64_t at = settle(terms, now);
    const BucketNumbers numbers = bucket_numbers(terms);
    if (weight > 0) {
        if (interval_ == 0) since_ = at - 1;
        full_at_ = at * ticks + debt_with(debt(at), weight, numbers.interval);
        at_ = at;
        interval_ = numbers.interval;
    }
    Decision decision = state(terms, now);
    decision.allowed = true;
    return decision;
}

Grant Bucket::grant(const Terms& terms, Wanted wanted, Microseconds now)
{
    Grant grant{check(terms, wanted.least, now)};
    if (!grant.decision.allowed) return grant;
    const BucketNumbers numbers = bucket_numbers(terms);
    grant.slot = settle(terms, now);
    const std::int64_t level = numbers.burst * numbers.interval - debt(grant.slot);
    grant.units = share_of(floor_div(level, numbers.interval), wanted);
    grant.decision = charge(terms, grant.units, now);
    return grant;
}

void Bucket::give_back(Refund refund, const Terms& terms, Microseconds now)
{
    const std::int64_t at = settle(terms, now);
    if (refund.slot <= since_ || refund.slot > at || refund.units <= 0 || interval_ == 0) return;
    const std::int64_t units = std::min(refund.units, bucket_numbers(terms).burst);
    const std::int64_t worth = units * interval_ - (at - refund.slot) * ticks;
    full_at_ -= std::clamp<std::int64_t>(worth, 0, debt(at));
}

bool Bucket::is_empty(Microseconds now) const
{
    return debt(now.count()) == 0;
}

// Brings the bucket to the clock and to the rate, and answers with the time that counts as
// now. What it does to a bucket that is full again has no meaning.
std::int64_t Bucket::settle(const Terms& terms, Microseconds now)
{
    std::int64_t at = now.count();
    if (interval_ == 0) return at;
    if (const std::int64_t ahead = at_ - at; ahead > clock_patience) {
        full_at_ -= ahead * ticks;
        since_ = at_;  // the age of older grants is not known any more
        at_ = at;
    }
    at = std::max(at, at_);
    const std::int64_t interval = bucket_numbers(terms).interval;
    if (interval == interval_) return at;
    full_at_ = at * ticks + converted(debt(at), interval_, interval);
    since_ = at_ = at;
    interval_ = interval;
    return at;
}

Decision Bucket::state(const Terms& terms, Microseconds now) const
{
    const BucketNumbers numbers = bucket_numbers(terms);
    const std::int64_t at = std::max(now.count(), at_);
    const std::int64_t used = debt(at);
    const std::int64_t level = numbers.burst * numbers.interval - used;
    Decision decision;
    decision.remaining = std::max<std::int64_t>(floor_div(level, numbers.interval), 0);
    if (used == 0) return decision;
    const std::int64_t missing = (decision.remaining + 1) * numbers.interval - level;
    decision.next_unit = Microseconds(ceil_div(missing, ticks) + at - now.count());
    return decision;
}

std::int64_t Bucket::debt(std::int64_t at) const
{
    return std::max<std::int64_t>(full_at_ - at * ticks, 0);
}

}  // namespace orggate::limit
