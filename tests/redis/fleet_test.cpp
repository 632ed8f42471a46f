// Two processes of a fleet over one real server.

#include "orggate/redis/fleet.hpp"

#include "redis/fleet_addresses.hpp"
#include "redis/fleet_scripts.hpp"
#include "redis/store_rig.hpp"
#include "support/redis_server.hpp"

#include <boost/asio/detached.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <csignal>
#include <optional>

using namespace orggate;
using namespace orggate::redis;
using Kind = config::Redis::Topology;

namespace {

// Whole rounds are 500 ms; what is in force within 1 s is looked at for longer, so that a
// loaded machine does not fail a test, and measured where the promise is tested.
constexpr Milliseconds promised{1'000};

std::atomic<std::int64_t> later_by{0};  // milliseconds that a member's clock is ahead

Instant shifted_clock()
{
    return {std::chrono::system_clock::now(),
        std::chrono::steady_clock::now() + Milliseconds(later_by.load())};
}

Settings settings_for(std::uint16_t port)
{
    auto settings = test::StoreRig::settings_for(Kind::single, {port});
    settings.redis.name_space = "og";
    settings.scripts = fleet_scripts();
    return settings;
}

struct Member {
    explicit Member(std::uint16_t port, std::string name, int workers = 2, int least = 1)
        : settings(settings_for(port)), rig(settings)
    {
        settings.redis.fleet = least;
        fleet.emplace(FleetParts{.executor = rig.io.get_executor(),
            .store = rig.store,
            .view = view,
            .redis = settings.redis,
            .member = std::move(name),
            .workers = workers,
            .clock = &shifted_clock,
            .log = rig.log,
            .tenants_changed = [this](TenantTexts texts) {
                tenants = std::move(texts);
                ++changes;
            }});
        boost::asio::co_spawn(rig.io, fleet->run(), boost::asio::detached);
    }
    ~Member()
    {
        fleet->stop();
        rig.run_for(Milliseconds{20});
    }

    template <class Step>
    Fleet::Told told(Step step)
    {
        std::optional<Fleet::Told> answer;
        boost::asio::co_spawn(
            rig.io, step(), [&](std::exception_ptr, Fleet::Told told) { answer = told; });
        REQUIRE(rig.until([&] { return answer.has_value(); }));
        return *answer;
    }

    Settings settings;
    FleetView view;
    test::StoreRig rig;
    std::optional<Fleet> fleet;
    TenantTexts tenants;
    int changes = 0;
};

// Both loops run until the condition holds.
template <class Condition>
Milliseconds both_until(Member& one, Member& other, Condition condition)
{
    const auto begun = std::chrono::steady_clock::now();
    const auto end = begun + std::chrono::seconds(20);
    while (!condition() && std::chrono::steady_clock::now() < end) {
        one.rig.run_for(Milliseconds{2});
        other.rig.run_for(Milliseconds{2});
    }
    CHECK(condition());
    return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - begun);
}

}  // namespace

TEST_CASE("processes learn how many they are, keep the last count and never go below the least")
{
    test::RedisServer server;
    Member one(server.port(), "one", 2);
    REQUIRE(one.rig.until([&] { return one.fleet->is_up(); }));
    std::optional<Member> other(std::in_place, server.port(), "other", 3, 2);
    CHECK(other->view.processes == 2);
    both_until(one, *other, [&] {
        return one.view.processes == 2 && one.view.workers == 5 && other->view.workers == 5;
    });

    // Redis goes away: what was learned stays.
    server.signal(SIGSTOP);
    REQUIRE(one.rig.wait_until_down());
    one.rig.run_for(Milliseconds{20});
    CHECK(one.view.processes == 2);
    CHECK(one.view.workers == 5);
    server.signal(SIGCONT);
    REQUIRE(one.rig.wait_until_up());

    // Who says goodbye is missed within a second.
    REQUIRE(other->rig.wait_until_up());
    other.reset();
    REQUIRE(one.rig.until([&] { return one.view.processes == 1 && one.view.workers == 2; }));
}

TEST_CASE("a process that falls silent is not counted any more")
{
    test::RedisServer server;
    const FleetKeys keys("og");
    Member one(server.port(), "one");
    // One that will never speak again, its last word nearly too old.
    const auto seconds = server.list({"TIME"}).front();
    server.text({"ZADD", keys.members, seconds + "000", "silent:4"});
    REQUIRE(one.rig.until([&] { return one.view.processes == 2; }));
    server.text(
        {"ZADD", keys.members, std::to_string(std::stoll(seconds) * 1000 - 15'000), "silent:4"});
    // The next presence is due in five seconds of this process's clock.
    later_by = 5'000;
    REQUIRE(one.rig.until([&] { return one.view.processes == 1; }));
    later_by = 0;
}

TEST_CASE("a tenant that one process sets is known to the other within a second")
{
    test::RedisServer server;
    Member one(server.port(), "one");
    Member other(server.port(), "other");
    both_until(one, other, [&] { return one.view.processes == 2 && other.view.processes == 2; });
    CHECK(one.changes == 0);

    CHECK(one.told([&] { return one.fleet->set_tenant("org_a", "{ blocked: true }"); }) ==
          Fleet::Told::done);
    const TenantTexts expected{{"org_a", "{ blocked: true }"}};
    CHECK(both_until(one, other,
              [&] { return one.tenants == expected && other.tenants == expected; }) < promised);

    CHECK(other.told([&] { return other.fleet->clear_tenant("org_a"); }) == Fleet::Told::done);
    CHECK(both_until(one, other, [&] { return one.tenants.empty() && other.tenants.empty(); }) <
          promised);
    CHECK(other.told([&] { return other.fleet->clear_tenant("org_a"); }) == Fleet::Told::nothing);
    CHECK(one.changes == 2);
}

TEST_CASE("a reset deletes the counters and raises the generation everywhere")
{
    test::RedisServer server;
    Member one(server.port(), "one");
    Member other(server.port(), "other");
    both_until(one, other, [&] { return one.fleet->is_up() && other.view.processes == 2; });
    server.text({"SET", "og:w1:{org_a}:api", "x"});
    server.text({"SET", "og:w1:{org_b}:api", "x"});
    server.text({"SET", "og:w1:{org_c}:api", "x"});
    CHECK(one.view.generation == 0);
    const std::vector<std::string> keys{"og:w1:{org_a}:api", "og:w1:{org_b}:api"};
    CHECK(one.told([&] { return one.fleet->reset(keys); }) == Fleet::Told::done);
    CHECK(server.text({"EXISTS", keys[0], keys[1]}) == "0");
    CHECK(server.text({"EXISTS", "og:w1:{org_c}:api"}) == "1");
    CHECK(both_until(one, other, [&] {
        return one.view.generation != 0 && other.view.generation == one.view.generation;
    }) < promised);
}

TEST_CASE("while Redis is away changes are refused, tenants stay, and nothing waits for it")
{
    test::RedisServer server;
    Member one(server.port(), "one");
    REQUIRE(one.rig.wait_until_up());
    CHECK(one.told([&] { return one.fleet->set_tenant("org_a", "{ blocked: true }"); }) ==
          Fleet::Told::done);
    REQUIRE(one.rig.until([&] { return one.tenants.size() == 1; }));
    server.end();
    REQUIRE(one.rig.wait_until_down());
    CHECK(
        one.told([&] { return one.fleet->set_tenant("org_b", "{}"); }) == Fleet::Told::unavailable);
    CHECK(one.told([&] { return one.fleet->reset({"og:w1:{org_a}:api"}); }) ==
          Fleet::Told::unavailable);
    CHECK(one.tenants.size() == 1);

    // It comes back empty: what operators said stays, here and there.
    const FleetKeys keys("og");
    const auto generation = one.view.generation.load();
    server.start();
    REQUIRE(one.rig.until([&] {
        return server.text({"HGET", keys.tenants, "org_a"}) == "{ blocked: true }";
    }));
    CHECK(one.tenants.size() == 1);
    CHECK(one.changes == 1);
    // Refusals that were known are none any more: the counters are gone.
    CHECK(one.view.generation != generation);
    // A loss is told once, and a change is possible at once.
    const auto after = one.view.generation.load();
    CHECK(one.told([&] { return one.fleet->clear_tenant("org_a"); }) == Fleet::Told::done);
    REQUIRE(one.rig.until([&] { return one.tenants.empty(); }));
    CHECK(one.view.generation == after);
}

TEST_CASE("what Redis lost is written back by whoever is first, and all drop what they refused")
{
    test::RedisServer server;
    const FleetKeys keys("og");
    Member one(server.port(), "one");
    Member other(server.port(), "other");
    both_until(one, other, [&] { return one.view.processes == 2 && other.view.processes == 2; });
    const std::string text = "{ blocked: true }";
    const TenantTexts expected{{"org_a", text}};
    one.told([&] { return one.fleet->set_tenant("org_a", text); });
    both_until(one, other, [&] { return one.tenants == expected && other.tenants == expected; });
    const auto version = server.text({"GET", keys.tenants_version});
    const auto generation = one.view.generation.load();
    REQUIRE(other.view.generation == generation);

    server.text({"FLUSHALL"});
    both_until(one, other, [&] {
        return server.text({"HGET", keys.tenants, "org_a"}) == text &&
               one.view.generation != generation && other.view.generation != generation;
    });
    CHECK(server.text({"GET", keys.tenants_version}) == version);
    CHECK(one.tenants == expected);
    CHECK(other.tenants == expected);
    CHECK(one.changes + other.changes == 2);

    // A change right behind a loss does not make the list its own alone.
    server.text({"FLUSHALL"});
    CHECK(one.told([&] { return one.fleet->set_tenant("org_b", "{}"); }) == Fleet::Told::done);
    both_until(one, other, [&] { return one.tenants.size() == 2 && other.tenants.size() == 2; });

    // One that is cleared of its last stays so.
    one.told([&] { return one.fleet->clear_tenant("org_a"); });
    one.told([&] { return one.fleet->clear_tenant("org_b"); });
    both_until(one, other, [&] { return one.tenants.empty() && other.tenants.empty(); });
    one.rig.run_for(Milliseconds{700});
    CHECK(server.text({"EXISTS", keys.tenants}) == "0");
}

TEST_CASE("a restart with an older snapshot does not bring back what was before")
{
    test::RedisServer server;
    const FleetKeys keys("og");
    Member one(server.port(), "one");
    REQUIRE(one.rig.wait_until_up());
    one.told([&] { return one.fleet->set_tenant("org_a", "{}"); });
    const auto snapshot = server.text({"GET", keys.tenants_version});
    one.told([&] { return one.fleet->set_tenant("org_b", "{ blocked: true }"); });
    REQUIRE(one.rig.until([&] { return one.tenants.size() == 2; }));
    server.text({"HDEL", keys.tenants, "org_b"});
    server.text({"SET", keys.tenants_version, snapshot});
    REQUIRE(one.rig.until([&] { return server.text({"HEXISTS", keys.tenants, "org_b"}) == "1"; }));
    CHECK(one.tenants.size() == 2);
}

TEST_CASE("what Redis forbids is told apart from its absence")
{
    test::RedisServer server;
    Member one(server.port(), "one");
    REQUIRE(one.rig.wait_until_up());
    server.text({"ACL", "SETUSER", "default", "-del", "-hset"});
    CHECK(one.told([&] { return one.fleet->reset({"og:w1:{org_a}:api"}); }) ==
          Fleet::Told::forbidden);
    server.text({"ACL", "SETUSER", "default", "+@all"});
}

TEST_CASE("what somebody else left in our keys is not taken, and what was known stays")
{
    test::RedisServer server;
    const FleetKeys keys("og");
    Member one(server.port(), "one");
    REQUIRE(one.rig.wait_until_up());
    CHECK(one.told([&] { return one.fleet->set_tenant("org_a", "{}"); }) == Fleet::Told::done);
    REQUIRE(one.rig.until([&] { return one.tenants.size() == 1; }));
    // More text than may be, behind a new stamp.
    server.text({"HSET", keys.tenants, "org_b", std::string(600'000, 'x')});
    server.text({"SET", keys.tenants_version, "4000000000000001"});
    one.rig.run_for(Milliseconds{1'200});
    CHECK(one.tenants.size() == 1);
    CHECK(one.fleet->is_up());
    server.text({"HDEL", keys.tenants, "org_b"});
    server.text({"HSET", keys.tenants, "org_c", "{}"});
    server.text({"SET", keys.tenants_version, "4000000000000002"});
    REQUIRE(one.rig.until([&] { return one.tenants.size() == 2; }));
}

TEST_CASE("a name's addresses are counted, none where it has none")
{
    boost::asio::io_context io(1);
    const auto count = [&](std::string name) {
        std::int64_t found = -1;
        boost::asio::co_spawn(io,
            count_addresses(std::move(name), io.get_executor(), Milliseconds{5'000}),
            [&](std::exception_ptr, std::int64_t number) { found = number; });
        io.restart();
        io.run();
        return found;
    };
    CHECK(count("127.0.0.1:80") == 1);
    CHECK(count("localhost:80") == 1);  // of each family
    CHECK(count("127.0.0.1:no-port") == 0);
}
