#include "redis/fleet_advice.hpp"

#include <doctest/doctest.h>

using namespace orggate;
using namespace orggate::redis;

namespace {

std::string texts(std::string_view info, bool has_calendar)
{
    std::string all;
    for (const auto& advice : advice_on(info, has_calendar))
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
        bool has_calendar;
        std::string_view expected;  // empty: silence
    };
    const Row rows[] = {
        {"nothing known", "", true, ""},
        {"not permitted", "-NOPERM", true, ""},
        {"good",
            "maxmemory_policy:noeviction\r\naof_enabled:1\r\nrole:master\r\nconnected_slaves:1\r\n",
            true, ""},
        {"volatile", "maxmemory_policy:volatile-ttl\r\n", false, ""},
        {"lru", "# Memory\r\nmaxmemory_policy:allkeys-lru\r\n", false, "allkeys-lru"},
        {"lfu", "maxmemory_policy:allkeys-lfu", false, "allkeys-lfu"},
        {"a policy to come", "maxmemory_policy:allkeys-evil\x1b[2J", false, "allkeys-*"},
        {"no file, calendars", "aof_enabled:0\r\n", true, "appendonly yes"},
        {"no file, no calendars", "aof_enabled:0\r\n", false, ""},
        {"no replica", "role:master\r\nconnected_slaves:0\r\n", false, "no replica"},
        {"a replica itself", "role:slave\r\nconnected_slaves:0\r\n", false, ""},
        {"a name that begins so", "maxmemory_policy_x:allkeys-lru\r\n", false, ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto text = texts(row.info, row.has_calendar);
        if (row.expected.empty())
            CHECK(text == "");
        else
            CHECK(speaks_of(text, row.expected));
        CHECK_FALSE(speaks_of(text, "\x1b"));
    }
}
