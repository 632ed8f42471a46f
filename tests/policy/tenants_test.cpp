#include "orggate/policy/tenants.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace orggate;
using namespace std::chrono_literals;
using policy::Tenant;
using policy::Tenants;

namespace {

Instant at(std::chrono::system_clock::duration since_epoch)
{
    return {.wall = std::chrono::system_clock::time_point(since_epoch), .steady = {}};
}

}  // namespace

TEST_CASE("what is special about an organisation is found by its exact id")
{
    Tenant blocked;
    blocked.blocked = true;
    const Tenants tenants({{"org_1", blocked}});
    REQUIRE(tenants.find("org_1", at(0s)) != nullptr);
    CHECK(tenants.find("org_1", at(0s))->blocked);
    CHECK(tenants.find("org_2", at(0s)) == nullptr);
    CHECK(tenants.find("ORG_1", at(0s)) == nullptr);
    CHECK(tenants.find("", at(0s)) == nullptr);
    CHECK(Tenants().find("org_1", at(0s)) == nullptr);
}

TEST_CASE("an entry ends at its time, not after it")
{
    Tenant until;
    until.until = std::chrono::system_clock::time_point(100s);
    const Tenants tenants({{"org_1", until}});
    CHECK(tenants.find("org_1", at(100s - 1us)) != nullptr);
    CHECK(tenants.find("org_1", at(100s)) == nullptr);
    CHECK(tenants.find("org_1", at(101s)) == nullptr);
}

TEST_CASE("of several sources that name an organisation the last one holds, whole")
{
    Tenant blocked, free;
    blocked.blocked = true;
    free.bypass_all = true;
    const auto all =
        Tenants::merge({{{"org_1", blocked}, {"org_2", blocked}}, {}, {{"org_1", free}}});
    CHECK(all.size() == 2);
    CHECK_FALSE(all.find("org_1", at(0s))->blocked);
    CHECK(all.find("org_1", at(0s))->bypass_all);
    CHECK(all.find("org_2", at(0s))->blocked);
    CHECK(Tenants::merge({}).size() == 0);
}
