// What the sources of the lease book share: one lease, and how all of them are found.

#pragma once

#include "limit/lease_blocks.hpp"
#include "limit/lease_demand.hpp"
#include "orggate/limit/lease.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace orggate::limit {

struct LeaseBook::Lease {
    std::string key;
    Terms terms;            // as last asked under
    std::size_t place = 0;  // in Leases::all

    LeaseDemand demand;
    bool is_leasing = false;
    LeaseBlocks blocks;
    std::int64_t block = 0;  // units of the last one
    int questions = 0;       // open ones
    bool has_asked = false;  // since the last sweep

    // The store's last answer.
    Decision seen;
    Time seen_at{};  // before its question went out

    bool has_seen() const { return seen_at != Time{}; }
    void choose_mode(Time now);

    // Nothing would be lost with it.
    bool is_idle(Time now) const
    {
        return questions == 0 && blocks.is_empty() && demand.last() + forgotten_after <= now;
    }
};

struct LeaseBook::Leases {
    struct Hash {
        HashKey key;
        std::size_t operator()(std::string_view bytes) const { return keyed_hash(key, bytes); }
    };

    Leases(HashKey key, std::size_t most) : by_key(0, Hash{key}), capacity(most) {}

    Lease* find(std::string_view key) const;
    // Null: full of leases in use.
    Lease* add(std::string_view key, Time now);
    // Going round; there is one.
    Lease& look_at_next();
    void forget(Lease& lease);

    std::unordered_map<std::string_view, std::unique_ptr<Lease>, Hash> by_key;  // the lease's own
    std::vector<Lease*> all;
    std::size_t next = 0;
    std::size_t capacity;
};

// A bucket refills while its units are out, as if they were spent: after a lifetime there is
// hardly anything to give back, and to give back more would mint units.
inline LeaseBlocks::Unspent fate_of_unspent(const Terms& terms)
{
    return terms.algorithm == Algorithm::bucket ? LeaseBlocks::Unspent::dropped
                                                : LeaseBlocks::Unspent::given_back;
}

}  // namespace orggate::limit
