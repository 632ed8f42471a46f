// What the operator should know of the Redis that keeps the limits.
// Pure. Source: Redis documentation, INFO, key eviction, persistence, replication.

#pragma once

#include "orggate/observe/log.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace orggate::redis {

struct Advice {
    observe::Level level;
    std::string text;
};

// `info` is what INFO answered, sections one after another; what it does not say is not
// spoken of.
std::vector<Advice> advice_on(std::string_view info, bool has_calendar);

}  // namespace orggate::redis
