// The limiter over Redis: exact checks in one script call per request, leased units spent
// without any, refusals answered from what is known, and a local share while Redis is away.

#pragma once

#include "orggate/limit/limiter.hpp"
#include "orggate/limit/local.hpp"
#include "orggate/redis/store.hpp"

#include <atomic>
#include <cstdint>
#include <memory>

namespace orggate::redis {

// What the control thread knows of the fleet. Written by it, read by all workers.
struct FleetView {
    std::atomic<std::int64_t> processes{1};    // F, at least 1
    std::atomic<std::int64_t> workers{1};      // A: all workers of the fleet
    std::atomic<std::uint64_t> generation{0};  // a change empties the deny caches
};

// The scripts its Store must load.
const std::vector<const Script*>& limiter_scripts();

class RedisLimiter : public limit::Limiter {
public:
    // From the worker's own thread, beside take().
    virtual void start() = 0;
    // Returns what is leased; the store is stopped by its owner afterwards.
    virtual void stop() = 0;
};

struct LimiterParts {
    Executor executor;
    Store& store;
    std::shared_ptr<limit::LocalTable> fallback;  // shared by all workers
    const FleetView& fleet;
    std::string name_space;
    Milliseconds deadline{25};  // a request never waits longer
    std::uint64_t holder = 0;   // names this worker among all of the fleet
    HashKey key;
    Clock clock;
    observe::StoreCounters& counters;
};
std::unique_ptr<RedisLimiter> make_limiter(LimiterParts parts);

}  // namespace orggate::redis
