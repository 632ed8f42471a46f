// When to ask for keys again.
// Pure: no clock, no I/O.

#pragma once

#include "orggate/time.hpp"

#include <chrono>
#include <optional>

namespace orggate::keys {

inline constexpr Milliseconds first_backoff{1'000}, last_backoff{60'000}, least_backoff{100};
inline constexpr Milliseconds cooldown{30'000};

// Why a fetch was made: its time had come, or somebody asked for an unknown key.
enum class Cause { due, asked };

class Schedule {
public:
    using Time = std::chrono::steady_clock::time_point;

    // The first fetch is due `now`.
    Schedule(Milliseconds refresh, Milliseconds max_age, Time now);

    // Takes the one early fetch of each cooldown, whatever will come of it. False:
    // it is taken already.
    bool take_early(Time now);

    // A fetch has ended. Only one that was due moves the next one, so that nobody can
    // put it off by asking: after success to `refresh` less up to a tenth, after failure
    // to anywhere (full jitter) below a bound that doubles from 1 s to 60 s, or to
    // `refresh` if that is shorter. `random` is in [0, 1).
    void succeeded(Cause cause, Time now, double random);
    void failed(Cause cause, Time now, double random);

    Time next_fetch() const { return next_; }
    // When the keys of the last good fetch are too old; never, if there are none.
    Time keys_end() const { return keys_end_; }
    void keys_dropped() { keys_end_ = Time::max(); }

private:
    Milliseconds refresh_, max_age_;
    Time next_;
    Time keys_end_ = Time::max();
    std::optional<Time> early_;
    Milliseconds backoff_ = first_backoff;  // the bound after the next failure
};

}  // namespace orggate::keys
