#include "limit/numbers.hpp"

#include <algorithm>

namespace orggate::limit {

namespace {

constexpr std::int64_t second = 1'000'000;

}  // namespace

Decision Calendar::check(const Terms& terms, std::int64_t weight, Microseconds wall)
{
    const View view = settle(terms, wall);
    const std::int64_t units = countable(terms.units);
    Decision decision = state(view, terms, wall);
    weight = std::max<std::int64_t>(weight, 0);
    decision.allowed = weight <= units - view.used;
    if (!decision.allowed)
        decision.wait =
            weight > units ? Microseconds::max() : Microseconds(view.ends * second - wall.count());
    return decision;
}

Decision Calendar::charge(const Terms& terms, std::int64_t weight, Microseconds wall)
{
    View view = settle(terms, wall);
    if (weight > 0) {
        view.used += countable(weight);
        kept_ = view;
    }
    Decision decision = state(view, terms, wall);
    decision.allowed = true;
    return decision;
}

Grant Calendar::grant(const Terms& terms, Wanted wanted, Microseconds wall)
{
    Grant grant{check(terms, wanted.least, wall)};
    if (!grant.decision.allowed) return grant;
    const View view = settle(terms, wall);
    grant.units = share_of(countable(terms.units) - view.used, wanted);
    grant.slot = view.began;
    grant.decision = charge(terms, grant.units, wall);
    return grant;
}

void Calendar::give_back(Refund refund, const Terms& terms, std::optional<Microseconds> wall)
{
    View view = wall ? settle(terms, *wall) : kept_;
    if (refund.slot != view.began || refund.units <= 0 || view.used == 0) return;
    view.used -= std::min(refund.units, view.used);
    kept_ = view;
}

bool Calendar::is_empty(Microseconds wall) const
{
    return kept_.used == 0 || wall.count() > kept_.ends * second + clock_patience;
}

// The period that counts as the present one. What ended is not forgotten until something is
// charged, as in Redis: the clock may go back.
Calendar::View Calendar::settle(const Terms& terms, Microseconds wall)
{
    std::int64_t at = wall.count();
    const std::int64_t ahead = kept_.used > 0 ? kept_.began * second - at : 0;
    if (ahead > 0 && ahead <= clock_patience) at += ahead;
    const CalendarBounds bounds = calendar_bounds(terms.period, at);
    const View view{bounds.began, bounds.ends, kept_.began < bounds.began ? 0 : kept_.used};
    // A count that began later than the present period moves there: the clock went back
    // across the border, or days became months.
    if (kept_.began > bounds.began && view.used > 0) kept_ = view;
    return view;
}

Decision Calendar::state(const View& view, const Terms& terms, Microseconds wall)
{
    Decision decision;
    decision.remaining = std::max<std::int64_t>(countable(terms.units) - view.used, 0);
    if (view.used > 0) decision.next_unit = Microseconds(view.ends * second - wall.count());
    return decision;
}

}  // namespace orggate::limit
