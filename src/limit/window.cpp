#include "limit/numbers.hpp"

#include <algorithm>

namespace orggate::limit {

Decision Window::check(const Terms& terms, std::int64_t weight, Microseconds now)
{
    const View view = settle(terms, now);
    const std::int64_t units = window_numbers(terms).units;
    Decision decision = state(view, terms, now);
    weight = std::max<std::int64_t>(weight, 0);
    decision.allowed = weight <= units - view.used;
    if (decision.allowed) return decision;
    decision.wait = weight > units ? Microseconds::max()
                                   : until_freed(view, weight - (units - view.used), terms, now);
    return decision;
}

Decision Window::charge(const Terms& terms, std::int64_t weight, Microseconds now)
{
    View view = settle(terms, now);
    const std::int64_t slot = window_numbers(terms).slot;
    if (weight > 0) {
        forget(view);
        if (!entries_.empty() && floor_div(entries_.back().at, slot) == floor_div(view.at, slot)) {
            // The later time: the whole entry leaves late, never early.
            entries_.back().at = view.at;
            entries_.back().units += weight;
        } else {
            // Only after the window grew or the clock went back: the two oldest leave together.
            if (entries_.size() >= most_entries) {
                entries_[1].units += entries_[0].units;
                entries_.erase(entries_.begin());
            }
            entries_.push_back({view.at, weight});
        }
        sum_ = view.used += weight;
    }
    Decision decision = state(view, terms, now);
    decision.allowed = true;
    return decision;
}

Grant Window::grant(const Terms& terms, Wanted wanted, Microseconds now)
{
    Grant grant{check(terms, wanted.least, now)};
    if (!grant.decision.allowed) return grant;
    const WindowNumbers numbers = window_numbers(terms);
    const View view = settle(terms, now);
    grant.units = share_of(numbers.units - view.used, wanted);
    grant.slot = floor_div(view.at, numbers.slot);
    grant.decision = charge(terms, grant.units, now);
    return grant;
}

void Window::give_back(Refund refund, const Terms& terms, std::optional<Microseconds> now)
{
    if (now) settle(terms, *now);
    const std::int64_t slot = window_numbers(terms).slot;
    const auto found = std::find_if(entries_.begin(), entries_.end(),
        [&](const Entry& entry) { return floor_div(entry.at, slot) == refund.slot; });
    if (found == entries_.end() || refund.units <= 0) return;
    const std::int64_t units = std::min(refund.units, found->units);
    found->units -= units;
    sum_ -= units;
    if (found->units == 0) entries_.erase(found);
    if (!now) return;
    View view = settle(terms, *now);
    forget(view);
}

bool Window::is_empty(Microseconds length, Microseconds now) const
{
    return entries_.empty() || entries_.back().at <= now.count() - length.count();
}

Window::View Window::settle(const Terms& terms, Microseconds now)
{
    View view{now.count(), 0, sum_};
    const std::int64_t ahead = entries_.empty() ? 0 : entries_.back().at - view.at;
    if (ahead > 0 && ahead <= clock_patience) view.at += ahead;
    if (ahead > clock_patience)
        for (Entry& entry : entries_)
            entry.at -= ahead;
    const std::int64_t horizon = view.at - window_numbers(terms).length;
    for (; view.first < entries_.size() && entries_[view.first].at <= horizon; ++view.first)
        view.used -= entries_[view.first].units;
    if (ahead > clock_patience) forget(view);
    return view;
}

// What has left, for good.
void Window::forget(View& view)
{
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(view.first));
    sum_ = view.used;
    view.first = 0;
}

Decision Window::state(const View& view, const Terms& terms, Microseconds now) const
{
    const std::int64_t units = window_numbers(terms).units;
    Decision decision;
    decision.remaining = std::max<std::int64_t>(units - view.used, 0);
    if (view.used == 0) return decision;
    // After a rate was lowered more than the quota may be held: then the first entry
    // that leaves does not yet make a unit available.
    const std::int64_t debt = std::max<std::int64_t>(view.used - units, 0);
    decision.next_unit = until_freed(view, debt + 1, terms, now);
    return decision;
}

Microseconds Window::until_freed(
    const View& view, std::int64_t units, const Terms& terms, Microseconds now) const
{
    std::int64_t freed = 0;
    for (std::size_t i = view.first; i < entries_.size(); ++i) {
        freed += entries_[i].units;
        if (freed >= units)
            return Microseconds(entries_[i].at + window_numbers(terms).length - now.count());
    }
    return Microseconds::max();
}

}  // namespace orggate::limit
