// The limiter without a store: one table per process, shared by all workers,
// so that N workers do not admit N times. Thread-safe; one short lock per request
// and shard. Bounded, in two parts:
//
// Organisations and users: only counters whose window is empty are evicted, and a full
// table refuses new keys (limiter_unavailable) rather than forget a used one.
//
// Addresses (Per::ip), of which anybody may have many: a part of their own, half as large, so
// that they never take the room of an organisation. They are never refused for want of room.
// Where theirs is full a new one evicts another, used or not; first one that was not asked for
// again lately. So the promise to an address is weaker: whoever sends from more addresses than
// fit may have its own forgotten, and others'. A permit that is held is not.
//
// With Redis it is the fallback: fed with what this process admits, so that at a switch it
// already knows its last window.
//
// A counter is found by (per, subject, member, limit name, quota name, algorithm); neither units
// nor window are part of its identity, so changing a rate keeps the count. It takes about 320 bytes
// with one admission and 1.3 KiB when used all through its window.

#pragma once

#include "orggate/keyed_hash.hpp"
#include "orggate/limit/limiter.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace orggate::limit {

class LocalTable {
public:
    // `capacity` counters of organisations and users over all shards, and half as many of
    // addresses. `key` is a secret: with it nobody outside can
    // choose organisations that collide.
    explicit LocalTable(HashKey key, std::size_t capacity = 1u << 17);
    ~LocalTable();

    // Plain form of Limiter::take. All enforced checks are charged or none; a check that
    // is not enforced is charged only if it fits and the request passes. Every quota is
    // held to its part: units / share, at least 1 (Terms, leases play no part here).
    // An enforced check that finds no room for its counter passes uncounted if on_error is
    // open: By::open, no numbers.
    // Refuses: limiter_unavailable, if another finds no room; then nothing is charged. Never
    // for an address.
    Result<void> take(std::span<const Check> checks, std::span<Decision> decisions, Instant now,
        std::int64_t share = 1);

    // Notes what was admitted elsewhere: charged whatever the quota, while there is room; an
    // enforced check of an address makes it.
    // A concurrent check becomes a permit, to be released like any other; it always has room.
    void note(std::span<const Check> checks, Instant now);

    // Gives back the permits among the decisions, each once. The checks are those of take() or
    // note().
    void release(std::span<const Check> checks, std::span<const Decision> decisions);

    // What one unit would get now; nothing if the counter is unknown.
    std::optional<Decision> inspect(const Check& check, Instant now) const;
    // Forgets the counter. False: it was unknown. Permits that are held stay held.
    bool reset(const Check& check);

    std::size_t size() const;
    // Counters forgotten so far: empty ones, and addresses' that had to make room.
    std::size_t evictions() const;

private:
    struct Shard;
    struct Request;

    std::size_t shard_index(std::uint64_t hash) const;

    HashKey key_;
    std::size_t shard_count_;  // a power of two
    std::size_t capacity_per_shard_;
    std::size_t addresses_per_shard_;
    std::unique_ptr<Shard[]> shards_;
};

// The port over a shared table. A full table: on_error of the check decides (local is closed).
std::unique_ptr<Limiter> make_local_limiter(std::shared_ptr<LocalTable> table);

}  // namespace orggate::limit
