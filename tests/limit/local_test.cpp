#include "orggate/limit/local.hpp"

#include "limit/local_questions.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <deque>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using namespace orggate;
using limit::Check;
using limit::Decision;
using limit::LocalTable;
using limit::Quota;
using test::at;
using test::check;
using test::key;
using test::shadow;

namespace {

Quota quota(std::int64_t units, Microseconds window, std::string name = "api")
{
    Quota made;
    made.units = units;
    made.window = window;
    made.name = std::move(name);
    return made;
}

struct Answer {
    Result<void> result;
    std::vector<Decision> decisions;

    bool all_allowed() const
    {
        if (!result) return false;
        for (const Decision& decision : decisions)
            if (!decision.allowed) return false;
        return true;
    }
};

Answer take(LocalTable& table, const std::vector<Check>& checks, Microseconds now)
{
    std::vector<Decision> decisions(checks.size());
    auto result = table.take(checks, decisions, at(now));
    return {result, decisions};
}

// What is left, without taking it.
std::int64_t left(
    LocalTable& table, const Quota& q, Microseconds now, std::string_view subject = "org_a")
{
    return take(table, {check(q, subject, 0)}, now).decisions[0].remaining;
}

std::string org(int number)
{
    return "org_" + std::to_string(number);
}

}  // namespace

TEST_CASE("exactly the quota passes, and the answers count down")
{
    LocalTable table(key);
    const Quota q = quota(3, 60s);
    for (std::int64_t remaining : {2, 1, 0}) {
        const Answer answer = take(table, {check(q)}, 10s);
        CHECK(answer.all_allowed());
        CHECK(answer.decisions[0].remaining == remaining);
        CHECK(answer.decisions[0].next_unit == 60s);
    }
    const Answer refused = take(table, {check(q)}, 11s);
    CHECK(refused.result.has_value());
    CHECK_FALSE(refused.decisions[0].allowed);
    CHECK(refused.decisions[0].wait == 59s);
    CHECK_FALSE(take(table, {check(q)}, 70s - 1us).all_allowed());
    CHECK(take(table, {check(q)}, 70s).all_allowed());
}

TEST_CASE("subjects, limits and quota names have counters of their own")
{
    LocalTable table(key);
    const Quota q = quota(1, 60s), other_name = quota(1, 60s, "api-1h");
    Check other_limit = check(q);
    other_limit.limit = "exports";
    CHECK(take(table, {check(q)}, 1s).all_allowed());
    CHECK(take(table, {check(q, "org_b")}, 1s).all_allowed());
    CHECK(take(table, {other_limit}, 1s).all_allowed());
    CHECK(take(table, {check(other_name)}, 1s).all_allowed());
    CHECK(table.size() == 4);
    CHECK_FALSE(take(table, {check(q)}, 1s).all_allowed());
    CHECK_FALSE(take(table, {other_limit}, 1s).all_allowed());
    CHECK(table.size() == 4);
}

TEST_CASE("names that meet at their border are not mistaken for each other")
{
    LocalTable table(key);
    const Quota bc = quota(1, 60s, "bc"), c = quota(1, 60s, "c");
    Check a_bc = check(bc), ab_c = check(c);
    a_bc.limit = "a";
    ab_c.limit = "ab";
    CHECK(take(table, {a_bc}, 1s).all_allowed());
    CHECK(take(table, {ab_c}, 1s).all_allowed());
    CHECK(table.size() == 2);
}

TEST_CASE("changing units and window keeps the counter")
{
    LocalTable table(key);
    REQUIRE(take(table, {check(quota(100, 60s), "org_a", 80)}, 1s).all_allowed());
    CHECK_FALSE(take(table, {check(quota(50, 60s))}, 2s).all_allowed());
    CHECK(left(table, quota(200, 60s), 2s) == 120);
    CHECK(left(table, quota(200, 1h), 2s) == 120);
    CHECK(table.size() == 1);
}

TEST_CASE("several windows are charged together or not at all")
{
    LocalTable table(key);
    const Quota second = quota(2, 1s, "api-1s"), hour = quota(3, 1h, "api-1h");
    const std::vector<Check> both{check(second), check(hour)};
    CHECK(take(table, both, 10s).all_allowed());
    CHECK(take(table, both, 10s).all_allowed());
    const Answer too_fast = take(table, both, 10s);
    CHECK_FALSE(too_fast.decisions[0].allowed);
    CHECK(too_fast.decisions[1].allowed);
    CHECK(too_fast.decisions[1].remaining == 1);  // not charged: the other refused
    CHECK(left(table, hour, 10s) == 1);
    CHECK(take(table, both, 11s).all_allowed());
    const Answer used_up = take(table, both, 11s);
    CHECK(used_up.decisions[0].allowed);
    CHECK(used_up.decisions[0].remaining == 1);
    CHECK_FALSE(used_up.decisions[1].allowed);
    CHECK(left(table, second, 11s) == 1);
}

TEST_CASE("a rate asked under a short window makes no other rate of its limit forget")
{
    LocalTable table(key);
    const Quota second = quota(1, 1s, "api-1s"), hour = quota(20, 1h, "api-1h");
    int passed = 0;
    for (int i = 0; i < 100; ++i)
        passed += take(table, {check(second), check(hour)}, 2s * i).all_allowed();
    CHECK(passed == 20);
    CHECK(left(table, hour, 3599s) == 0);
    CHECK(left(table, hour, 7200s) == 20);
}

TEST_CASE("one request over several subjects is all or nothing too")
{
    LocalTable table(key);
    const Quota q = quota(1, 60s);
    std::vector<std::string> names;
    for (int i = 0; i < 40; ++i)  // more than fit in place, over all shards
        names.push_back(org(i));
    std::vector<Check> all;
    for (const std::string& name : names)
        all.push_back(check(q, name));
    REQUIRE(take(table, {check(q, names[17])}, 1s).all_allowed());
    const Answer refused = take(table, all, 1s);
    for (std::size_t i = 0; i < all.size(); ++i)
        CHECK(refused.decisions[i].allowed == (i != 17));
    CHECK(table.size() == 1);
    CHECK(take(table, all, 61s).all_allowed());
    CHECK(table.size() == 40);
}

TEST_CASE("a counter that a request names twice must hold both weights")
{
    LocalTable table(key);
    const Quota q = quota(3, 60s);
    const std::vector<Check> twice{check(q, "org_a", 2), check(q, "org_a", 2)};
    CHECK_FALSE(take(table, twice, 1s).all_allowed());
    CHECK(left(table, q, 1s) == 3);
    const std::vector<Check> fits{check(q, "org_a", 2), check(q, "org_a", 1)};
    CHECK(take(table, fits, 1s).all_allowed());
    CHECK(left(table, q, 1s) == 0);
}

TEST_CASE("a refused request leaves no counter behind")
{
    LocalTable table(key);
    const Quota q = quota(2, 60s);
    const Answer answer = take(table, {check(q, "org_a", 3)}, 1s);
    CHECK(answer.result.has_value());
    CHECK(answer.decisions[0].wait == Microseconds::max());
    CHECK(table.size() == 0);
    CHECK(take(table, {check(q, "org_a", 2)}, 1s).all_allowed());
}

TEST_CASE("a request without checks passes")
{
    LocalTable table(key);
    CHECK(take(table, {}, 1s).all_allowed());
}

TEST_CASE("a check in shadow is reported, never refuses, and is charged only if it fits")
{
    LocalTable table(key);
    const Quota hard = quota(10, 60s, "hard"), soft = quota(2, 60s, "soft");
    const std::vector<Check> both{shadow(check(soft)), check(hard)};
    for (const bool fits : {true, true, false, false}) {
        const Answer answer = take(table, both, 1s);
        CHECK(answer.result.has_value());
        CHECK(answer.decisions[0].allowed == fits);
        CHECK(answer.decisions[1].allowed);
    }
    CHECK(left(table, soft, 1s) == 0);
    CHECK(left(table, hard, 1s) == 6);
    const std::size_t before = table.size();
    CHECK(take(table, {shadow(check(soft, "org_b", 3))}, 1s).result.has_value());
    CHECK(table.size() == before);  // what never fits needs no counter
    CHECK(take(table, both, 61s).all_allowed());
}

TEST_CASE("a check in shadow is not charged by a request that an enforced one refuses")
{
    LocalTable table(key);
    const Quota hard = quota(1, 60s, "hard"), soft = quota(5, 60s, "soft");
    const std::vector<Check> both{shadow(check(soft)), check(hard)};
    REQUIRE(take(table, both, 1s).all_allowed());
    const Answer refused = take(table, both, 1s);
    CHECK(refused.decisions[0].allowed);
    CHECK_FALSE(refused.decisions[1].allowed);
    CHECK(left(table, soft, 1s) == 4);
}

TEST_CASE("shadow and enforced checks of one counter never exceed it together")
{
    LocalTable table(key);
    const Quota q = quota(3, 60s);
    const Answer answer = take(table, {shadow(check(q, "org_a", 2)), check(q, "org_a", 2)}, 1s);
    CHECK(answer.decisions[1].allowed);
    CHECK_FALSE(answer.decisions[0].allowed);  // the enforced one came first
    CHECK(left(table, q, 1s) == 1);
}

TEST_CASE("a full table refuses new keys, keeps used ones, and charges nothing")
{
    const Quota q = quota(5, 60s), extra = quota(5, 60s, "extra");
    LocalTable table(key, 4);
    for (int i = 0; i < 4; ++i)
        REQUIRE(take(table, {check(q, org(i))}, 1s).all_allowed());
    CHECK(table.size() == 4);
    const Answer refused = take(table, {check(q, "org_new")}, 2s);
    REQUIRE(refused.result.has_error());
    CHECK(refused.result.error() == Denial::limiter_unavailable);
    CHECK(take(table, {check(q, org(3))}, 2s).all_allowed());
    SUBCASE("a request that needs one more beside a known one")
    {
        const Answer half = take(table, {check(q, org(0)), check(extra, org(0))}, 2s);
        REQUIRE(half.result.has_error());
        CHECK(half.result.error() == Denial::limiter_unavailable);
        CHECK(left(table, q, 2s, org(0)) == 4);
    }
    SUBCASE("a new key whose quota refuses it anyway is told so")
    {
        const Answer never = take(table, {check(q, "org_new", 6)}, 2s);
        CHECK(never.result.has_value());
        CHECK_FALSE(never.decisions[0].allowed);
    }
    SUBCASE("a check in shadow finds no room and harms nobody")
    {
        const Answer passes = take(table, {check(q, org(0)), shadow(check(extra, org(0)))}, 2s);
        CHECK(passes.all_allowed());
        CHECK(table.size() == 4);
    }
    CHECK(table.evictions() == 0);
}

TEST_CASE("only a counter whose window is empty is evicted")
{
    const Quota q = quota(5, 60s), hour = quota(5, 1h, "hour");
    LocalTable table(key, 3);
    REQUIRE(take(table, {check(hour, "org_a")}, 1s).all_allowed());
    REQUIRE(take(table, {check(q, "org_b")}, 1s).all_allowed());
    REQUIRE(take(table, {check(q, "org_c")}, 10s).all_allowed());
    CHECK(take(table, {check(q, "org_d")}, 61s - 1us).result.has_error());
    CHECK(take(table, {check(q, "org_d")}, 61s).all_allowed());
    CHECK(table.evictions() == 1);
    CHECK(left(table, hour, 61s, "org_a") == 4);
    CHECK(left(table, q, 61s, "org_c") == 4);
    CHECK(table.size() == 3);
}

TEST_CASE("a counter whose window was made longer is kept for the longer one")
{
    const Quota brief = quota(5, 1s), longer = quota(5, 60s);
    LocalTable table(key, 1);
    REQUIRE(take(table, {check(brief)}, 1s).all_allowed());
    REQUIRE(take(table, {check(longer)}, 1s).all_allowed());
    CHECK(take(table, {check(brief, "org_b")}, 30s).result.has_error());
    CHECK(left(table, longer, 30s) == 3);
    CHECK(take(table, {check(brief, "org_b")}, 61s).all_allowed());
}

TEST_CASE("the one empty counter of a full table is found at once")
{
    const Quota brief = quota(5, 1s), q = quota(5, 1h);
    LocalTable table(key, 100);
    REQUIRE(take(table, {check(brief, org(0))}, 1s).all_allowed());
    for (int i = 1; i < 100; ++i)
        REQUIRE(take(table, {check(q, org(i))}, 1s).all_allowed());
    CHECK(take(table, {check(q, "org_new")}, 2s - 1us).result.has_error());
    CHECK(take(table, {check(q, "org_new")}, 2s).all_allowed());
    CHECK(table.evictions() == 1);
}

TEST_CASE("evicting what the same request is about to use loses neither count nor room")
{
    // Both known counters are empty and may be evicted to make room for the third.
    const Quota one = quota(2, 10s, "one"), two = quota(2, 10s, "two"), three = quota(2, 10s, "3");
    LocalTable table(key, 3);
    REQUIRE(take(table, {check(one), check(two)}, 1s).all_allowed());
    REQUIRE(take(table, {check(one, "org_b")}, 1s).all_allowed());
    const std::vector<Check> all{check(one), check(three), check(two)};
    REQUIRE(take(table, all, 20s).all_allowed());
    CHECK(table.size() == 3);
    for (const Quota& q : {one, two, three})
        CHECK(left(table, q, 20s) == 1);
}

TEST_CASE("a request that can't get all its counters gets none")
{
    const Quota one = quota(2, 10s, "one"), two = quota(2, 10s, "two"), three = quota(2, 10s, "3");
    LocalTable table(key, 3);
    REQUIRE(take(table, {check(one, "org_b")}, 19s).all_allowed());
    REQUIRE(take(table, {check(one)}, 1s).all_allowed());
    const Answer answer = take(table, {check(one), check(two), check(three)}, 20s);
    CHECK(answer.result.has_error());
    CHECK(left(table, one, 20s) == 2);
    CHECK(left(table, one, 20s, "org_b") == 1);
}

TEST_CASE("counters that a reload took out of use do not stay with their subject")
{
    LocalTable table(key);
    const Quota before = quota(1, 1s, "before"), after = quota(1, 1s, "after");
    REQUIRE(take(table, {check(before)}, 1s).all_allowed());
    REQUIRE(take(table, {check(after)}, 5s).all_allowed());
    CHECK(table.size() == 1);
    CHECK(table.evictions() == 1);
}

TEST_CASE("a stream of new keys is kept small by evicting as it goes")
{
    const Quota q = quota(5, 1s);
    LocalTable table(key, 1u << 17);
    for (int i = 0; i < 20'000; ++i)
        REQUIRE(take(table, {check(q, org(i))}, 1ms * i).all_allowed());
    CHECK(table.size() <= 2000);  // long before it is full
    CHECK(table.size() >= 1000);  // those of the last second can't be gone
    CHECK(table.size() + table.evictions() == 20'000);
}

TEST_CASE("the capacity is kept over all shards")
{
    const Quota q = quota(5, 1h);
    LocalTable table(key, 16 * 1024);
    int refused = 0;
    for (int i = 0; i < 40'000; ++i)
        refused += take(table, {check(q, org(i))}, 1s).result.has_error();
    CHECK(table.size() == 16 * 1024);
    CHECK(refused == 40'000 - 16 * 1024);
}

TEST_CASE("random requests never exceed any quota, and every denial is free")
{
    std::mt19937_64 random(7);
    LocalTable table(key, 64);
    const Quota second = quota(5, 1s, "second"), minute = quota(40, 60s, "minute");
    struct Log {
        std::deque<std::pair<Microseconds, std::int64_t>> entries;
        std::int64_t held(Microseconds now, Microseconds window)
        {
            std::int64_t sum = 0;
            for (const auto& [when, units] : entries)
                if (when > now - window) sum += units;
            return sum;
        }
    };
    std::vector<Log> logs(4);
    Microseconds now = 100s;
    int passed = 0;
    for (int i = 0; i < 20'000; ++i) {
        now += Microseconds(random() % 300'000);
        const auto who = random() % logs.size();
        const auto weight = std::int64_t(1 + random() % 3);
        const std::string name = org(int(who));
        const Answer answer =
            take(table, {check(second, name, weight), check(minute, name, weight)}, now);
        REQUIRE(answer.result.has_value());
        Log& log = logs[who];
        if (answer.all_allowed()) {
            log.entries.emplace_back(now, weight);
            ++passed;
        }
        REQUIRE(log.held(now, 1s) <= 5);
        REQUIRE(log.held(now, 60s) <= 40);
        while (!log.entries.empty() && log.entries.front().first < now - 61s)
            log.entries.pop_front();
    }
    CHECK(passed > 1000);
}

TEST_CASE("any number of threads together admit exactly the quota")
{
    constexpr int threads = 4, requests = 1000;
    LocalTable table(key);
    const Quota q = quota(100, 60s), wide = quota(1000, 60s, "wide");
    std::atomic<int> passed{0};
    std::vector<std::thread> running;
    for (int t = 0; t < threads; ++t)
        running.emplace_back([&, t] {
            for (int i = 0; i < requests; ++i) {
                // Clocks are read before the lock: they need not come in order.
                const Microseconds now = 10s + Microseconds((i * 7 + t * 13) % 1000);
                if (take(table, {check(q), check(wide)}, now).all_allowed()) ++passed;
            }
        });
    for (std::thread& thread : running)
        thread.join();
    CHECK(passed == 100);
    CHECK(left(table, wide, 11s) == 900);
}

TEST_CASE("threads that take several subjects in any order neither deadlock nor over-admit")
{
    constexpr int threads = 4, requests = 500;
    LocalTable table(key);
    const Quota q = quota(50, 60s);
    std::array<std::atomic<int>, 8> passed{};
    std::vector<std::thread> running;
    for (int t = 0; t < threads; ++t)
        running.emplace_back([&, t] {
            std::mt19937_64 random{std::uint64_t(t)};
            for (int i = 0; i < requests; ++i) {
                const std::size_t a = random() % 8, b = random() % 8;
                const std::string first = org(int(a)), second = org(int(b));
                if (!take(table, {check(q, first), check(q, second)}, 10s).all_allowed()) continue;
                ++passed[a];
                ++passed[b];
            }
        });
    for (std::thread& thread : running)
        thread.join();
    for (int i = 0; i < 8; ++i) {
        CHECK(passed[std::size_t(i)] <= 50);
        CHECK(left(table, q, 10s, org(i)) == 50 - passed[std::size_t(i)]);
    }
}

TEST_CASE("threads that add keys to a full table never exceed its capacity")
{
    LocalTable table(key, 512);
    const Quota q = quota(5, 60s);
    std::atomic<int> admitted{0};
    std::vector<std::thread> running;
    for (int t = 0; t < 4; ++t)
        running.emplace_back([&, t] {
            for (int i = 0; i < 400; ++i)
                admitted += take(table, {check(q, org(t * 1000 + i))}, 10s).all_allowed();
        });
    for (std::thread& thread : running)
        thread.join();
    CHECK(table.size() == 512);
    CHECK(admitted == 512);
}
