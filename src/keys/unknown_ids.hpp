// Key ids that a fresh key set did not have: answered at once for a while.
// Bounded; pure.

#pragma once

#include "orggate/token/key_set.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace orggate::keys {

inline constexpr std::size_t max_unknown_ids = 1024;
inline constexpr std::size_t max_key_id = 256;  // bytes; longer ones are never asked for

class UnknownIds {
public:
    using Time = std::chrono::steady_clock::time_point;

    // Known to be unknown for 30 s from `now`. When full, further ids are not
    // remembered until others have had their time.
    void add(std::string key_id, Time now);
    bool has(std::string_view key_id, Time now) const;
    // Those the set does have.
    void forget_those_in(const token::KeySet& keys);
    std::size_t size() const { return until_.size(); }

private:
    // Ordered: clients choose the ids, and could choose them to collide in a hash table.
    std::map<std::string, Time, std::less<>> until_;
};

}  // namespace orggate::keys
