#include "redis/limiter_rig.hpp"

#include <csignal>

using namespace orggate;
using namespace orggate::test;
using limit::By;
using limit::Check;
using limit::OnError;

namespace {

const limit::Quota ten{10, Seconds{60}, "ten"};
const limit::Quota hundred{100, Seconds{60}, "hundred"};
const limit::Quota two{2, Seconds{60}, "two"};

// How many of `tries` questions pass, one after the other.
Awaitable<int> passing(LimiterRig& rig, Check check, int tries)
{
    int passed = 0;
    for (int i = 0; i < tries; ++i) {
        const std::vector<Check> checks(1, check);
        const Asked asked = co_await ask(rig, checks);
        passed += asked.passed();
    }
    co_return passed;
}

}  // namespace

TEST_CASE("two workers together admit exactly the quota")
{
    const RedisServer server;
    Loop loop;
    LimiterRig first(loop, server), second(loop, server);
    int passed = 0, running = 40;
    auto client = [&](LimiterRig& rig) -> Awaitable<void> {
        co_await rig.ready();
        passed += co_await passing(rig, check_of(hundred), 10);
        if (--running == 0) {
            first.stop();
            second.stop();
        }
    };
    for (int i = 0; i < 20; ++i) {
        loop.spawn(client(first));
        loop.spawn(client(second));
    }
    loop.run();
    CHECK(passed == 100);
}

TEST_CASE("several limits are charged together or not at all, with Redis as in memory")
{
    const RedisServer server;
    Loop loop;
    LimiterRig rig(loop, server);
    auto story = [&]() -> Awaitable<void> {
        co_await rig.ready();
        const std::vector<Check> both{check_of(ten), check_of(two)};
        for (int i = 0; i < 5; ++i) {
            const Asked asked = co_await ask(rig, both);
            CHECK(asked.passed() == (i < 2));
        }
        const std::vector<Check> one{check_of(ten)};
        const Asked asked = co_await ask(rig, one);
        CHECK(asked.decisions[0].remaining == 7);
        CHECK(asked.decisions[0].store_clock > Microseconds{0});
        rig.stop();
    };
    loop.run(story());
}

TEST_CASE("a refusal that still holds costs no command")
{
    const RedisServer server;
    Loop loop;
    LimiterRig rig(loop, server);
    auto story = [&]() -> Awaitable<void> {
        co_await rig.ready();
        CHECK(co_await passing(rig, check_of(two), 3) == 2);
        const auto before = rig.counters.store.commands.value();
        CHECK(co_await passing(rig, check_of(two), 50) == 0);
        CHECK(rig.counters.store.commands.value() == before);
        CHECK(rig.counters.store.deny_cache_hits.value() == 50);
        const std::vector<Check> one{check_of(two)};
        const Asked asked = co_await ask(rig, one);
        CHECK(asked.decisions[0].by == By::deny_cache);
        CHECK(asked.decisions[0].wait > Seconds{50});

        SUBCASE("until the fleet's generation changes")
        {
            rig.fleet.generation = 1;
        }
        SUBCASE("but another organisation's is its own")
        {
            CHECK(co_await passing(rig, check_of(two, "org_two"), 3) == 2);
            rig.fleet.generation = 7;
        }
        server.text({"FLUSHALL"});
        CHECK(co_await passing(rig, check_of(two), 3) == 2);
        rig.stop();
    };
    loop.run(story());
}

TEST_CASE("while Redis is away each limit's on_error decides, and nobody waits")
{
    struct Row {
        const char* name;
        OnError on_error;
        bool enforced;
        int processes;
        int passed;  // of 20, by a quota of 10
        By by;
    };
    const Row rows[] = {
        {"local: the whole quota for one process", OnError::local, true, 1, 10, By::fallback},
        {"local: its part of the fleet's", OnError::local, true, 3, 3, By::fallback},
        {"local: never less than one", OnError::local, true, 50, 1, By::fallback},
        {"open", OnError::open, true, 1, 20, By::open},
        {"closed", OnError::closed, true, 1, 0, By::counter},
        {"closed in shadow refuses nobody", OnError::closed, false, 1, 20, By::fallback},
    };
    RedisServer server;
    server.end();
    for (const auto& row : rows) {
        CAPTURE(row.name);
        Loop loop;
        LimiterRig rig(loop, server);
        rig.fleet.processes = row.processes;
        auto story = [&]() -> Awaitable<void> {
            auto check = check_of(ten);
            check.on_error = row.on_error;
            check.enforced = row.enforced;
            const std::vector<Check> one(1, check);
            const Asked asked = co_await ask(rig, one);
            CHECK(asked.taken.has_value() == (row.on_error != OnError::closed || !row.enforced));
            if (asked.taken.has_value()) CHECK(asked.decisions[0].by == row.by);
            CHECK(co_await passing(rig, check, 19) + asked.passed() == row.passed);
            CHECK(rig.counters.store.commands.value() == 0);
            rig.stop();
        };
        loop.run(story());
    }
}

TEST_CASE("one closed limit refuses the whole request, and nothing is charged")
{
    RedisServer server;
    server.end();
    Loop loop;
    LimiterRig rig(loop, server);
    auto story = [&]() -> Awaitable<void> {
        auto closed = check_of(ten);
        closed.on_error = OnError::closed;
        const std::vector<Check> both{check_of(two), closed};
        for (int i = 0; i < 5; ++i) {
            const Asked asked = co_await ask(rig, both);
            REQUIRE(asked.taken.has_error());
            const bool is_unavailable = asked.taken.error() == Denial::limiter_unavailable;
            CHECK(is_unavailable);
        }
        CHECK(co_await passing(rig, check_of(two), 3) == 2);
        rig.stop();
    };
    loop.run(story());
}

TEST_CASE("the fallback knows what this process admitted before, and Redis is asked again later")
{
    RedisServer server;
    Loop loop;
    LimiterRig rig(loop, server);
    auto story = [&]() -> Awaitable<void> {
        co_await rig.ready();
        CHECK(co_await passing(rig, check_of(ten), 6) == 6);
        server.end();
        auto is_down = [&] { return !rig.store.is_up(0); };
        std::function<bool()> what = is_down;
        co_await until(loop, what);
        CHECK(co_await passing(rig, check_of(ten), 10) == 4);
        server.start();
        co_await rig.ready();
        // Redis came back empty.
        CHECK(co_await passing(rig, check_of(ten), 12) == 10);
        rig.stop();
    };
    loop.run(story());
}

TEST_CASE("a Redis that stands still holds up no request past its deadline")
{
    RedisServer server;
    Loop loop;
    LimiterRig rig(loop, server, Milliseconds{25});
    auto story = [&]() -> Awaitable<void> {
        co_await rig.ready();
        server.signal(SIGSTOP);
        // The first ones meet the deadline, the breaker spares the rest.
        CHECK(co_await passing(rig, check_of(hundred), 150) == 100);
        CHECK(rig.counters.store.timeouts.value() >= 1);
        CHECK(rig.counters.store.timeouts.value() <= 6);
        CHECK(rig.counters.store.breaker_opened.value() + rig.counters.store.lost.value() >= 1);
        server.signal(SIGCONT);
        co_await rig.ready();
        CHECK(co_await passing(rig, check_of(ten, "org_two"), 12) == 10);
        rig.stop();
    };
    loop.run(story());
}

TEST_CASE("permits are shared by the fleet and come back when released")
{
    const RedisServer server;
    Loop loop;
    LimiterRig first(loop, server), second(loop, server);
    limit::Quota three{3, Microseconds{0}, "three", limit::Algorithm::concurrent};
    auto story = [&]() -> Awaitable<void> {
        co_await first.ready();
        co_await second.ready();
        const std::vector<Check> one{check_of(three)};
        std::vector<Asked> held;
        for (int i = 0; i < 5; ++i) {
            Asked asked = co_await ask(i % 2 ? first : second, one);
            CHECK(asked.passed() == (i < 3));
            if (asked.passed()) CHECK(asked.decisions[0].holds_permit);
            if (asked.passed()) held.push_back(std::move(asked));
        }
        REQUIRE(held.size() == 3);
        first.limiter->release(held[1].checks, held[1].decisions, real_clock());
        // The word and the next question are on one connection, in this order.
        Asked again = co_await ask(first, one);
        CHECK(again.passed());
        Asked too_many = co_await ask(first, one);
        CHECK_FALSE(too_many.passed());
        first.limiter->release(again.checks, again.decisions, real_clock());
        second.limiter->release(held[0].checks, held[0].decisions, real_clock());
        second.limiter->release(held[2].checks, held[2].decisions, real_clock());
        // A later question on the same connection: what came before it has arrived.
        const std::vector<Check> other{check_of(ten)};
        co_await ask(second, other);
        co_await ask(first, other);
        for (int i = 0; i < 4; ++i) {
            const Asked asked = co_await ask(second, one);
            CHECK(asked.passed() == (i < 3));
        }
        first.stop();
        second.stop();
    };
    loop.run(story());
}

TEST_CASE("a permit goes back when another limit refuses the request")
{
    const RedisServer server;
    Loop loop;
    LimiterRig rig(loop, server);
    limit::Quota one_at_once{1, Microseconds{0}, "single", limit::Algorithm::concurrent};
    auto story = [&]() -> Awaitable<void> {
        co_await rig.ready();
        CHECK(co_await passing(rig, check_of(two), 2) == 2);
        const std::vector<Check> both{check_of(one_at_once), check_of(two)};
        const Asked refused = co_await ask(rig, both);
        CHECK_FALSE(refused.passed());
        CHECK_FALSE(refused.decisions[0].holds_permit);
        const std::vector<Check> alone{check_of(one_at_once)};
        const Asked asked = co_await ask(rig, alone);
        CHECK(asked.passed());
        rig.stop();
    };
    loop.run(story());
}

TEST_CASE("leased units are spent without a command, and never more than the quota")
{
    const RedisServer server;
    Loop loop;
    LimiterRig first(loop, server), second(loop, server);
    limit::Quota leased{2000, Seconds{60}, "leased"};
    leased.lease = Seconds{1};
    int passed = 0, running = 16;
    auto client = [&](LimiterRig& rig) -> Awaitable<void> {
        co_await rig.ready();
        passed += co_await passing(rig, check_of(leased), 500);
        if (--running == 0) {
            first.stop();
            second.stop();
        }
    };
    first.fleet.workers = second.fleet.workers = 2;
    for (int i = 0; i < 8; ++i) {
        loop.spawn(client(first));
        loop.spawn(client(second));
    }
    loop.run();
    CHECK(passed <= 2000);
    CHECK(passed >= 1900);
    const auto commands =
        first.counters.store.commands.value() + second.counters.store.commands.value();
    CHECK(commands < 1000);
    // Who waited in vain asked for one unit alone.
    const auto spent =
        first.counters.store.lease_spent.value() + second.counters.store.lease_spent.value();
    CHECK(spent <= static_cast<std::uint64_t>(passed));
    CHECK(spent >= static_cast<std::uint64_t>(passed) / 2);
}

TEST_CASE("a raised limit is in force at once, whatever was refused before")
{
    const RedisServer server;
    Loop loop;
    LimiterRig rig(loop, server);
    limit::Quota raised = two;
    raised.units = 5;
    auto story = [&]() -> Awaitable<void> {
        co_await rig.ready();
        CHECK(co_await passing(rig, check_of(two), 3) == 2);
        CHECK(co_await passing(rig, check_of(raised), 5) == 3);
        CHECK(co_await passing(rig, check_of(two), 1) == 0);
        rig.stop();
    };
    loop.run(story());
}

TEST_CASE("of very many new addresses at once not all become keys, and none is refused for it")
{
    const RedisServer server;
    Loop loop;
    LimiterRig rig(loop, server);
    constexpr int addresses = 3000;
    auto story = [&]() -> Awaitable<void> {
        co_await rig.ready();
        int passed = 0;
        for (int i = 0; i < addresses; ++i) {
            const auto address = "2001:db8:" + std::to_string(i) + "::/64";
            auto check = check_of(two, address);
            check.per = limit::Per::ip;
            check.on_error = i % 2 ? OnError::closed : OnError::local;
            passed += co_await passing(rig, check, 1);
        }
        CHECK(passed == addresses);
        CHECK(server.integers({"DBSIZE"})[0] >= 500);
        CHECK(server.integers({"DBSIZE"})[0] < addresses);
        // Who is known already is asked for in Redis, and held to the limit.
        auto known = check_of(two, "2001:db8:0::/64");
        known.per = limit::Per::ip;
        CHECK(co_await passing(rig, known, 3) == 1);
        rig.stop();
    };
    loop.run(story());
}

TEST_CASE("requests that wait for a lease in vain ask for themselves, and are never counted alone")
{
    const RedisServer server;
    Loop loop;
    LimiterRig rig(loop, server);
    limit::Quota leased{1000, Seconds{60}, "leased"};
    leased.lease = Seconds{1};
    const limit::Quota single{1, Microseconds{0}, "single", limit::Algorithm::concurrent};
    int passed = 0, alone = 0, running = 60;
    auto client = [&]() -> Awaitable<void> {
        co_await rig.ready();
        const std::vector<Check> both{check_of(leased), check_of(single)};
        for (int i = 0; i < 5; ++i) {
            const Asked asked = co_await ask(rig, both);
            passed += asked.passed();
            for (const auto& decision : asked.decisions)
                alone += decision.by == By::fallback;
        }
        if (--running == 0) rig.stop();
    };
    for (int i = 0; i < 60; ++i)
        loop.spawn(client());
    loop.run();
    CHECK(passed == 1);  // nobody gives the permit back
    CHECK(alone == 0);
}

TEST_CASE("permits taken while Redis was away count when it comes, also for the first time")
{
    RedisServer server;
    server.end();
    Loop loop;
    LimiterRig rig(loop, server);
    const limit::Quota single{1, Microseconds{0}, "single", limit::Algorithm::concurrent};
    auto story = [&]() -> Awaitable<void> {
        const std::vector<Check> one{check_of(single)};
        const Asked held = co_await ask(rig, one);
        CHECK(held.passed());
        CHECK(held.decisions[0].by == By::fallback);
        server.start();
        co_await rig.ready();
        const Asked second = co_await ask(rig, one);
        CHECK_FALSE(second.passed());
        // And Redis hears of the one that is held, at once.
        auto is_told = [&] { return server.integers({"DBSIZE"})[0] == 1; };
        std::function<bool()> told = is_told;
        co_await until(loop, told);
        rig.limiter->release(held.checks, held.decisions, real_clock());
        rig.stop();
    };
    loop.run(story());
}

TEST_CASE("a lease's question that was lost is lost, though another limit refused the request")
{
    RedisServer server;
    Loop loop;
    LimiterRig rig(loop, server, Milliseconds{25});
    limit::Quota leased{1000, Seconds{60}, "leased"};
    leased.lease = Seconds{1};
    auto story = [&]() -> Awaitable<void> {
        co_await rig.ready();
        server.signal(SIGSTOP);
        auto closed = check_of(ten);
        closed.on_error = OnError::closed;
        const std::vector<Check> both{closed, check_of(leased)};
        const Asked asked = co_await ask(rig, both);
        CHECK(asked.taken.has_error());
        server.signal(SIGCONT);
        rig.stop();
    };
    loop.run(story());
    // One that had never gone out would not count.
    CHECK(rig.counters.store.lease_questions.value() == 1);
}

TEST_CASE("many permits are told in few calls, and none is forgotten")
{
    RedisServer server;
    server.end();
    Loop loop;
    LimiterRig rig(loop, server);
    const limit::Quota single{1, Microseconds{0}, "single", limit::Algorithm::concurrent};
    constexpr int organisations = 300;
    auto story = [&]() -> Awaitable<void> {
        std::vector<std::string> names;
        for (int i = 0; i < organisations; ++i)
            names.push_back("org_" + std::to_string(i));
        for (const auto& name : names) {
            const std::vector<Check> one{check_of(single, name)};
            const Asked held = co_await ask(rig, one);
            CHECK(held.passed());
        }
        server.start();
        co_await rig.ready();
        const auto before = rig.counters.store.commands.value();
        const std::vector<Check> other{check_of(ten)};
        co_await ask(rig, other);  // notices that the store is there
        auto all_are_told = [&] { return server.integers({"DBSIZE"})[0] == organisations + 1; };
        std::function<bool()> told = all_are_told;
        co_await until(loop, told);
        CHECK(rig.counters.store.commands.value() - before <= 1 + 2 * (organisations / 64 + 1));
        rig.stop();
    };
    loop.run(story());
}
