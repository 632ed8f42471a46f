#include "redis/fleet_memory.hpp"

#include <doctest/doctest.h>

using namespace orggate;
using namespace orggate::redis;

namespace {

using Loss = FleetMemory::Loss;

Pulse presence(std::string version, std::uint64_t generation, bool is_new)
{
    return {.processes = 1,
        .workers = 1,
        .tenants_version = std::move(version),
        .generation = generation,
        .is_new = is_new};
}

}  // namespace

TEST_CASE("stamps are compared as numbers, and what is none is older than all")
{
    CHECK(is_older("", "1"));
    CHECK(is_older("9", "10"));
    CHECK(is_older("x", "1"));
    CHECK(is_older("1x", "1"));
    CHECK_FALSE(is_older("10", "10"));
    CHECK_FALSE(is_older("10", "9"));
    CHECK_FALSE(is_older("", ""));
    CHECK_FALSE(is_older("1", "x"));
    CHECK_FALSE(is_older("1", "99999999999999999999"));  // no number of ours
}

TEST_CASE("changes are no losses")
{
    FleetMemory memory;
    CHECK(memory.heard(presence("", 0, true)) == Loss::none);
    CHECK(memory.heard(presence("5", 0, false)) == Loss::none);
    CHECK(memory.heard(presence("6", 7, false)) == Loss::none);
    CHECK(memory.generation() == 7);
    CHECK(memory.heard(presence("6", 7, false)) == Loss::none);
    CHECK(memory.generation() == 7);
}

TEST_CASE("what was there and is gone is a loss, told once, and changes the generation")
{
    struct Row {
        std::string name;
        Pulse pulse;
        Loss expected;
    };
    const Row rows[] = {
        {"all", presence("", 0, true), Loss::stamps},
        {"the tenants", presence("", 7, false), Loss::stamps},
        {"the last change of tenants", presence("5", 7, false), Loss::stamps},
        {"the resets", presence("6", 0, false), Loss::stamps},
        {"our presence", presence("6", 7, true), Loss::presence},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        FleetMemory memory;
        memory.heard(presence("6", 7, true));
        const auto before = memory.generation();
        CHECK(memory.heard(row.pulse) == row.expected);
        const auto after = memory.generation();
        CHECK(after != before);
        auto again = row.pulse;
        again.is_new = false;
        CHECK(memory.heard(again) == Loss::none);
        CHECK(memory.generation() == after);
    }
}

TEST_CASE("a presence that is new after a loss already told is the same loss")
{
    FleetMemory memory;
    memory.heard(presence("5", 0, true));
    Pulse between = presence("", 0, false);
    between.workers.reset();  // a round that does not say that we are there
    CHECK(memory.heard(between) == Loss::stamps);
    const auto told = memory.generation();
    CHECK(memory.heard(presence("5", 0, true)) == Loss::none);
    CHECK(memory.generation() == told);
    // The next one is a loss of its own.
    CHECK(memory.heard(presence("5", 0, true)) == Loss::presence);
}
