// The numbers that the arithmetic needs, derived from the terms in this one place for the
// counters in memory and for those in Redis.
// Pure. Private to this folder.

#pragma once

#include "orggate/limit/meter.hpp"

#include <cstdint>

namespace orggate::limit {

// A clock that went back by no more stands still; by more, and the counter moves with it.
inline constexpr std::int64_t clock_patience = 1'000'000;  // microseconds

// Slots of a window, and entries that are kept at most: those of a window that starts and
// ends within a slot, and one more.
inline constexpr std::int64_t slots = 60;
inline constexpr std::size_t most_entries = slots + 2;

// Of a bucket's time, to a microsecond: then rounding costs little even at high rates.
inline constexpr std::int64_t ticks = 16;

// The time in which an empty bucket may fill, in ticks: four years. Redis's numbers are whole
// up to 2^53, and it counts this time from 2025: enough until 2038.
inline constexpr std::int64_t longest_fill = std::int64_t{1} << 51;

struct WindowNumbers {
    std::int64_t units, length, slot;  // microseconds
};
struct BucketNumbers {
    std::int64_t burst, interval;  // ticks between two units
};
struct CalendarBounds {
    std::int64_t began, ends;  // seconds since 1970
};

WindowNumbers window_numbers(const Terms& terms);
BucketNumbers bucket_numbers(const Terms& terms);
CalendarBounds calendar_bounds(Period period, std::int64_t microseconds);
std::int64_t countable(std::int64_t units);  // 0 to 2^53: whole numbers in Redis too

// How many of `left` units a grant gives. `left` is at least wanted.least.
std::int64_t share_of(std::int64_t left, Wanted wanted);
Wanted exactly(std::int64_t weight);

// The quotient rounded down, or up, also of negative numbers. The divisor is positive.
constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b)
{
    return a / b - (a % b < 0);
}
constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b)
{
    return a / b + (a % b > 0);
}

}  // namespace orggate::limit
