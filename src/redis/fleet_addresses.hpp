// How many addresses a name has: the size of a fleet behind a headless name.

#pragma once

#include "orggate/awaitable.hpp"
#include "orggate/time.hpp"

#include <cstdint>
#include <string>

namespace orggate::redis {

// `host_port`: host:port. A fleet with two address families has two addresses each: the
// larger family counts. 0: no answer in time.
Awaitable<std::int64_t> count_addresses(
    std::string host_port, Executor executor, Milliseconds deadline);

}  // namespace orggate::redis
