#include "redis/fleet_count.hpp"

#include <doctest/doctest.h>

using namespace orggate;
using namespace orggate::redis;

namespace {

using Source = FleetCount::Source;

FleetCount::Time at(std::int64_t milliseconds)
{
    return FleetCount::Time(Milliseconds(milliseconds));
}

Pulse presence(std::int64_t processes, std::int64_t workers)
{
    return {.processes = processes, .workers = workers, .tenants_version = {}};
}

Pulse look(std::int64_t processes)
{
    return {.processes = processes, .workers = {}, .tenants_version = {}};
}

}  // namespace

TEST_CASE("before anything is heard the configured size counts, never less than one")
{
    CHECK(FleetCount(1, 4, Source::presence).processes() == 1);
    CHECK(FleetCount(7, 4, Source::presence).processes() == 7);
    CHECK(FleetCount(0, 0, Source::presence).processes() == 1);
    CHECK(FleetCount(1, 4, Source::presence).workers() == 4);
    CHECK(FleetCount(1, 0, Source::presence).workers() == 1);
}

TEST_CASE("presence is told every five seconds, and again at once where it was not answered")
{
    FleetCount count(1, 2, Source::presence);
    CHECK(count.presence_due(at(0)));
    CHECK(count.presence_due(at(500)));  // no answer yet
    count.heard(presence(3, 6), at(500));
    CHECK_FALSE(count.presence_due(at(501)));
    CHECK_FALSE(count.presence_due(at(5'499)));
    CHECK(count.presence_due(at(5'500)));
}

TEST_CASE("who has come or gone is counted at once")
{
    FleetCount count(1, 2, Source::presence);
    count.heard(presence(3, 6), at(0));
    count.heard(look(3), at(500));
    CHECK_FALSE(count.presence_due(at(500)));
    count.heard(look(4), at(1'000));
    CHECK(count.presence_due(at(1'000)));
    CHECK(count.processes() == 3);
    count.heard(presence(4, 8), at(1'001));
    CHECK_FALSE(count.presence_due(at(1'002)));
    CHECK(count.processes() == 4);
    CHECK(count.workers() == 8);
}

TEST_CASE("the fleet is never smaller than configured or than this process")
{
    FleetCount count(5, 4, Source::presence);
    count.heard(presence(2, 3), at(0));
    CHECK(count.processes() == 5);
    CHECK(count.workers() == 4);
    count.heard(presence(6, 24), at(1));
    CHECK(count.processes() == 6);
    CHECK(count.workers() == 24);
}

TEST_CASE("a name's addresses count instead of presence, and the last count is kept")
{
    FleetCount count(1, 4, Source::dns);
    count.heard(presence(9, 36), at(0));
    CHECK(count.processes() == 1);
    CHECK(count.workers() == 36);
    count.resolved(3);
    CHECK(count.processes() == 3);
    count.resolved(0);  // no answer
    CHECK(count.processes() == 3);
    count.resolved(2);
    CHECK(count.processes() == 2);
}
