#include "app/tenant_sources.hpp"

#include <doctest/doctest.h>

using namespace orggate;
using namespace orggate::app;

namespace {

policy::Tenant blocked(std::string reason = "")
{
    policy::Tenant tenant;
    tenant.blocked = true;
    tenant.reason = std::move(reason);
    return tenant;
}

policy::Tenant free_of_limits()
{
    policy::Tenant tenant;
    tenant.bypass_all = true;
    return tenant;
}

}  // namespace

TEST_CASE("a later source replaces what an earlier one says, and gives it back when it is silent")
{
    TenantSources sources;
    sources.set(TenantSource::config, {{"org_a", free_of_limits()}, {"org_b", free_of_limits()}});
    sources.set(TenantSource::file, {{"org_b", blocked()}, {"org_c", free_of_limits()}});
    sources.set(TenantSource::fleet, {{"org_c", blocked()}});
    auto all = sources.merged();
    CHECK(all.size() == 3);
    CHECK_FALSE(all.all().at("org_a").blocked);
    CHECK(all.all().at("org_b").blocked);
    CHECK_FALSE(all.all().at("org_b").bypass_all);
    CHECK(all.all().at("org_c").blocked);
    CHECK(sources.speaker("org_a") == TenantSource::config);
    CHECK(sources.speaker("org_b") == TenantSource::file);
    CHECK(sources.speaker("org_c") == TenantSource::fleet);

    sources.set(TenantSource::fleet, {});
    all = sources.merged();
    CHECK_FALSE(all.all().at("org_c").blocked);
    CHECK(all.size() == 3);
}

TEST_CASE("a difference counts what is new, other and gone")
{
    const TenantMap before{{"org_a", blocked()}, {"org_b", blocked()}, {"org_c", blocked()}};
    const TenantMap after{
        {"org_b", blocked("another reason")}, {"org_c", blocked()}, {"org_d", blocked()}};
    const auto change = difference(before, after);
    CHECK(change.added == 1);
    CHECK(change.changed == 1);
    CHECK(change.removed == 1);
    CHECK_FALSE(change.is_none());
    CHECK(difference(before, before).is_none());
}

TEST_CASE("the hash names a list, not the order in which it came")
{
    const TenantMap one{{"org_a", blocked()}, {"org_b", free_of_limits()}};
    TenantMap other;
    other.emplace("org_b", free_of_limits());
    other.emplace("org_a", blocked());
    CHECK(hash_of(one) == hash_of(other));
    CHECK(hash_of(one).size() == 16);
    CHECK(hash_of(one) != hash_of({{"org_a", blocked()}}));
    CHECK(hash_of(one) != hash_of({{"org_a", free_of_limits()}, {"org_b", blocked()}}));
    CHECK(hash_of({}) != hash_of(one));
}
