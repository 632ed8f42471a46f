// The limiter without a store: one table per process, shared by all workers,
// so that N workers do not admit N times. Thread-safe; one short lock per request
// and shard. Bounded: only counters whose window is empty are evicted, and a full
// table refuses new keys (limiter_unavailable) rather than forget a used one.

#pragma once

#include "orggate/limit/limiter.hpp"

#include <cstddef>
#include <memory>

namespace orggate::limit {

class LocalTable {
public:
    // `capacity` counters over all shards.
    explicit LocalTable(std::size_t capacity = 1u << 17);
    ~LocalTable();

    // Plain form of Limiter::take.
    Result<void> take(std::span<const Check> checks, std::span<Decision> decisions, Instant now);

    std::size_t size() const;
    std::size_t evictions() const;

private:
    struct Shard;
    std::unique_ptr<Shard[]> shards_;
    std::size_t capacity_per_shard_;
};

// The port over a shared table.
std::unique_ptr<Limiter> make_local_limiter(std::shared_ptr<LocalTable> table);

}  // namespace orggate::limit
