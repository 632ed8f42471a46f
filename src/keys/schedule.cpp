#include "keys/schedule.hpp"

#include <algorithm>

namespace orggate::keys {

namespace {

Milliseconds part(Milliseconds whole, double fraction)
{
    return Milliseconds(
        static_cast<Milliseconds::rep>(static_cast<double>(whole.count()) * fraction));
}

}  // namespace

Schedule::Schedule(Milliseconds refresh, Milliseconds max_age, Time now)
    : refresh_(refresh), max_age_(max_age), next_(now)
{
}

bool Schedule::take_early(Time now)
{
    if (early_ && now - *early_ < cooldown) return false;
    early_ = now;
    return true;
}

void Schedule::succeeded(Cause cause, Time now, double random)
{
    keys_end_ = now + max_age_;
    if (cause != Cause::due) return;
    backoff_ = first_backoff;
    next_ = now + refresh_ - part(refresh_ / 10, random);
}

void Schedule::failed(Cause cause, Time now, double random)
{
    if (cause != Cause::due) return;
    const Milliseconds bound = std::min(backoff_, std::max(refresh_, first_backoff));
    // Not zero: a server that refuses at once would be asked in a busy loop.
    next_ = now + least_backoff + part(bound - least_backoff, random);
    backoff_ = std::min(backoff_ * 2, last_backoff);
}

}  // namespace orggate::keys
