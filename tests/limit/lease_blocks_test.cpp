#include "limit/lease_blocks.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using orggate::limit::LeaseBlocks;
using Unspent = LeaseBlocks::Unspent;
using Block = LeaseBlocks::Block;

namespace {

constexpr LeaseBlocks::Time start{1h};

LeaseBlocks blocks_of(std::initializer_list<Block> blocks)
{
    LeaseBlocks made;
    for (const Block& block : blocks)
        CHECK(made.add(block, Unspent::given_back) == 0);
    return made;
}

}  // namespace

TEST_CASE("the block that lapses first is spent first, in whatever order the answers came")
{
    auto blocks = blocks_of({{2, 20, start + 2s}, {2, 10, start + 1s}, {2, 30, start + 3s}});
    for (const std::int64_t slot : {10, 10, 20, 20, 30, 30})
        CHECK(blocks.spend(1).slot == slot);
    CHECK(blocks.held() == 0);
    CHECK(blocks.is_empty());
}

TEST_CASE("a weight is spent over several blocks and named after the oldest")
{
    auto blocks = blocks_of({{2, 10, start + 1s}, {3, 20, start + 2s}, {4, 30, start + 3s}});
    const Block spent = blocks.spend(6);
    CHECK(spent.slot == 10);
    CHECK(spent.units == 6);
    CHECK((spent.deadline == start + 1s));
    CHECK(blocks.held() == 3);
    CHECK(blocks.spend(3).slot == 30);
    CHECK(blocks.is_empty());
}

TEST_CASE("units lapse at their deadline and not before, and are then owed to the store")
{
    auto blocks = blocks_of({{2, 10, start + 1s}, {3, 20, start + 2s}});
    CHECK(blocks.live(start + 1s - 1ns) == 5);
    CHECK(blocks.live(start + 1s) == 3);
    CHECK(blocks.lapse(start + 1s - 1ns, Unspent::given_back) == 0);
    CHECK(blocks.held() == 5);
    CHECK_FALSE(blocks.owes());
    CHECK(blocks.lapse(start + 1s, Unspent::given_back) == 0);
    CHECK(blocks.held() == 3);
    REQUIRE(blocks.owes());
    const auto refund = blocks.take_refund();
    CHECK(refund.units == 2);
    CHECK(refund.slot == 10);
    CHECK_FALSE(blocks.owes());
    CHECK(blocks.take_refund().units == 0);
}

TEST_CASE("units that are never given back are dropped and counted")
{
    auto blocks = blocks_of({{2, 10, start + 1s}, {3, 20, start + 2s}});
    CHECK(blocks.lapse(start + 1s, Unspent::dropped) == 2);
    CHECK(blocks.lapse_all(Unspent::dropped) == 3);
    CHECK(blocks.is_empty());
}

TEST_CASE("what is owed of one slot is given back at once, the oldest slot first")
{
    auto blocks =
        blocks_of({{1, 10, start + 1s}, {2, 20, start + 2s}, {4, 10, start + 3s}, {0, 40, start}});
    CHECK(blocks.lapse_all(Unspent::given_back) == 0);
    CHECK(blocks.held() == 0);
    auto refund = blocks.take_refund();
    CHECK(refund.slot == 10);
    CHECK(refund.units == 5);
    refund = blocks.take_refund();
    CHECK(refund.slot == 20);
    CHECK(refund.units == 2);
    CHECK(blocks.is_empty());
}

TEST_CASE("the number of blocks is bounded: the oldest is owed before its time")
{
    LeaseBlocks blocks;
    const auto most = static_cast<std::int64_t>(LeaseBlocks::most_blocks);
    for (std::int64_t i = 0; i < most; ++i)
        CHECK(blocks.add({1, i, start + std::chrono::seconds(i)}, Unspent::given_back) == 0);
    CHECK(blocks.held() == most);
    CHECK_FALSE(blocks.owes());
    CHECK(blocks.add({1, most, start + 1h}, Unspent::given_back) == 0);
    CHECK(blocks.held() == most);
    CHECK(blocks.take_refund().slot == 0);
    CHECK(blocks.add({1, most, start + 1h}, Unspent::dropped) == 1);
}

TEST_CASE("the number of slots owed is bounded: the oldest is dropped and counted")
{
    LeaseBlocks blocks;
    const auto most = static_cast<std::int64_t>(LeaseBlocks::most_refunds);
    for (std::int64_t i = 0; i < most; ++i)
        CHECK(blocks.owe({2, i}) == 0);
    CHECK(blocks.owe({7, most - 1}) == 0);
    CHECK(blocks.owe({1, most}) == 2);
    CHECK(blocks.take_refund().slot == 1);
}
