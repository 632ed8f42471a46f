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

// What would be lost with Redis's data.
struct Matters {
    bool calendar = false;  // what was used of a day or month
    bool tenants = false;   // what operators told the fleet
};

// `info` is what INFO answered, sections one after another; what it does not say is not
// spoken of.
std::vector<Advice> advice_on(std::string_view info, Matters matters);
// The part that matters once there are tenants.
std::vector<Advice> advice_on_tenants(std::string_view info);

}  // namespace orggate::redis
