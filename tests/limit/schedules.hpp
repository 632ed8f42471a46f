// Random traffic, and what an exact count of it says.

#pragma once

#include "limit/counters.hpp"

#include <cstdint>
#include <random>
#include <vector>

namespace orggate::test {

struct Admission {
    Microseconds at;
    std::int64_t units;
};

// The most units in any span (x, x + length]. It is reached in a span that ends at an
// admission. The log is in the order of time.
inline std::int64_t worst_span(const std::vector<Admission>& log, Microseconds length)
{
    std::int64_t worst = 0, held = 0;
    std::size_t first = 0;
    for (const Admission& last : log) {
        held += last.units;
        for (; log[first].at <= last.at - length; ++first)
            held -= log[first].units;
        worst = std::max(worst, held);
    }
    return worst;
}

// By how much the units of any span are more than `burst` and one per `interval` (sixteenths
// of a microsecond), in sixteenths: 0 or less keeps the promise of a bucket.
inline std::int64_t worst_excess(
    const std::vector<Admission>& log, std::int64_t burst, std::int64_t interval)
{
    std::int64_t worst = -burst * interval, units = 0, least = 0;
    bool any = false;
    for (const Admission& at : log) {
        const std::int64_t begin = units * interval - at.at.count() * 16;
        least = any ? std::min(least, begin) : begin;
        any = true;
        units += at.units;
        worst = std::max(worst, units * interval - at.at.count() * 16 - least - burst * interval);
    }
    return worst;
}

class Dice {
public:
    explicit Dice(std::uint64_t seed) : random_(seed) {}
    // Both ends included.
    std::int64_t between(std::int64_t least, std::int64_t most)
    {
        return least +
               static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(most - least + 1));
    }
    bool one_in(std::int64_t n) { return between(1, n) == 1; }
    Microseconds time(Microseconds most) { return Microseconds(between(0, most.count())); }

private:
    std::mt19937_64 random_;
};

}  // namespace orggate::test
