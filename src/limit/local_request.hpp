// One request's checks, with the shards they lie in locked.

#pragma once

#include "limit/shard.hpp"

#include <array>
#include <vector>

namespace orggate::limit {

// In memory nothing is leased: the window has its plain length.
Terms local_terms(const Quota& quota, std::int64_t share);

struct LocalTable::Request {
    struct Place {
        Pool* pool = nullptr;
        std::uint64_t hash = 0;
        Counter* counter = nullptr;
        Terms terms;
        bool is_new = false;   // its counter is to be added, and there is room
        bool is_open = false;  // there is none, and it passes all the same
    };

    Request(LocalTable& table, std::span<const Check> checks, std::span<Decision> decisions,
        Instant at, std::int64_t share);
    ~Request();
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    bool all_enforced_fit();  // answers every check
    bool make_room();         // false: no room for what must be counted
    void charge_enforced();
    void charge_shadow();
    void charge_all_by_force();

private:
    void locate(std::int64_t share);
    bool is_missing(std::size_t index) const;
    std::size_t missing_in(const Pool* pool) const;
    std::size_t capacity_for(std::size_t index) const;
    bool reserve(std::size_t index);
    bool may_evict(std::size_t index) const;
    void gather_room(std::size_t index, std::size_t wanted);
    Counter* find_or_make(std::size_t index, std::size_t capacity);

    LocalTable& table_;
    const std::span<const Check> checks_;
    const std::span<Decision> decisions_;
    const Times now_;
    std::array<Place, 8> few_;
    std::vector<Place> many_;
    std::span<Place> places_;
    std::uint32_t locked_ = 0;  // one bit per shard
    bool all_known_ = true;     // no enforced check lacks its counter
};

}  // namespace orggate::limit
