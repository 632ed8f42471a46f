// The table over algorithms, identities, shares and permits; local_test.cpp has the rest.

#include "orggate/limit/local.hpp"

#include "limit/local_questions.hpp"

#include "limit/shard.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using namespace orggate;
using limit::Algorithm;
using limit::By;
using limit::Check;
using limit::Decision;
using limit::LocalTable;
using limit::OnError;
using limit::Per;
using limit::Quota;
using test::at;
using test::check;
using test::key;
using test::shadow;

namespace {

Quota quota(std::int64_t units, Algorithm algorithm = Algorithm::window, std::string name = "api")
{
    Quota made;
    made.units = units;
    made.algorithm = algorithm;
    made.name = std::move(name);
    if (algorithm == Algorithm::window || algorithm == Algorithm::bucket) made.window = 60s;
    if (algorithm == Algorithm::bucket) made.burst = units;
    if (algorithm == Algorithm::calendar) made.window = 24h;
    return made;
}

Quota permits(std::int64_t units)
{
    return quota(units, Algorithm::concurrent, "api-concurrent");
}

Check open(Check made)
{
    made.on_error = OnError::open;
    return made;
}

Check of(Per per, std::string_view subject, std::string_view member, const Quota& q)
{
    Check made = check(q, subject);
    made.per = per;
    made.member = member;
    return made;
}

struct Answer {
    Result<void> result;
    std::vector<Decision> decisions;

    bool all_allowed() const
    {
        return result && std::all_of(decisions.begin(), decisions.end(),
                             [](const Decision& decision) { return decision.allowed; });
    }
};

Answer take(
    LocalTable& table, const std::vector<Check>& checks, Microseconds now, std::int64_t share = 1)
{
    std::vector<Decision> decisions(checks.size());
    auto result = table.take(checks, decisions, at(now), share);
    return {result, decisions};
}

// How many single units pass now, one after the other.
int passing(LocalTable& table, const Check& one, Microseconds now, std::int64_t share = 1)
{
    int passed = 0;
    while (passed < 1000 && take(table, {one}, now, share).all_allowed())
        ++passed;
    return passed;
}

std::int64_t left(LocalTable& table, const Quota& q, Microseconds now)
{
    const auto found = table.inspect(check(q), at(now));
    return found ? found->remaining : -1;
}

}  // namespace

TEST_CASE("every algorithm admits through the table what it should, and says who answered")
{
    struct Row {
        const char* name;
        Quota q;
        int at_once, after_half_a_minute, after_a_minute, next_day;
    };
    for (const Row& row : {Row{"window", quota(10), 10, 0, 10, 10},
             Row{"bucket", quota(10, Algorithm::bucket), 10, 5, 5, 10},
             Row{"calendar", quota(10, Algorithm::calendar), 10, 0, 0, 10},
             Row{"concurrent", quota(10, Algorithm::concurrent), 10, 0, 0, 0}}) {
        CAPTURE(row.name);
        LocalTable table(key);
        const Answer first = take(table, {check(row.q)}, 100h);
        CHECK(first.all_allowed());
        CHECK(first.decisions[0].by == By::counter);
        CHECK(first.decisions[0].has_numbers);
        CHECK(first.decisions[0].remaining == 9);
        CHECK(first.decisions[0].holds_permit == (row.q.algorithm == Algorithm::concurrent));
        CHECK(passing(table, check(row.q), 100h) + 1 == row.at_once);
        const Answer refused = take(table, {check(row.q)}, 100h);
        CHECK_FALSE(refused.decisions[0].allowed);
        CHECK(refused.decisions[0].by == By::counter);
        CHECK_FALSE(refused.decisions[0].holds_permit);
        CHECK(passing(table, check(row.q), 100h + 30s) == row.after_half_a_minute);
        CHECK(passing(table, check(row.q), 100h + 60s) == row.after_a_minute);
        CHECK(passing(table, check(row.q), 120h) == row.next_day);
    }
}

TEST_CASE("several algorithms are charged together or not at all")
{
    LocalTable table(key);
    const Quota window = quota(5), bucket = quota(3, Algorithm::bucket, "b"),
                day = quota(4, Algorithm::calendar, "d"), held = permits(2);
    const std::vector<Check> all{check(window), check(bucket), check(day), check(held)};
    const Answer first = take(table, all, 1s), second = take(table, all, 1s);
    CHECK(first.all_allowed());
    CHECK(second.all_allowed());
    const Answer third = take(table, all, 1s);  // nobody gave a permit back
    CHECK_FALSE(third.decisions[3].allowed);
    CHECK(left(table, window, 1s) == 3);
    CHECK(left(table, bucket, 1s) == 1);
    CHECK(left(table, day, 1s) == 2);
    table.release(all, first.decisions);
    CHECK(take(table, all, 1s).all_allowed());
    table.release(all, second.decisions);
    const Answer fifth = take(table, all, 1s);
    CHECK_FALSE(fifth.decisions[1].allowed);
    CHECK(left(table, held, 1s) == 1);  // a refused request holds no permit
}

TEST_CASE("whose counter it is depends on all that names its holder")
{
    LocalTable table(key);
    const Quota q = quota(1), bucket = quota(1, Algorithm::bucket);
    const std::vector<Check> holders{
        of(Per::org, "org_2a", "", q), of(Per::user, "org_2a", "", q), of(Per::ip, "org_2a", "", q),
        of(Per::org_user, "org_2a", "", q), of(Per::org_user, "org_2a", "user_1", q),
        of(Per::org_user, "org_2a", "user_2", q), of(Per::org_user, "user_1", "org_2a", q),
        of(Per::org_user, "org_2au", "ser_1", q), of(Per::org_user, "org_2", "auser_1", q),
        of(Per::org_user, "", "org_2auser_1", q),
        of(Per::org_user, std::string_view("a\0", 2), "b", q),
        of(Per::org_user, "a", std::string_view("\0b", 2), q),
        of(Per::org, "org_2a", "", bucket),  // its layout in Redis differs too
    };
    for (std::size_t i = 0; i < holders.size(); ++i) {
        CAPTURE(i);
        CHECK_FALSE(table.inspect(holders[i], at(1s)));
        CHECK(passing(table, holders[i], 1s) == 1);
        CHECK(table.size() == i + 1);
    }
    CHECK_FALSE(take(table, {holders[4]}, 1s).all_allowed());
    CHECK(table.reset(holders[4]));
    CHECK(table.size() == holders.size() - 1);
    for (std::size_t i = 0; i < holders.size(); ++i)
        CHECK(take(table, {holders[i]}, 1s).all_allowed() == (i == 4));
}

TEST_CASE("holders that share a hash are told apart")
{
    const Quota q = quota(1);
    const std::vector<Check> holders{of(Per::org, "org_2a", "b", q),
        of(Per::user, "org_2a", "b", q), of(Per::org, "org_2", "ab", q),
        of(Per::org, "org_2ab", "", q), of(Per::org, "", "org_2ab", q),
        of(Per::org, "org_2a", "c", q), of(Per::org, "org_2b", "b", q),
        of(Per::org, "org_2", "b", q)};
    const limit::HolderEqual are_equal;
    for (std::size_t i = 0; i < holders.size(); ++i)
        for (std::size_t j = 0; j < holders.size(); ++j) {
            const limit::Holder a = limit::make_holder(holders[i], 7);
            CHECK(are_equal(a, limit::make_holder(holders[j], 7)) == (i == j));
            CHECK(are_equal(limit::Asked{holders[j], 7}, a) == (i == j));
            CHECK_FALSE(are_equal(limit::Asked{holders[j], 8}, a));
            CHECK(limit::is_same_holder(holders[i], holders[j]) == (i == j));
        }
}

TEST_CASE("one request may hold counters of an organisation, its user and its address")
{
    LocalTable table(key);
    const Quota org = quota(3, Algorithm::window, "org"), user = quota(1, Algorithm::window, "u");
    const Check of_org = of(Per::org, "org_a", "", org);
    CHECK(take(table, {of_org, of(Per::org_user, "org_a", "user_1", user)}, 1s).all_allowed());
    CHECK_FALSE(
        take(table, {of_org, of(Per::org_user, "org_a", "user_1", user)}, 1s).all_allowed());
    CHECK(take(table, {of_org, of(Per::org_user, "org_a", "user_2", user)}, 1s).all_allowed());
    CHECK(take(table, {of(Per::org_user, "org_a", "user_3", user), of_org}, 1s).all_allowed());
    CHECK_FALSE(
        take(table, {of(Per::org_user, "org_a", "user_4", user), of_org}, 1s).all_allowed());
    CHECK(table.size() == 4);
}

TEST_CASE("a share is a part of the quota, rounded down, at least one")
{
    struct Row {
        Algorithm algorithm;
        std::int64_t units, share, passes;
    };
    for (const Row& row : {Row{Algorithm::window, 100, 1, 100}, Row{Algorithm::window, 100, 3, 33},
             Row{Algorithm::window, 100, 100, 1}, Row{Algorithm::window, 100, 101, 1},
             Row{Algorithm::bucket, 100, 3, 33}, Row{Algorithm::calendar, 100, 7, 14},
             Row{Algorithm::concurrent, 100, 7, 14}, Row{Algorithm::concurrent, 2, 7, 1}}) {
        CAPTURE(int(row.algorithm));
        CAPTURE(row.share);
        LocalTable table(key);
        const Quota q = quota(row.units, row.algorithm);
        CHECK(passing(table, check(q), 1s, row.share) == row.passes);
    }
}

TEST_CASE("units that were admitted elsewhere count here, at the switch and back")
{
    LocalTable table(key);
    const Quota q = quota(100);
    const std::vector<Check> one{check(q)};
    for (int i = 0; i < 15; ++i)
        table.note(one, at(10s));
    CHECK(passing(table, check(q), 20s, 5) == 5);  // of 20
    CHECK(passing(table, check(q), 20s, 10) == 0);
    CHECK(passing(table, check(q), 20s, 1) == 80);
    CHECK(passing(table, check(q), 70s, 5) == 0);  // 85 of them are of 20 s
    CHECK(passing(table, check(q), 80s, 5) == 20);
}

TEST_CASE("in memory nothing is leased: a window is as long as it says")
{
    LocalTable table(key);
    Quota q = quota(10);
    q.lease = 5s;
    CHECK(passing(table, check(q), 1s) == 10);
    CHECK(passing(table, check(q), 61s - 1us) == 0);
    CHECK(passing(table, check(q), 61s) == 10);
    q.algorithm = Algorithm::bucket;
    q.burst = 10;
    CHECK(passing(table, check(q), 1s) == 10);
}

TEST_CASE("noting charges by force, above the quota, and whatever is enforced")
{
    for (const Algorithm algorithm :
        {Algorithm::window, Algorithm::bucket, Algorithm::calendar, Algorithm::concurrent}) {
        CAPTURE(int(algorithm));
        LocalTable table(key);
        const Quota q = quota(4, algorithm);
        table.note(std::vector{check(q, "org_a", 3), shadow(check(q, "org_a", 3))}, at(1s));
        CHECK(table.size() == 1);
        const Answer answer = take(table, {check(q)}, 1s);
        CHECK_FALSE(answer.all_allowed());
        CHECK(answer.decisions[0].remaining == 0);
    }
}

TEST_CASE("what is noted evicts nothing that is used, and is left out where there is no room")
{
    LocalTable table(key, 2);
    const Quota q = quota(4), held = permits(1);
    REQUIRE(take(table, {check(q, "org_a")}, 1s).all_allowed());
    table.note(std::vector{check(q, "org_b"), check(q, "org_c")}, at(2s));
    CHECK(table.size() == 2);
    CHECK(table.inspect(check(q, "org_b"), at(2s)));
    CHECK_FALSE(table.inspect(check(q, "org_c"), at(2s)));
    SUBCASE("a permit has room, and is given back to its own counter")
    {
        const std::vector<Check> one{check(held, "org_c")};
        table.note(one, at(2s));
        CHECK(table.size() == 3);
        CHECK_FALSE(take(table, one, 2s).decisions[0].allowed);
        Decision noted;
        noted.allowed = noted.holds_permit = true;
        table.release(one, std::span(&noted, 1));
        CHECK(take(table, one, 2s).all_allowed());
    }
    SUBCASE("what is empty makes room")
    {
        table.note(std::vector{check(q, "org_c")}, at(61s));
        CHECK(table.inspect(check(q, "org_c"), at(61s)));
        CHECK(table.evictions() == 1);
    }
}

TEST_CASE("permits are held until they are given back, each once")
{
    LocalTable table(key);
    const Quota held = permits(2);
    const std::vector<Check> one{check(held)};
    const Answer first = take(table, one, 1s), second = take(table, one, 1s);
    CHECK(first.decisions[0].remaining == 1);
    CHECK(second.decisions[0].remaining == 0);
    const Answer refused = take(table, one, 1000h);  // time frees nothing
    CHECK_FALSE(refused.decisions[0].allowed);
    table.release(one, refused.decisions);  // holds none: nothing happens
    CHECK_FALSE(take(table, one, 1000h).all_allowed());
    table.release(one, first.decisions);
    CHECK(take(table, one, 1000h).all_allowed());
    CHECK_FALSE(take(table, one, 1000h).all_allowed());
}

TEST_CASE("a permit weighs what it was taken with, and two of one request must fit together")
{
    LocalTable table(key);
    const Quota held = permits(5);
    const std::vector<Check> both{check(held, "org_a", 3), check(held, "org_a", 3)};
    CHECK_FALSE(take(table, both, 1s).all_allowed());
    const std::vector<Check> fits{check(held, "org_a", 3), check(held, "org_a", 2)};
    const Answer taken = take(table, fits, 1s);
    CHECK(taken.all_allowed());
    CHECK(left(table, held, 1s) == 0);
    table.release(fits, taken.decisions);
    CHECK(left(table, held, 1s) == 5);
}

TEST_CASE("a permit in shadow is held and given back, or not held and not given back")
{
    LocalTable table(key);
    const Quota held = permits(1);
    const std::vector<Check> one{shadow(check(held))};
    const Answer first = take(table, one, 1s), second = take(table, one, 1s);
    CHECK(first.decisions[0].holds_permit);
    CHECK_FALSE(second.decisions[0].allowed);
    CHECK_FALSE(second.decisions[0].holds_permit);
    table.release(one, second.decisions);
    CHECK(left(table, held, 1s) == 0);
    table.release(one, first.decisions);
    CHECK(left(table, held, 1s) == 1);
}

TEST_CASE("a counter with a permit is not evicted, one without is")
{
    LocalTable table(key, 1);
    const Quota held = permits(1), q = quota(1);
    const std::vector<Check> one{check(held)};
    const Answer taken = take(table, one, 1s);
    CHECK(take(table, {check(q, "org_b")}, 1000h).result.has_error());
    table.release(one, taken.decisions);
    CHECK(take(table, {check(q, "org_b")}, 1000h).all_allowed());
    CHECK(table.evictions() == 1);
    table.release(one, taken.decisions);  // long gone: harms nobody
    CHECK_FALSE(take(table, {check(q, "org_b")}, 1000h).decisions[0].allowed);
}

TEST_CASE("resetting forgets a count and no other, but never a permit that is held")
{
    LocalTable table(key);
    const Quota q = quota(3), other = quota(3, Algorithm::window, "other"), held = permits(1);
    const std::vector<Check> all{check(q), check(other), check(held)};
    const Answer taken = take(table, all, 1s);
    REQUIRE(taken.all_allowed());
    CHECK_FALSE(table.reset(check(q, "org_unknown")));
    CHECK(table.reset(check(q)));
    CHECK_FALSE(table.reset(check(q)));
    CHECK(left(table, q, 1s) == -1);
    CHECK(left(table, other, 1s) == 2);
    CHECK(passing(table, check(q), 1s) == 3);
    CHECK(table.reset(check(held)));
    CHECK(left(table, held, 1s) == 0);
    table.release(all, taken.decisions);
    CHECK(left(table, held, 1s) == 1);
}

TEST_CASE("inspecting says what one unit would get and changes nothing")
{
    LocalTable table(key);
    const Quota q = quota(3);
    CHECK_FALSE(table.inspect(check(q), at(1s)));
    CHECK(table.size() == 0);
    REQUIRE(take(table, {check(q, "org_a", 2)}, 1s).all_allowed());
    for (int i = 0; i < 3; ++i) {
        const auto found = table.inspect(check(q, "org_a", 99), at(11s));
        REQUIRE(found.has_value());
        CHECK(found->allowed);
        CHECK(found->remaining == 1);
        CHECK(found->next_unit == 50s);
    }
    REQUIRE(take(table, {check(q)}, 1s).all_allowed());
    const auto refused = table.inspect(check(q), at(11s));
    REQUIRE(refused.has_value());
    CHECK_FALSE(refused->allowed);
    CHECK(refused->wait == 50s);
}

TEST_CASE("in a full table a check that may fail open passes uncounted, any other is unavailable")
{
    LocalTable table(key, 2);
    const Quota q = quota(5), extra = quota(5, Algorithm::window, "extra");
    REQUIRE(take(table, {check(q, "org_a"), check(q, "org_b")}, 1s).all_allowed());
    SUBCASE("alone")
    {
        const Answer passed = take(table, {open(check(q, "org_c"))}, 1s);
        CHECK(passed.all_allowed());
        CHECK(passed.decisions[0].by == By::open);
        CHECK_FALSE(passed.decisions[0].has_numbers);
        CHECK_FALSE(passed.decisions[0].holds_permit);
    }
    SUBCASE("a permit is not held")
    {
        const Quota held = permits(1);
        const Answer passed = take(table, {open(check(held, "org_c"))}, 1s);
        CHECK(passed.all_allowed());
        CHECK_FALSE(passed.decisions[0].holds_permit);
    }
    SUBCASE("twice the same counter")
    {
        const Answer passed = take(table, {open(check(q, "org_c")), open(check(q, "org_c"))}, 1s);
        CHECK(passed.all_allowed());
        CHECK(passed.decisions[1].by == By::open);
    }
    SUBCASE("the rest is charged all the same")
    {
        const Answer passed = take(table, {check(q), open(check(extra)), check(q, "org_b")}, 1s);
        CHECK(passed.all_allowed());
        CHECK(passed.decisions[0].by == By::counter);
        CHECK(passed.decisions[0].remaining == 3);
        CHECK(passed.decisions[1].by == By::open);
        CHECK(passed.decisions[2].remaining == 3);
    }
    SUBCASE("the rest refuses all the same")
    {
        const Answer refused = take(table, {open(check(extra)), check(q, "org_a", 5)}, 1s);
        CHECK(refused.result.has_value());
        CHECK_FALSE(refused.decisions[1].allowed);
    }
    SUBCASE("beside one that must be counted nothing is charged")
    {
        for (const OnError other : {OnError::local, OnError::closed}) {
            Check must = check(q, "org_d");
            must.on_error = other;
            const Answer refused = take(table, {open(check(q, "org_c")), check(q), must}, 1s);
            REQUIRE(refused.result.has_error());
            CHECK(refused.result.error() == Denial::limiter_unavailable);
            CHECK(left(table, q, 1s) == 4);
        }
    }
    SUBCASE("what never fits is refused")
    {
        CHECK_FALSE(take(table, {open(check(q, "org_c", 6))}, 1s).all_allowed());
    }
    CHECK(table.size() == 2);
}

TEST_CASE("the last room goes to the check that must be counted")
{
    LocalTable table(key, 2);
    const Quota q = quota(5);
    REQUIRE(take(table, {check(q, "org_a")}, 1s).all_allowed());
    const Answer passed = take(table, {open(check(q, "org_b")), check(q, "org_c")}, 1s);
    CHECK(passed.all_allowed());
    CHECK(passed.decisions[0].by == By::open);
    CHECK(passed.decisions[1].by == By::counter);
    CHECK(table.size() == 2);
}

TEST_CASE("a new counter that a request names twice needs one room")
{
    LocalTable table(key, 2);
    const Quota q = quota(5);
    REQUIRE(take(table, {check(q, "org_a")}, 1s).all_allowed());
    CHECK(take(table, {check(q, "org_b"), check(q, "org_b")}, 1s).all_allowed());
    CHECK(table.size() == 2);
    CHECK(table.inspect(check(q, "org_b"), at(1s))->remaining == 3);
}

TEST_CASE("weights whose sum is too large for a number do not pass together")
{
    LocalTable table(key);
    const auto most = std::numeric_limits<std::int64_t>::max();
    const Quota q = quota(most - 1);
    const Answer answer =
        take(table, {check(q, "org_a", most - 1), check(q, "org_a", most - 1)}, 1s);
    CHECK_FALSE(answer.decisions[1].allowed);
}

TEST_CASE("threads never hold more permits than there are, and lose none")
{
    constexpr int most = 3;
    LocalTable table(key);
    const Quota held = permits(most), q = quota(1'000'000);
    std::atomic<int> holding{0}, worst{0}, taken{0};
    std::vector<std::thread> running;
    for (int t = 0; t < 4; ++t)
        running.emplace_back([&] {
            const std::vector<Check> checks{check(q), check(held)};
            for (int i = 0; i < 2000; ++i) {
                const Answer answer = take(table, checks, 1s);
                if (!answer.all_allowed()) continue;
                ++taken;
                const int now = ++holding;
                for (int seen = worst; seen < now && !worst.compare_exchange_weak(seen, now);) {
                }
                if (i % 50 == 0) table.reset(checks[1]);
                --holding;
                table.release(checks, answer.decisions);
            }
        });
    for (std::thread& thread : running)
        thread.join();
    CHECK(worst <= most);
    CHECK(taken >= 2000);
    CHECK(left(table, held, 1s) == most);
    CHECK(left(table, q, 1s) == 1'000'000 - taken);
}
