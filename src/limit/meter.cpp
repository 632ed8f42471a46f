#include "limit/numbers.hpp"

namespace orggate::limit {

template <class State>
State& Meter::as()
{
    if (auto* state = std::get_if<State>(&state_)) return *state;
    return state_.emplace<State>();
}

Decision Meter::check(const Terms& terms, std::int64_t weight, Times now)
{
    switch (terms.algorithm) {
        case Algorithm::window: return as<Window>().check(terms, weight, now.steady);
        case Algorithm::bucket: return as<Bucket>().check(terms, weight, now.steady);
        case Algorithm::calendar: return as<Calendar>().check(terms, weight, now.wall);
        case Algorithm::concurrent: return as<Permits>().check(terms, weight);
    }
    return {};
}

Decision Meter::charge(const Terms& terms, std::int64_t weight, Times now)
{
    switch (terms.algorithm) {
        case Algorithm::window: return as<Window>().charge(terms, weight, now.steady);
        case Algorithm::bucket: return as<Bucket>().charge(terms, weight, now.steady);
        case Algorithm::calendar: return as<Calendar>().charge(terms, weight, now.wall);
        case Algorithm::concurrent: return as<Permits>().charge(terms, weight);
    }
    return {};
}

Grant Meter::grant(const Terms& terms, Wanted wanted, Times now)
{
    switch (terms.algorithm) {
        case Algorithm::window: return as<Window>().grant(terms, wanted, now.steady);
        case Algorithm::bucket: return as<Bucket>().grant(terms, wanted, now.steady);
        case Algorithm::calendar: return as<Calendar>().grant(terms, wanted, now.wall);
        case Algorithm::concurrent: break;
    }
    // Permits are held, not lent: as many as asked for.
    Grant grant{as<Permits>().check(terms, wanted.least)};
    if (!grant.decision.allowed) return grant;
    grant.units = wanted.least;
    grant.decision = as<Permits>().charge(terms, wanted.least);
    return grant;
}

void Meter::give_back(Refund refund, const Terms& terms, std::optional<Times> now)
{
    switch (terms.algorithm) {
        case Algorithm::window:
            return as<Window>().give_back(
                refund, terms, now ? std::optional(now->steady) : std::nullopt);
        case Algorithm::bucket:
            if (now) as<Bucket>().give_back(refund, terms, now->steady);
            return;
        case Algorithm::calendar:
            return as<Calendar>().give_back(
                refund, terms, now ? std::optional(now->wall) : std::nullopt);
        case Algorithm::concurrent: return;
    }
}

void Meter::release(std::int64_t weight)
{
    if (auto* permits = std::get_if<Permits>(&state_)) permits->release(weight);
}

bool Meter::is_empty(const Terms& terms, Times now) const
{
    if (const auto* window = std::get_if<Window>(&state_))
        return window->is_empty(Microseconds(window_numbers(terms).length), now.steady);
    if (const auto* bucket = std::get_if<Bucket>(&state_)) return bucket->is_empty(now.steady);
    if (const auto* calendar = std::get_if<Calendar>(&state_)) return calendar->is_empty(now.wall);
    return std::get<Permits>(state_).is_empty();
}

}  // namespace orggate::limit
