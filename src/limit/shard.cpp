#include "limit/shard.hpp"

#include <algorithm>
#include <utility>

namespace orggate::limit {

namespace {

// Holders looked at for every new counter, full or not: a counter that became empty is
// found within a few insertions, long before the shard is full.
constexpr std::size_t looked_at_per_insertion = 8;

// And for a new counter in a full shard, before it is refused: some microseconds.
constexpr std::size_t looked_at_when_full = 256;

// Where used counters may go nearly every look finds room.
constexpr std::size_t looked_at_to_evict = 32;

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

Counter* counter_of(std::vector<Counter>& counters, const Check& check)
{
    for (Counter& counter : counters)
        if (is_of(counter, check)) return &counter;
    return nullptr;
}

bool is_empty(const Counter& counter, Times now)
{
    return counter.meter.is_empty(counter.terms, now);
}

// A permit, to be given back to this counter and no later one of the same name.
bool is_held(const Counter& counter, Times now)
{
    return counter.terms.algorithm == Algorithm::concurrent && !is_empty(counter, now);
}

bool is_any_of(const Holder& holder, std::span<const Check> checks)
{
    return std::any_of(checks.begin(), checks.end(), [&](const Check& check) {
        return HolderEqual{}(Asked{check, holder.hash}, holder);
    });
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

template <class Drop>
void Pool::go_round(std::size_t holders, std::size_t& bucket, Drop drop)
{
    const std::size_t buckets = holders_.bucket_count();
    std::size_t seen = 0;
    for (std::size_t visited = 0; seen < holders && visited < 2 * holders; ++visited) {
        bucket = (bucket + 1) % buckets;
        for (auto at = holders_.begin(bucket); at != holders_.end(bucket);) {
            auto& [holder, account] = *at++;
            ++seen;
            const bool goes_on = drop(holder, account);
            if (account.counters.empty()) holders_.erase(holders_.find(holder));
            if (!goes_on) return;
        }
    }
}

template <class Which>
void Pool::drop_counters(Account& account, Which is_to_go)
{
    const std::size_t dropped = std::erase_if(account.counters, is_to_go);
    counters -= dropped;
    evicted += dropped;
}

Pool::Account* Pool::find_account(const Check& check, std::uint64_t hash)
{
    const auto found = holders_.find(Asked{check, hash});
    return found == holders_.end() ? nullptr : &found->second;
}

Counter* Pool::find(const Check& check, std::uint64_t hash)
{
    Account* account = find_account(check, hash);
    return account ? counter_of(account->counters, check) : nullptr;
}

Counter* Pool::ask(const Check& check, std::uint64_t hash)
{
    Account* account = find_account(check, hash);
    if (!account) return nullptr;
    account->has_chance = true;
    return counter_of(account->counters, check);
}

Counter& Pool::find_or_add(const Check& check, std::uint64_t hash)
{
    if (Counter* known = find(check, hash)) return *known;
    Account& account = holders_.try_emplace(make_holder(check, hash)).first->second;
    account.counters.push_back(make_counter(check));
    ++counters;
    return account.counters.back();
}

bool Pool::erase(const Check& check, std::uint64_t hash)
{
    const auto found = holders_.find(Asked{check, hash});
    if (found == holders_.end()) return false;
    const auto erased = std::erase_if(
        found->second.counters, [&check](const Counter& counter) { return is_of(counter, check); });
    counters -= erased;
    if (found->second.counters.empty()) holders_.erase(found);
    return erased > 0;
}

void Pool::collect(std::size_t wanted, std::size_t capacity, Times now)
{
    drop_empty(looked_at_per_insertion, now);
    if (counters + wanted > capacity) drop_empty(looked_at_when_full, now);
}

void Pool::evict(std::size_t wanted, std::size_t capacity, std::span<const Check> kept, Times now)
{
    drop_empty(looked_at_per_insertion, now);
    const auto is_full = [&] { return counters + wanted > capacity; };
    bool spares = true;
    const auto drop_used = [&](const Holder& holder, Account& account) {
        if (is_any_of(holder, kept)) return true;
        if (spares && std::exchange(account.has_chance, false)) return true;
        drop_counters(account, [now](const Counter& counter) { return !is_held(counter, now); });
        return is_full();
    };
    if (is_full()) go_round(looked_at_to_evict, next_to_evict_, drop_used);
    spares = false;  // nearly everybody asks again and again: then whoever is next
    if (is_full()) go_round(looked_at_to_evict, next_to_evict_, drop_used);
}

void Pool::drop_empty(std::size_t holders, Times now)
{
    go_round(holders, next_to_tidy_, [this, now](const Holder&, Account& account) {
        drop_counters(account, [now](const Counter& counter) { return is_empty(counter, now); });
        return true;
    });
}

}  // namespace orggate::limit
