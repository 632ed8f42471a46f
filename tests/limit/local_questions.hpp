// What tests of the local table ask it, and when.

#pragma once

#include "orggate/limit/local.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>

namespace orggate::test {

inline constexpr HashKey key{1, 2};

inline Instant at(Microseconds since_boot)
{
    Instant made;
    made.steady = std::chrono::steady_clock::time_point(since_boot);
    made.wall = std::chrono::system_clock::time_point(since_boot);
    return made;
}

inline limit::Check check(
    const limit::Quota& q, std::string_view subject = "org_a", std::int64_t weight = 1)
{
    limit::Check made;
    made.limit = "api";
    made.subject = subject;
    made.quota = &q;
    made.weight = weight;
    return made;
}

inline limit::Check shadow(limit::Check made)
{
    made.enforced = false;
    return made;
}

}  // namespace orggate::test
