#include "redis/fleet_advice.hpp"

#include <doctest/doctest.h>

using namespace orggate;
using namespace orggate::redis;

namespace {

std::string texts(std::string_view info, Matters matters)
{
    std::string all;
    for (const auto& advice : advice_on(info, matters))
        all.append(advice.text).append("\n");
    return all;
}

bool speaks_of(const std::string& text, std::string_view word)
{
    return text.find(word) != text.npos;
}

}  // namespace

TEST_CASE("advice is given on what INFO says and on nothing else")
{
    struct Row {
        std::string_view name, info;
        Matters matters;
        std::string_view expected;  // empty: silence
    };
    const Row rows[] = {
        {"nothing known", "", {.calendar = true}, ""},
        {"not permitted", "-NOPERM", {.calendar = true}, ""},
        {"good",
            "maxmemory_policy:noeviction\r\naof_enabled:1\r\nrole:master\r\nconnected_slaves:1\r\n",
            {.calendar = true}, ""},
        {"volatile", "maxmemory_policy:volatile-ttl\r\n", {}, ""},
        {"lru", "# Memory\r\nmaxmemory_policy:allkeys-lru\r\n", {}, "allkeys-lru"},
        {"lfu", "maxmemory_policy:allkeys-lfu", {}, "allkeys-lfu"},
        {"a policy to come", "maxmemory_policy:allkeys-evil\x1b[2J", {}, "allkeys-*"},
        {"no file, calendars", "aof_enabled:0\r\n", {.calendar = true}, "appendonly yes"},
        {"no file, no calendars", "aof_enabled:0\r\n", {}, ""},
        {"no file, tenants", "aof_enabled:0\r\n", {.tenants = true}, "the fleet's tenants"},
        {"a file, tenants", "aof_enabled:1\r\n", {.tenants = true}, ""},
        {"no file, both", "aof_enabled:0\r\n", {.calendar = true, .tenants = true}, "of the day"},
        {"no replica", "role:master\r\nconnected_slaves:0\r\n", {}, "no replica"},
        {"a replica itself", "role:slave\r\nconnected_slaves:0\r\n", {}, ""},
        {"a name that begins so", "maxmemory_policy_x:allkeys-lru\r\n", {}, ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto text = texts(row.info, row.matters);
        if (row.expected.empty())
            CHECK(text == "");
        else
            CHECK(speaks_of(text, row.expected));
        CHECK_FALSE(speaks_of(text, "\x1b"));
    }
}
