// What an organisation may do, and what it was granted: plain values.

#pragma once

#include "orggate/time.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::limit {

// `units` in any span of `window`: the strict sliding window.
struct Quota {
    std::int64_t units = 0;
    Microseconds window{};
    std::string name;  // in the RateLimit fields: the limit's name, or name-window
};

enum class OnError { local, open, closed };

// One limit of the configuration.
struct Limit {
    std::string name;
    std::vector<Quota> quotas;                                     // all hold, all or nothing
    std::map<std::string, std::vector<Quota>, std::less<>> plans;  // by organisation plan
    OnError on_error = OnError::local;
    bool shadow = false;
};

// One question to a limiter. The views outlive the wait.
struct Check {
    std::string_view
        limit;  // the limit's name in the configuration: part of the counter's identity
    std::string_view subject;  // the organisation id
    const Quota* quota = nullptr;
    std::int64_t weight = 1;
    bool enforced = true;  // false: report, never refuse, never charge what it would refuse
};

// One answer, for the check at the same position.
struct Decision {
    bool allowed = false;
    std::int64_t remaining = 0;  // units left now
    Microseconds wait{};         // until this weight fits, if it is not allowed; max() if never
    Microseconds next_unit{};    // until more becomes available; 0 if nothing is used
};

}  // namespace orggate::limit
