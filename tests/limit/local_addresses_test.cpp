// Addresses in the table: anybody has many of them, so they make room for each other and take
// none from organisations.

#include "orggate/limit/local.hpp"

#include "limit/local_questions.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
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
using test::key;
using test::shadow;

namespace {

Quota quota(std::int64_t units, Microseconds window = 60s, std::string name = "edge")
{
    Quota made;
    made.units = units;
    made.window = window;
    made.name = std::move(name);
    return made;
}

Quota permits(std::int64_t units)
{
    Quota made = quota(units, 0s, "edge-concurrent");
    made.algorithm = Algorithm::concurrent;
    return made;
}

Check of(Per per, const Quota& q, std::string_view subject)
{
    Check made;
    made.limit = "edge";
    made.subject = subject;
    made.quota = &q;
    made.per = per;
    return made;
}

Check ip(const Quota& q, std::string_view subject)
{
    return of(Per::ip, q, subject);
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

Answer take(LocalTable& table, const std::vector<Check>& checks, Microseconds now = 1s)
{
    std::vector<Decision> decisions(checks.size());
    auto result = table.take(checks, decisions, at(now));
    return {result, decisions};
}

std::string address(int number)
{
    return "2001:db8:0:" + std::to_string(number) + "::";
}

std::string org(int number)
{
    return "org_" + std::to_string(number);
}

// How many of so many new addresses are let pass and counted.
int flood(LocalTable& table, const Quota& q, int first, int count, Microseconds now = 1s)
{
    int counted = 0;
    for (int i = first; i < first + count; ++i) {
        const std::string name = address(i);
        const Answer answer = take(table, {ip(q, name)}, now);
        counted += answer.all_allowed() && answer.decisions[0].by == By::counter;
    }
    return counted;
}

// Units used, or -1: the counter is unknown.
std::int64_t used(LocalTable& table, const Check& check, Microseconds now = 1s)
{
    const auto found = table.inspect(check, at(now));
    return found ? check.quota->units - found->remaining : -1;
}

}  // namespace

TEST_CASE("however many addresses come, organisations and users have their room")
{
    constexpr int capacity = 16 * 1024, room = capacity / 2;
    LocalTable table(key, capacity);
    const Quota q = quota(5, 1h);
    CHECK(flood(table, q, 0, 70'000) == 70'000);
    CHECK(table.size() == room);
    CHECK(table.evictions() == 70'000 - room);
    int unavailable = 0;
    for (int i = 0; i < capacity / 2; ++i) {
        const std::string name = org(i);
        unavailable += take(table, {of(i % 2 ? Per::org : Per::user, q, name)}).result.has_error();
    }
    CHECK(unavailable == 0);
    CHECK(table.size() == room + capacity / 2);
    // And keep what they used, whoever comes.
    CHECK(flood(table, q, 100'000, 30'000) == 30'000);
    int forgotten = 0;
    for (int i = 0; i < capacity / 2; ++i) {
        const std::string name = org(i);
        forgotten += used(table, of(i % 2 ? Per::org : Per::user, q, name)) != 1;
    }
    CHECK(forgotten == 0);
}

TEST_CASE("where organisations fill the table, addresses are counted all the same")
{
    LocalTable table(key, 4);
    const Quota q = quota(2);
    for (int i = 0; i < 4; ++i) {
        const std::string name = org(i);
        REQUIRE(take(table, {of(Per::org, q, name)}).all_allowed());
    }
    CHECK(flood(table, q, 0, 2) == 2);
    CHECK(take(table, {ip(q, address(0))}).all_allowed());
    CHECK_FALSE(take(table, {ip(q, address(0))}).all_allowed());
    SUBCASE("a new organisation is refused, as without addresses, and nothing is charged")
    {
        const Answer refused = take(table, {ip(q, address(1)), of(Per::org, q, "org_new")});
        REQUIRE(refused.result.has_error());
        CHECK(refused.result.error() == Denial::limiter_unavailable);
        CHECK(used(table, ip(q, address(1))) == 1);
    }
    SUBCASE("a new address evicts no organisation")
    {
        CHECK(flood(table, q, 100, 100) == 100);
        for (int i = 0; i < 4; ++i)
            CHECK(used(table, of(Per::org, q, org(i))) == 1);
        CHECK(table.size() == 6);
    }
}

TEST_CASE("an address evicts another only where there is no room left, and nobody is refused")
{
    for (const OnError on_error : {OnError::local, OnError::closed, OnError::open}) {
        CAPTURE(int(on_error));
        LocalTable table(key, 8);
        const Quota q = quota(5);
        CHECK(flood(table, q, 0, 4) == 4);
        CHECK(table.evictions() == 0);
        CHECK(table.size() == 4);
        Check fifth = ip(q, "192.0.2.7");
        fifth.on_error = on_error;
        const Answer answer = take(table, {fifth});
        CHECK(answer.all_allowed());
        CHECK(answer.decisions[0].by == By::counter);
        CHECK(answer.decisions[0].remaining == 4);
        CHECK(table.evictions() == 1);
        CHECK(table.size() == 4);
    }
}

TEST_CASE("an address that keeps asking is not forgotten for those that come once")
{
    struct Row {
        const char* name;
        bool by_inspect;
    };
    for (const Row& row : {Row{"refused by its counter", false}, Row{"looked up", true}}) {
        CAPTURE(row.name);
        LocalTable table(key, 256);
        const Quota q = quota(3);
        const Check busy = ip(q, "192.0.2.7");
        for (int i = 0; i < 3; ++i)
            REQUIRE(take(table, {busy}).all_allowed());
        for (int i = 0; i < 100; ++i) {
            REQUIRE(flood(table, q, 1000 + 40 * i, 40) == 40);
            if (row.by_inspect)
                REQUIRE(used(table, busy) == 3);
            else
                REQUIRE_FALSE(take(table, {busy}).all_allowed());
        }
        CHECK(table.size() == 128);
    }
}

TEST_CASE("where every address asks again, one of them makes room")
{
    LocalTable table(key, 2046);  // in one shard
    const Quota q = quota(5);
    for (int turn = 0; turn < 2; ++turn)
        REQUIRE(flood(table, q, 0, 1023) == 1023);
    REQUIRE(table.evictions() == 0);
    CHECK(take(table, {ip(q, "192.0.2.7")}).all_allowed());
    CHECK(table.evictions() == 1);
    CHECK(used(table, ip(q, "192.0.2.7")) == 1);
}

TEST_CASE("all counters of a request fit, and none evicts another of them")
{
    LocalTable table(key, 8);  // 4 of addresses
    const Quota second = quota(2, 1s, "edge-1s"), hour = quota(3, 1h, "edge-1h"),
                day = quota(9, 24h, "edge-1d"), held = permits(7);
    for (int i = 0; i < 50; ++i) {
        CAPTURE(i);
        const std::string name = address(i), other = address(1000 + i);
        REQUIRE(take(table, {ip(hour, name)}).all_allowed());
        const std::vector<Check> all{
            ip(second, name), ip(hour, name), ip(day, name), ip(hour, other)};
        REQUIRE(take(table, all).all_allowed());
        CHECK(used(table, all[0]) == 1);
        CHECK(used(table, all[1]) == 2);
        CHECK(used(table, all[2]) == 1);
        CHECK(used(table, all[3]) == 1);
        CHECK(table.size() == 4);
    }
    SUBCASE("more of them than there is room: counted, and the next request makes good for it")
    {
        LocalTable narrow(key, 2);
        const std::vector<Check> all{ip(second, "a::"), ip(hour, "a::"), ip(day, "a::")};
        CHECK(take(narrow, all).all_allowed());
        CHECK(take(narrow, all).all_allowed());
        CHECK_FALSE(take(narrow, all).all_allowed());
        CHECK(used(narrow, all[1]) == 2);
        CHECK(take(narrow, {ip(hour, "b::")}).all_allowed());
        CHECK(narrow.size() == 1);
    }
}

TEST_CASE("an address that asks is kept, and the other goes, though both asked before")
{
    const Quota hour = quota(9, 1h, "edge-1h"), day = quota(9, 24h, "edge-1d");
    for (int i = 0; i < 50; ++i) {
        CAPTURE(i);
        LocalTable table(key, 4);  // 2 of addresses
        const std::string name = address(i), other = address(1000 + i);
        for (int turn = 0; turn < 2; ++turn) {
            REQUIRE(take(table, {ip(hour, name)}).all_allowed());
            REQUIRE(take(table, {ip(hour, other)}).all_allowed());
        }
        REQUIRE(take(table, {ip(hour, name), ip(day, name)}).all_allowed());
        CHECK(used(table, ip(hour, name)) == 3);
        CHECK(used(table, ip(day, name)) == 1);
        CHECK(used(table, ip(hour, other)) == -1);
    }
}

TEST_CASE("a permit of an address is never forgotten while it is held")
{
    LocalTable table(key, 4);
    const Quota held = permits(1), q = quota(5);
    std::vector<std::string> names;
    for (int i = 0; i < 10; ++i)
        names.push_back(address(i));
    std::vector<std::vector<Decision>> taken;
    for (const std::string& name : names) {
        const Answer answer = take(table, {ip(held, name)});
        REQUIRE(answer.all_allowed());
        taken.push_back(answer.decisions);
    }
    CHECK(table.size() == 10);  // as many as requests are on their way
    CHECK(flood(table, q, 100, 50) == 50);
    for (std::size_t i = 0; i < names.size(); ++i) {
        CHECK_FALSE(take(table, {ip(held, names[i])}).all_allowed());
        table.release(std::vector{ip(held, names[i])}, taken[i]);
        CHECK(used(table, ip(held, names[i])) <= 0);
    }
    CHECK(flood(table, q, 200, 50) == 50);
    CHECK(table.size() == 2);
}

TEST_CASE("an address in shadow takes nobody's room")
{
    LocalTable table(key, 4);
    const Quota q = quota(5);
    REQUIRE(flood(table, q, 0, 2) == 2);
    CHECK(take(table, {shadow(ip(q, "192.0.2.7"))}).all_allowed());
    table.note(std::vector{shadow(ip(q, "192.0.2.8"))}, at(1s));
    CHECK(table.evictions() == 0);
    CHECK(used(table, ip(q, address(0))) == 1);
    CHECK(used(table, ip(q, address(1))) == 1);
    CHECK(table.size() == 2);
    // What is empty makes room for it.
    CHECK(take(table, {shadow(ip(q, "192.0.2.7"))}, 61s).all_allowed());
    CHECK(used(table, ip(q, "192.0.2.7"), 61s) == 1);
}

TEST_CASE("addresses that are noted obey the same, and leave organisations their room")
{
    LocalTable table(key, 16 * 1024);
    const Quota q = quota(3, 1h), held = permits(9);
    const std::vector<Check> busy{ip(q, "192.0.2.7"), ip(held, "192.0.2.7")};
    table.note(busy, at(1s));
    for (int i = 0; i < 40'000; ++i) {
        const std::string name = address(i);
        table.note(std::vector{ip(q, name)}, at(1s));
        if (i % 1000 == 0) table.note(std::vector{busy[0]}, at(1s));
        if (i % 100 == 0) CHECK(used(table, ip(q, name)) == 1);
    }
    CHECK(table.size() == 8 * 1024);
    CHECK(used(table, busy[0]) == 3);
    CHECK_FALSE(take(table, {busy[0]}).all_allowed());
    CHECK(used(table, busy[1]) == 1);
    for (int i = 0; i < 8 * 1024; ++i) {
        const std::string name = org(i);
        table.note(std::vector{of(Per::org, q, name)}, at(1s));
    }
    CHECK(table.size() == 16 * 1024);
    for (int i = 0; i < 8 * 1024; i += 100)
        CHECK(used(table, of(Per::org, q, org(i))) == 1);
}

TEST_CASE("a flood of addresses from all sides changes no organisation's count")
{
    constexpr int threads = 4, requests = 3000;
    LocalTable table(key, 256);
    const Quota q = quota(500), many = quota(1'000'000), held = permits(1'000'000);
    std::array<std::atomic<int>, 4> passed{};
    std::atomic<int> unavailable{0};
    std::vector<std::thread> running;
    for (int t = 0; t < threads; ++t)
        running.emplace_back([&, t] {
            for (int i = 0; i < requests; ++i) {
                const std::string who = org(i % 4), where = address(t * requests + i);
                const std::vector<Check> checks{
                    ip(many, where), ip(held, "192.0.2.7"), of(Per::org, q, who)};
                const Answer answer = take(table, checks, 10s);
                unavailable += answer.result.has_error();
                passed[std::size_t(i % 4)] += answer.all_allowed();
                if (answer.all_allowed()) table.release(checks, answer.decisions);
            }
        });
    for (std::thread& thread : running)
        thread.join();
    CHECK(unavailable == 0);
    for (const auto& each : passed)
        CHECK(each == 500);
    CHECK(used(table, ip(held, "192.0.2.7"), 10s) <= 0);
    CHECK(table.size() <= 128 + 4);
}
