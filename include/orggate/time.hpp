// One reading of the clocks, taken together and passed down as a value.
// Pure: nothing below floor 5 reads a clock of its own.

#pragma once

#include <chrono>
#include <cstdint>

namespace orggate {

using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;
using Microseconds = std::chrono::microseconds;

// The wall clock is for claims and logs, the steady one for durations.
struct Instant {
    std::chrono::system_clock::time_point wall{};
    std::chrono::steady_clock::time_point steady{};

    // Whole seconds since 1970, rounded down.
    std::int64_t unix_seconds() const
    {
        return std::chrono::floor<Seconds>(wall.time_since_epoch()).count();
    }
};

// The real one is supplied by `app`; tests supply their own.
using Clock = Instant (*)();

}  // namespace orggate
