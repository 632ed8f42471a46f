#include "limit/numbers.hpp"

#include <algorithm>

namespace orggate::limit {

Decision Permits::check(const Terms& terms, std::int64_t weight) const
{
    const std::int64_t units = countable(terms.units);
    weight = std::max<std::int64_t>(weight, 0);
    Decision decision;
    decision.remaining = std::max<std::int64_t>(units - held_, 0);
    decision.allowed = weight <= units - held_;
    if (weight > units) decision.wait = Microseconds::max();
    return decision;
}

Decision Permits::charge(const Terms& terms, std::int64_t weight)
{
    held_ += std::max<std::int64_t>(weight, 0);
    Decision decision;
    decision.allowed = true;
    decision.remaining = std::max<std::int64_t>(countable(terms.units) - held_, 0);
    return decision;
}

void Permits::release(std::int64_t weight)
{
    held_ -= std::clamp<std::int64_t>(weight, 0, held_);
}

}  // namespace orggate::limit
