// Units of one counter that a worker holds, block by block, the oldest first, and those that
// lapsed and wait to be given back. Bounded, whatever the store answers.
// Pure: time is an argument.

#pragma once

#include "orggate/limit/meter.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace orggate::limit {

class LeaseBlocks {
public:
    using Time = std::chrono::steady_clock::time_point;

    struct Block {
        std::int64_t units = 0;
        std::int64_t slot = 0;  // the store's name for it
        Time deadline{};        // spent before it, or not at all
    };
    static constexpr std::size_t most_blocks = 64;
    static constexpr std::size_t most_refunds = 64;

    // What becomes of units nobody spends.
    enum class Unspent : std::uint8_t { given_back, dropped };

    // Each gives how many units were dropped for good: too many blocks, or never given back.
    [[nodiscard]] std::int64_t add(Block block, Unspent unspent);
    [[nodiscard]] std::int64_t lapse(Time now, Unspent unspent);
    [[nodiscard]] std::int64_t lapse_all(Unspent unspent);
    [[nodiscard]] std::int64_t owe(Refund refund);

    // All blocks, and what waits to be given back.
    [[nodiscard]] std::int64_t drop();

    // So many are held, none lapsed. Gives the oldest block spent from, with `weight` units.
    Block spend(std::int64_t weight);

    std::int64_t held() const { return held_; }
    // Held, and not lapsed at `now`.
    std::int64_t live(Time now) const;
    bool is_empty() const { return held_ == 0 && refunds_.empty(); }

    bool owes() const { return !refunds_.empty(); }
    // The oldest units to give back, which are then no longer kept here. None: 0 units.
    Refund take_refund();

private:
    std::int64_t unspent(const Block& block, Unspent unspent);

    std::vector<Block> blocks_;    // by deadline; all hold units
    std::vector<Refund> refunds_;  // one per slot, the oldest first
    std::int64_t held_ = 0;
};

}  // namespace orggate::limit
