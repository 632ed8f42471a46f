// The strict sliding window: in no span of its length do more units pass than
// its quota. One counter's whole state and its arithmetic.
//
// Admissions are kept as (time of the last admission in its slot, units), with
// 60 slots to a window: an entry leaves late, never early, so the promise holds
// exactly and at least 60/61 of the quota can be used.
// Pure: time is an argument, in microseconds of any one steady clock. A reading that is
// older than the newest admission (two workers took theirs in the other order) counts as
// that admission's time.

#pragma once

#include "orggate/limit/quota.hpp"

#include <cstdint>
#include <vector>

namespace orggate::limit {

class Window {
public:
    // What a check of `weight` at `now` would get. Drops what has left the window and
    // writes nothing else. A weight above the quota can never pass: wait is max().
    Decision check(const Quota& quota, std::int64_t weight, Microseconds now);

    // Charges `weight` and answers what is left then. Only after a check at the same
    // instant allowed it.
    Decision charge(const Quota& quota, std::int64_t weight, Microseconds now);

    // True when nothing is held at `now`: the counter may be forgotten.
    bool is_empty(Microseconds window, Microseconds now) const;

private:
    struct Entry {
        std::int64_t at;  // microseconds
        std::int64_t units;
    };
    std::int64_t not_before_newest(Microseconds now) const;
    void expire(const Quota& quota, Microseconds now);
    Decision state(const Quota& quota, Microseconds now) const;
    Microseconds until_freed(std::int64_t units, const Quota& quota, Microseconds now) const;

    std::vector<Entry> entries_;
    std::int64_t sum_ = 0;
};

}  // namespace orggate::limit
