#include "orggate/limit/local.hpp"

#include "limit/local_request.hpp"

#include <algorithm>
#include <bit>

namespace orggate::limit {

namespace {

// Enough that workers seldom meet, few enough that the shards fill evenly.
constexpr std::size_t most_shards = 16;  // Request has 32 bits for them
constexpr std::size_t least_counters_per_shard = 1024;

std::size_t shards_for(std::size_t capacity)
{
    const std::size_t wanted = std::bit_floor(capacity / least_counters_per_shard);
    return std::clamp<std::size_t>(wanted, 1, most_shards);
}

}  // namespace

LocalTable::LocalTable(HashKey key, std::size_t capacity)
    : key_(key),
      shard_count_(shards_for(capacity)),
      capacity_per_shard_((capacity + shard_count_ - 1) / shard_count_),
      addresses_per_shard_(std::max<std::size_t>(capacity_per_shard_ / 2, 1)),
      shards_(std::make_unique<Shard[]>(shard_count_))
{
}

LocalTable::~LocalTable() = default;

std::size_t LocalTable::shard_index(std::uint64_t hash) const
{
    // The map takes the hash modulo a prime: the top bits are free for the shard.
    return (hash >> 59) & (shard_count_ - 1);
}

Result<void> LocalTable::take(
    std::span<const Check> checks, std::span<Decision> decisions, Instant now, std::int64_t share)
{
    Request request(*this, checks, decisions, now, share);
    if (!request.all_enforced_fit()) return {};
    if (!request.make_room()) return Denial::limiter_unavailable;
    request.charge_enforced();
    request.charge_shadow();
    return {};
}

void LocalTable::note(std::span<const Check> checks, Instant now)
{
    Request request(*this, checks, {}, now, 1);
    request.charge_all_by_force();
}

void LocalTable::release(std::span<const Check> checks, std::span<const Decision> decisions)
{
    for (std::size_t i = 0; i < checks.size(); ++i) {
        const Check& check = checks[i];
        if (!decisions[i].holds_permit) continue;
        const std::uint64_t hash = holder_hash(key_, check);
        Shard& shard = shards_[shard_index(hash)];
        const std::lock_guard lock(shard.mutex);
        if (Counter* counter = shard.pool_of(check.per).find(check, hash))
            counter->meter.release(check.weight);
    }
}

std::optional<Decision> LocalTable::inspect(const Check& check, Instant now) const
{
    const std::uint64_t hash = holder_hash(key_, check);
    Shard& shard = shards_[shard_index(hash)];
    const std::lock_guard lock(shard.mutex);
    Counter* counter = shard.pool_of(check.per).ask(check, hash);
    if (!counter) return std::nullopt;
    return counter->meter.check(local_terms(*check.quota, 1), 1, times_of(now));
}

bool LocalTable::reset(const Check& check)
{
    const std::uint64_t hash = holder_hash(key_, check);
    Shard& shard = shards_[shard_index(hash)];
    const std::lock_guard lock(shard.mutex);
    // What is held is given back by those who hold it, and would be given back twice.
    Pool& pool = shard.pool_of(check.per);
    if (check.quota->algorithm == Algorithm::concurrent) return pool.find(check, hash) != nullptr;
    return pool.erase(check, hash);
}

std::size_t LocalTable::size() const
{
    std::size_t total = 0;
    for (std::size_t i = 0; i < shard_count_; ++i) {
        const std::lock_guard lock(shards_[i].mutex);
        total += shards_[i].accounts.counters + shards_[i].addresses.counters;
    }
    return total;
}

std::size_t LocalTable::evictions() const
{
    std::size_t total = 0;
    for (std::size_t i = 0; i < shard_count_; ++i) {
        const std::lock_guard lock(shards_[i].mutex);
        total += shards_[i].accounts.evicted + shards_[i].addresses.evicted;
    }
    return total;
}

}  // namespace orggate::limit
