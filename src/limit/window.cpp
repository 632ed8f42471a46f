#include "orggate/limit/window.hpp"

#include <algorithm>

namespace orggate::limit {

namespace {

constexpr std::int64_t slots = 60;

// The slot's number. Multiplied first: the slot length need not be a whole microsecond.
std::int64_t slot(std::int64_t at, Microseconds window)
{
    return at * slots / std::max<std::int64_t>(window.count(), 1);
}

}  // namespace

Decision Window::check(const Quota& quota, std::int64_t weight, Microseconds now)
{
    expire(quota, now);
    Decision decision = state(quota, now);
    weight = std::max<std::int64_t>(weight, 0);
    if (weight > quota.units) {
        decision.wait = Microseconds::max();
        return decision;
    }
    const std::int64_t excess = sum_ - (quota.units - weight);
    decision.allowed = excess <= 0;
    if (!decision.allowed) decision.wait = until_freed(excess, quota, now);
    return decision;
}

Decision Window::charge(const Quota& quota, std::int64_t weight, Microseconds now)
{
    if (weight > 0) {
        const std::int64_t at = not_before_newest(now);
        if (!entries_.empty() && slot(entries_.back().at, quota.window) == slot(at, quota.window)) {
            // The later time: the whole entry leaves late, never early.
            entries_.back().at = at;
            entries_.back().units += weight;
        } else {
            entries_.push_back({at, weight});
        }
        sum_ += weight;
    }
    Decision decision = state(quota, now);
    decision.allowed = true;
    return decision;
}

bool Window::is_empty(Microseconds window, Microseconds now) const
{
    return entries_.empty() || entries_.back().at <= now.count() - window.count();
}

std::int64_t Window::not_before_newest(Microseconds now) const
{
    return entries_.empty() ? now.count() : std::max(now.count(), entries_.back().at);
}

void Window::expire(const Quota& quota, Microseconds now)
{
    const std::int64_t horizon = not_before_newest(now) - quota.window.count();
    auto kept = entries_.begin();
    for (; kept != entries_.end() && kept->at <= horizon; ++kept)
        sum_ -= kept->units;
    if (kept != entries_.begin()) entries_.erase(entries_.begin(), kept);
}

Decision Window::state(const Quota& quota, Microseconds now) const
{
    Decision decision;
    decision.remaining = std::max<std::int64_t>(quota.units - sum_, 0);
    if (entries_.empty()) return decision;
    // After a rate was lowered more than the quota may be held: then the first entry
    // that leaves does not yet make a unit available.
    const std::int64_t debt = std::max<std::int64_t>(sum_ - quota.units, 0);
    decision.next_unit = until_freed(debt + 1, quota, now);
    return decision;
}

Microseconds Window::until_freed(std::int64_t units, const Quota& quota, Microseconds now) const
{
    std::int64_t freed = 0;
    for (const Entry& entry : entries_) {
        freed += entry.units;
        if (freed >= units) return Microseconds(entry.at) + quota.window - now;
    }
    return Microseconds::max();
}

}  // namespace orggate::limit
