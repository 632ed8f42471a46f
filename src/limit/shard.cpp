#include "limit/shard.hpp"

#include <algorithm>

namespace orggate::limit {

namespace {

// Holders looked at for every new counter, full or not: a counter that became empty is
// found within a few insertions, long before the shard is full.
constexpr std::size_t looked_at_per_insertion = 8;

// And for a new counter in a full shard, before it is refused: some microseconds.
constexpr std::size_t looked_at_when_full = 256;

// Names hold no NUL, so that equal length and both ends leave one way to read the key.
bool is_key(std::string_view key, std::string_view limit, std::string_view quota)
{
    return key.size() == limit.size() + 1 + quota.size() && key.starts_with(limit) &&
           key.ends_with(quota);
}

bool is_of(const Counter& counter, const Check& check)
{
    return counter.terms.algorithm == check.quota->algorithm &&
           is_key(counter.key, check.limit, check.quota->name);
}

Counter make_counter(const Check& check)
{
    Counter counter;
    counter.key.reserve(check.limit.size() + 1 + check.quota->name.size());
    counter.key.append(check.limit).append(1, '\0').append(check.quota->name);
    counter.terms = terms_of(*check.quota);
    return counter;
}

}  // namespace

bool is_same_holder(const Check& a, const Check& b)
{
    return a.per == b.per && a.subject == b.subject && a.member == b.member;
}

std::uint64_t holder_hash(const HashKey& key, const Check& check)
{
    // Sums of numbers that nobody outside can predict are no easier to predict. Tripled,
    // so that subject and member can't change places.
    std::uint64_t hash = keyed_hash(key, check.subject) + std::uint64_t(check.per);
    if (!check.member.empty()) hash += 3 * keyed_hash(key, check.member);
    return hash;
}

Holder make_holder(const Check& check, std::uint64_t hash)
{
    Holder holder{{}, std::uint32_t(check.subject.size()), check.per, hash};
    holder.ids.reserve(check.subject.size() + check.member.size());
    holder.ids.append(check.subject).append(check.member);
    return holder;
}

bool is_same_counter(const Check& a, const Check& b)
{
    return a.limit == b.limit && a.quota->name == b.quota->name &&
           a.quota->algorithm == b.quota->algorithm && is_same_holder(a, b);
}

bool HolderEqual::operator()(const Holder& a, const Holder& b) const
{
    return a.hash == b.hash && a.per == b.per && a.subject_size == b.subject_size && a.ids == b.ids;
}

bool HolderEqual::operator()(const Asked& a, const Holder& b) const
{
    const std::string_view ids = b.ids;
    return a.hash == b.hash && a.check.per == b.per && a.check.subject.size() == b.subject_size &&
           ids.starts_with(a.check.subject) && ids.substr(b.subject_size) == a.check.member;
}

Counter* LocalTable::Shard::find(const Check& check, std::uint64_t hash)
{
    const auto found = holders_.find(Asked{check, hash});
    if (found == holders_.end()) return nullptr;
    for (Counter& counter : found->second)
        if (is_of(counter, check)) return &counter;
    return nullptr;
}

Counter& LocalTable::Shard::find_or_add(const Check& check, std::uint64_t hash)
{
    if (Counter* known = find(check, hash)) return *known;
    Counters& of_holder = holders_.try_emplace(make_holder(check, hash)).first->second;
    of_holder.push_back(make_counter(check));
    ++counters;
    return of_holder.back();
}

bool LocalTable::Shard::erase(const Check& check, std::uint64_t hash)
{
    const auto found = holders_.find(Asked{check, hash});
    if (found == holders_.end()) return false;
    const auto erased = std::erase_if(
        found->second, [&check](const Counter& counter) { return is_of(counter, check); });
    counters -= erased;
    if (found->second.empty()) holders_.erase(found);
    return erased > 0;
}

void LocalTable::Shard::collect(std::size_t wanted, std::size_t capacity, Times now)
{
    sweep(looked_at_per_insertion, now);
    if (counters + wanted > capacity) sweep(looked_at_when_full, now);
}

void LocalTable::Shard::sweep(std::size_t holders, Times now)
{
    const std::size_t buckets = holders_.bucket_count();
    std::size_t seen = 0;
    for (std::size_t visited = 0; seen < holders && visited < 2 * holders; ++visited) {
        next_bucket_ = (next_bucket_ + 1) % buckets;
        for (auto at = holders_.begin(next_bucket_); at != holders_.end(next_bucket_);) {
            auto& [holder, of_holder] = *at++;
            ++seen;
            drop_empty(of_holder, now);
            if (of_holder.empty()) holders_.erase(holders_.find(holder));
        }
    }
}

void LocalTable::Shard::drop_empty(Counters& of_holder, Times now)
{
    const std::size_t dropped = std::erase_if(of_holder,
        [now](const Counter& counter) { return counter.meter.is_empty(counter.terms, now); });
    counters -= dropped;
    evicted += dropped;
}

}  // namespace orggate::limit
