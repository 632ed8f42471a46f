// One part of the local table: the counters of the holders that hash into it.
// Not thread-safe by itself: whoever uses it holds its mutex.

#pragma once

#include "orggate/limit/local.hpp"
#include "orggate/limit/meter.hpp"

#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace orggate::limit {

// Whose counters lie together: an organisation, a user, a user of an organisation, an address.
bool is_same_holder(const Check& a, const Check& b);
std::uint64_t holder_hash(const HashKey& key, const Check& check);

// One counter: the algorithm counts too, as it does in Redis, where layouts differ.
bool is_same_counter(const Check& a, const Check& b);

struct Counter {
    std::string key;  // limit name, NUL, quota name
    Terms terms;      // it was last charged under
    Meter meter;
};

// A holder with its hash, computed once per request. Owned in the map, borrowed to look up.
struct Holder {
    std::string ids;  // the subject, then the member
    std::uint32_t subject_size;
    Per per;
    std::uint64_t hash;
};

Holder make_holder(const Check& check, std::uint64_t hash);

struct Asked {
    const Check& check;
    std::uint64_t hash;
};

struct HolderHash {
    using is_transparent = void;
    std::size_t operator()(const Holder& holder) const noexcept { return holder.hash; }
    std::size_t operator()(const Asked& asked) const noexcept { return asked.hash; }
};

struct HolderEqual {
    using is_transparent = void;
    bool operator()(const Holder& a, const Holder& b) const;
    bool operator()(const Asked& a, const Holder& b) const;
    bool operator()(const Holder& a, const Asked& b) const { return (*this)(b, a); }
};

// Counters that share room, by holder.
class Pool {
public:
    // The counter of this check, or null. No allocation.
    Counter* find(const Check& check, std::uint64_t hash);

    // The same, for a request that asks: its holder gets a second chance.
    Counter* ask(const Check& check, std::uint64_t hash);

    // The counter of this check, added if it is new. May move other counters of the holder.
    Counter& find_or_add(const Check& check, std::uint64_t hash);

    // False: it was unknown.
    bool erase(const Check& check, std::uint64_t hash);

    // Evicts empty counters, going round from call to call over a bounded number of
    // holders, more of them while fewer than `wanted` new ones fit. Counters may move.
    void collect(std::size_t wanted, std::size_t capacity, Times now);

    // Evicts a few empty counters, and used ones too until `wanted` new ones fit, over a bounded
    // number of holders: those last that were asked for again since the last round, never one
    // of `kept`, never a permit that is held.
    void evict(std::size_t wanted, std::size_t capacity, std::span<const Check> kept, Times now);

    std::size_t counters = 0;
    std::size_t evicted = 0;

private:
    struct Account {
        std::vector<Counter> counters;
        bool has_chance = false;  // asked for again since evict() last came by
    };

    Account* find_account(const Check& check, std::uint64_t hash);

    // Shows `drop` so many holders in the buckets after `bucket`, until it returns false.
    template <class Drop>
    void go_round(std::size_t holders, std::size_t& bucket, Drop drop);
    template <class Which>
    void drop_counters(Account& account, Which is_to_go);
    void drop_empty(std::size_t holders, Times now);

    std::unordered_map<Holder, Account, HolderHash, HolderEqual> holders_;
    // Apart, or the search for empty counters would take a second chance away early.
    std::size_t next_to_tidy_ = 0, next_to_evict_ = 0;
};

struct LocalTable::Shard {
    Pool& pool_of(Per per) { return per == Per::ip ? addresses : accounts; }

    mutable std::mutex mutex;
    Pool accounts;   // of organisations and users
    Pool addresses;  // anybody has many of them: they take no room from the others
};

}  // namespace orggate::limit
