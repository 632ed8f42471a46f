// The limiter without a store: one table per process, shared by all workers,
// so that N workers do not admit N times. Thread-safe; one short lock per request
// and shard. Bounded: only counters whose window is empty are evicted, and a full
// table refuses new keys (limiter_unavailable) rather than forget a used one.
//
// A counter is found by (subject, limit name, quota name); neither units nor window are
// part of its identity, so changing a rate keeps the count. It takes about 250 bytes
// with one admission and 1.3 KiB when used all through its window.

#pragma once

#include "orggate/keyed_hash.hpp"
#include "orggate/limit/limiter.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace orggate::limit {

class LocalTable {
public:
    // `capacity` counters over all shards. `key` is a secret: with it nobody outside can
    // choose organisations that collide.
    explicit LocalTable(HashKey key, std::size_t capacity = 1u << 17);
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

    HashKey key_;
    std::size_t shard_count_;  // a power of two
    std::size_t capacity_per_shard_;
    std::unique_ptr<Shard[]> shards_;
};

// The port over a shared table.
std::unique_ptr<Limiter> make_local_limiter(std::shared_ptr<LocalTable> table);

}  // namespace orggate::limit
