// Decides when a store that fails is left alone, and when it is trusted again.
// Pure: time is an argument. One worker, not thread-safe.

#pragma once

#include <chrono>
#include <cstddef>
#include <deque>

namespace orggate::limit {

class Breaker {
public:
    using Time = std::chrono::steady_clock::time_point;

    // Opens after 5 failures in a row, or when half of at least 20 questions of the last
    // second failed (of the latest 1 024, if there were more). True: it has just opened.
    bool failed(Time now);
    void succeeded(Time now);

    // While open nobody asks but the prober, and answers to older questions change nothing;
    // 3 good probes in a row close it, and all is as new. True: it has just closed.
    bool probe_succeeded(Time now);
    void probe_failed(Time now);
    // At once, for a connection that is lost; also interrupts a row of good probes.
    // True: it has just opened.
    bool open(Time now);

    bool is_open() const { return is_open_; }

private:
    struct Sample {
        Time at;
        bool good;
    };
    void add(Time now, bool good);

    std::deque<Sample> lately_;
    std::size_t bad_ = 0;  // of lately_
    int failures_in_a_row_ = 0, good_probes_ = 0;
    bool is_open_ = false;
};

// Full jitter: anything up to a ceiling of 50 ms that doubles with every failure, 2 s at most;
// so those who lost the same server do not come back together. Never below 5 ms. `unit` is a
// random number in [0, 1).
std::chrono::milliseconds backoff(int failures, double unit);

}  // namespace orggate::limit
