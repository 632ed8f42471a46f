// The limiter without a store: one table per process, shared by all workers,
// so that N workers do not admit N times. Thread-safe; one short lock per request
// and shard. Bounded: only counters whose window is empty are evicted, and a full
// table refuses new keys (limiter_unavailable) rather than forget a used one.
//
// A counter is found by (subject, limit name, quota name); neither units nor window are
// part of its identity, so changing a rate keeps the count. It takes about 250 bytes
// with one admission and 1.3 KiB when used all through its window.

#pragma once

#include "orggate/limit/limiter.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace orggate::limit {

// Keys the hash, so that nobody outside can choose subjects that collide.
struct HashSeed {
    std::uint64_t first = 0, second = 0;
};

class LocalTable {
public:
    // `capacity` counters over all shards, under a random seed or the given one.
    explicit LocalTable(std::size_t capacity = 1u << 17);
    LocalTable(std::size_t capacity, HashSeed seed);
    ~LocalTable();

    // Plain form of Limiter::take. All enforced checks are charged or none; a check that
    // is not enforced is charged only if it fits and the request passes.
    // Refuses: limiter_unavailable, and then nothing is charged.
    Result<void> take(std::span<const Check> checks, std::span<Decision> decisions, Instant now);

    std::size_t size() const;
    std::size_t evictions() const;

private:
    struct Shard;
    struct Request;

    HashSeed seed_;
    std::size_t shard_count_;  // a power of two
    std::size_t capacity_per_shard_;
    std::unique_ptr<Shard[]> shards_;
};

// The port over a shared table.
std::unique_ptr<Limiter> make_local_limiter(std::shared_ptr<LocalTable> table);

}  // namespace orggate::limit
