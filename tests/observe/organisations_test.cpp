#include "observe/organisations.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>

using namespace orggate::observe;

namespace {

const TopOrganisations::Entry* find(const TopOrganisations& top, std::string_view id)
{
    for (const auto& entry : top.entries())
        if (entry.id == id) return &entry;
    return nullptr;
}

}  // namespace

TEST_CASE("while there is room every organisation is counted exactly")
{
    TopOrganisations top(3);
    for (const char* id : {"a", "b", "a", "c", "a"})
        top.count(id, false);
    top.count("a", true);
    REQUIRE(top.entries().size() == 3);
    CHECK(find(top, "a")->allowed == 3);
    CHECK(find(top, "a")->refused == 1);
    CHECK(find(top, "b")->allowed == 1);
}

TEST_CASE("a newcomer takes the place of the least busy and is counted from then on")
{
    TopOrganisations top(2);
    for (const char* id : {"a", "a", "a", "b", "b"})
        top.count(id, false);
    top.count("c", true);
    REQUIRE(top.entries().size() == 2);
    CHECK(find(top, "a") != nullptr);
    CHECK(find(top, "b") == nullptr);
    REQUIRE(find(top, "c") != nullptr);
    CHECK(find(top, "c")->rank == 3);  // inherited: never below its true count
    CHECK(find(top, "c")->allowed == 0);
    CHECK(find(top, "c")->refused == 1);
}

TEST_CASE("a busy organisation is never lost among many quiet ones")
{
    TopOrganisations top(20);
    std::mt19937_64 random(11);
    std::uint64_t total = 0, busy = 0;
    for (int i = 0; i < 20'000; ++i) {
        const bool is_busy = random() % 10 == 0;  // well above one in twenty
        top.count(is_busy ? "busy" : "quiet_" + std::to_string(random() % 5000), false);
        ++total;
        busy += is_busy;
    }
    CHECK(top.entries().size() == 20);
    REQUIRE(find(top, "busy") != nullptr);
    CHECK(find(top, "busy")->rank >= busy);
    CHECK(find(top, "busy")->rank <= busy + total / 20);
    CHECK(find(top, "busy")->allowed <= busy);
}

TEST_CASE("no room counts nobody")
{
    TopOrganisations top(0);
    top.count("a", false);
    CHECK(top.entries().empty());
}

TEST_CASE("labels are the FNV-1a hash as published")
{
    CHECK(stable_hash("") == 0xcbf29ce484222325);
    CHECK(stable_hash("a") == 0xaf63dc4c8601ec8c);
    CHECK(stable_hash("foobar") == 0x85944171f73967e8);
}
