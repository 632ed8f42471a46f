// How much one worker asks of one counter, in units per second: an average that forgets
// with a time constant of 1 s. What is refused counts too.
// Pure: time is an argument.

#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>

namespace orggate::limit {

class LeaseDemand {
public:
    using Time = std::chrono::steady_clock::time_point;

    void note(std::int64_t weight, Time now)
    {
        rate_ = rate(now) + static_cast<double>(std::max<std::int64_t>(weight, 0));
        last_ = std::max(last_, now);
    }

    double rate(Time now) const
    {
        return now > last_ ? rate_ * std::exp(-std::chrono::duration<double>(now - last_).count())
                           : rate_;
    }

    Time last() const { return last_; }

private:
    double rate_ = 0;
    Time last_{};
};

}  // namespace orggate::limit
