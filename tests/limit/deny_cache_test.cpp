#include "orggate/limit/deny_cache.hpp"

#include "orggate/limit/meter.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <random>
#include <string>

using namespace std::chrono_literals;
using namespace orggate;
using limit::Algorithm;
using limit::By;
using limit::Decision;
using limit::DenyCache;
using limit::Meter;
using limit::Terms;

namespace {

using Time = DenyCache::Time;
constexpr HashKey secret{1, 2};
constexpr Time start{1h};
constexpr Microseconds no_bound = Microseconds::max();

Decision refusal(Microseconds wait, Microseconds next_unit = 1s)
{
    Decision made;
    made.wait = wait;
    made.next_unit = next_unit;
    made.remaining = 3;
    return made;
}

std::string key(int number)
{
    return "og:w1:{org_" + std::to_string(number) + "}:api";
}

}  // namespace

TEST_CASE("a refusal holds under the terms it was given for, and no others")
{
    const Terms three{.units = 3, .window = 60s};
    struct Row {
        std::string name;
        Terms terms;
        bool is_refused;
    };
    const Row rows[] = {
        {"the same", three, true},
        {"more units", {.units = 20, .window = 60s}, false},
        {"fewer units", {.units = 2, .window = 60s}, false},
        {"another window", {.units = 3, .window = 30s}, false},
        {"another burst", {.units = 3, .burst = 5, .window = 60s}, false},
        {"leased", {.units = 3, .window = 60s, .lease = 1s}, false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        DenyCache cache(HashKey{1, 2});
        cache.note("k", 1, refusal(10s), start, no_bound, three);
        CHECK(cache.find("k", 1, start, row.terms).has_value() == row.is_refused);
    }
    // What another plan was refused replaces it, also for a greater weight.
    DenyCache cache(HashKey{1, 2});
    cache.note("k", 1, refusal(10s), start, no_bound, three);
    cache.note("k", 2, refusal(10s), start, no_bound, rows[1].terms);
    CHECK(cache.find("k", 2, start, rows[1].terms));
    CHECK_FALSE(cache.find("k", 1, start, three));
}

TEST_CASE("a refusal holds until its wait is over, counted from before the question")
{
    DenyCache cache(secret);
    CHECK_FALSE(cache.find("k", 1, start));
    cache.note("k", 1, refusal(10s, 4s), start, no_bound);
    struct Row {
        Time now;
        bool holds;
        Microseconds wait{}, next_unit{};
    };
    for (const Row& row : {Row{start, true, 10s, 4s}, Row{start + 3s, true, 7s, 1s},
             Row{start + 4s, true, 6s, 0s}, Row{start + 6s, true, 4s, 0s},
             Row{start + 10s - 1us, true, 1us, 0s}, Row{start + 10s - 1ns, true, 1us, 0s},
             Row{start + 10s, false}, Row{start + 1h, false}}) {
        CAPTURE((row.now - start).count());
        const auto found = cache.find("k", 1, row.now);
        REQUIRE(found.has_value() == row.holds);
        if (!found) continue;
        CHECK_FALSE(found->allowed);
        CHECK(found->by == By::deny_cache);
        CHECK(found->remaining == 3);
        CHECK(found->wait == row.wait);
        CHECK(found->next_unit == row.next_unit);
        CHECK_FALSE(found->holds_permit);
    }
    CHECK_FALSE(cache.find("other", 1, start));
    CHECK(cache.hits() == 6);
}

TEST_CASE("a refusal speaks for its weight and above, never for less")
{
    DenyCache cache(secret);
    cache.note("k", 5, refusal(10s), start, no_bound);
    CHECK_FALSE(cache.find("k", 4, start));
    CHECK(cache.find("k", 5, start));
    CHECK(cache.find("k", 6, start));
    CHECK(cache.find("k", std::numeric_limits<std::int64_t>::max(), start));
    CHECK_FALSE(cache.find("k", 0, start));
    CHECK_FALSE(cache.find("k", -1, start));
}

TEST_CASE("the refusal of the lesser weight is the one that is kept")
{
    DenyCache cache(secret);
    cache.note("k", 5, refusal(20s), start, no_bound);
    SUBCASE("a lesser one takes its place")
    {
        cache.note("k", 2, refusal(10s), start, no_bound);
        CHECK(cache.find("k", 2, start + 10s - 1us));
        CHECK_FALSE(cache.find("k", 5, start + 10s));
    }
    SUBCASE("a greater one does not while it holds")
    {
        cache.note("k", 9, refusal(60s), start + 20s - 1us, no_bound);
        CHECK(cache.find("k", 5, start + 20s - 1us));
        CHECK_FALSE(cache.find("k", 9, start + 20s));
    }
    SUBCASE("but does when it is over")
    {
        cache.note("k", 9, refusal(60s), start + 20s, no_bound);
        CHECK_FALSE(cache.find("k", 5, start + 20s));
        CHECK(cache.find("k", 9, start + 80s - 1us));
    }
    SUBCASE("an equal one does, being later")
    {
        cache.note("k", 5, refusal(30s), start + 5s, no_bound);
        CHECK(cache.find("k", 5, start + 35s - 1us));
    }
    CHECK(cache.size() == 1);
}

TEST_CASE("what is no refusal, or one whose end is not known, is not kept")
{
    DenyCache cache(secret);
    Decision allowed = refusal(10s);
    allowed.allowed = true;
    cache.note("k", 1, allowed, start, no_bound);
    cache.note("k", 1, refusal(0s), start, no_bound);
    cache.note("k", 1, refusal(-1s), start, no_bound);
    cache.note("k", 1, refusal(10s), start, 0s);
    CHECK(cache.size() == 0);
    CHECK_FALSE(cache.find("k", 1, start));
}

TEST_CASE("a bound shortens how long a refusal is believed, not what it says")
{
    DenyCache cache(secret);
    cache.note("k", 1, refusal(10s), start, 1s);
    const auto found = cache.find("k", 1, start + 1s - 1us);
    REQUIRE(found.has_value());
    CHECK(found->wait == 9s + 1us);
    CHECK_FALSE(cache.find("k", 1, start + 1s));
    cache.note("k", 1, refusal(10s), start + 1s, 20s);
    CHECK(cache.find("k", 1, start + 11s - 1us));
    CHECK_FALSE(cache.find("k", 1, start + 11s));
}

TEST_CASE("a weight that never fits is refused so for a minute at most")
{
    DenyCache cache(secret);
    cache.note("k", 9, refusal(Microseconds::max()), start, no_bound);
    const auto found = cache.find("k", 9, start + 60s - 1us);
    REQUIRE(found.has_value());
    CHECK(found->wait == Microseconds::max());
    CHECK_FALSE(cache.find("k", 9, start + 60s));
    CHECK_FALSE(cache.find("k", 8, start));
    cache.note("k", 9, refusal(Microseconds::max()), start + 60s, 2s);
    CHECK(cache.find("k", 9, start + 62s - 1us));
    CHECK_FALSE(cache.find("k", 9, start + 62s));
}

TEST_CASE("waits that nothing real has do no harm")
{
    DenyCache cache(secret);
    cache.note("k", 1, refusal(Microseconds::max() - 1us, Microseconds::max()), start, no_bound);
    cache.note("l", 1, refusal(1s, -1s), start, no_bound);
    REQUIRE(cache.find("k", 1, start + 1h).has_value());
    CHECK(cache.find("k", 1, start + 1h)->wait == 400 * 24h - 1h);
    CHECK(cache.find("l", 1, start)->next_unit == 0s);
}

TEST_CASE("the instants that a refusal names stay the same while it is repeated")
{
    DenyCache cache(secret);
    Decision made = refusal(10s, 4s);
    made.store_clock = 1'790'000'000s;
    cache.note("k", 1, made, start, no_bound);
    const auto found = cache.find("k", 1, start + 3s);
    REQUIRE(found.has_value());
    CHECK(found->store_clock == 1'790'000'003s);
    CHECK(found->store_clock + found->wait == made.store_clock + made.wait);
    CHECK(found->store_clock + found->next_unit == made.store_clock + made.next_unit);
    made.store_clock = 0s;  // the caller's own clock counts
    made.has_numbers = false;
    cache.note("k", 1, made, start + 3s, no_bound);
    CHECK(cache.find("k", 1, start + 4s)->store_clock == 0s);
    CHECK_FALSE(cache.find("k", 1, start + 4s)->has_numbers);
}

TEST_CASE("what is forgotten is asked again")
{
    DenyCache cache(secret, 10);
    for (int i = 0; i < 10; ++i)
        cache.note(key(i), 1, refusal(10s), start, no_bound);
    cache.forget(key(0));
    cache.forget(key(9));
    cache.forget(key(9));
    cache.forget("unknown");
    CHECK(cache.size() == 8);
    for (int i = 0; i < 10; ++i)
        CHECK(cache.find(key(i), 1, start).has_value() == (i != 0 && i != 9));
    for (int i = 0; i < 100; ++i) {
        cache.note(key(i), 1, refusal(10s), start, no_bound);
        REQUIRE(cache.size() <= 10);
        if (i % 3 == 0) cache.forget(key(i));
        CHECK(cache.find(key(i), 1, start).has_value() == (i % 3 != 0));
    }
    cache.clear();
    CHECK(cache.size() == 0);
    for (int i = 0; i < 10; ++i)
        CHECK_FALSE(cache.find(key(i), 1, start));
    cache.note(key(0), 1, refusal(10s), start, no_bound);
    CHECK(cache.find(key(0), 1, start));
}

TEST_CASE("a full cache keeps what is asked for and stays within its bound")
{
    DenyCache cache(secret, 100);
    for (int i = 0; i < 100; ++i)
        cache.note(key(i), 1, refusal(10s), start, no_bound);
    CHECK(cache.size() == 100);
    for (int i = 100; i < 2000; ++i) {
        for (int hot = 0; hot < 10; ++hot)
            REQUIRE(cache.find(key(hot), 1, start));
        cache.note(key(i), 1, refusal(10s), start, no_bound);
        REQUIRE(cache.size() == 100);
        REQUIRE(cache.find(key(i), 1, start));
    }
}

TEST_CASE("a new refusal finds its place also where all others are asked for")
{
    DenyCache cache(secret, 1000);
    for (int i = 0; i < 2000; ++i) {
        cache.note(key(i), 1, refusal(10s), start, no_bound);
        REQUIRE(cache.find(key(i), 1, start));
    }
    CHECK(cache.size() == 1000);
    DenyCache least(secret, 0);
    least.note("k", 1, refusal(10s), start, no_bound);
    least.note("l", 1, refusal(10s), start, no_bound);
    CHECK(least.size() == 1);
    CHECK(least.find("l", 1, start));
}

TEST_CASE("refusals that are over make room first")
{
    DenyCache cache(secret, 10);
    for (int i = 0; i < 10; ++i) {
        cache.note(key(i), 1, refusal(i == 7 ? 1s : 10s), start, no_bound);
        REQUIRE(cache.find(key(i), 1, start));
    }
    cache.note(key(10), 1, refusal(10s), start + 1s, no_bound);
    for (int i = 0; i <= 10; ++i)
        CHECK(cache.find(key(i), 1, start + 1s).has_value() == (i != 7));
}

namespace {

// A store far away: questions arrive late, answers later, others ask too. Its clock is not
// ours.
struct Schedule {
    explicit Schedule(std::uint64_t seed) : random(seed)
    {
        constexpr Algorithm algorithms[] = {
            Algorithm::window, Algorithm::bucket, Algorithm::calendar};
        terms.algorithm = algorithms[seed % 3];
        terms.units = between(1, 60);
        terms.burst = between(1, terms.units);
        terms.window = terms.algorithm == Algorithm::calendar ? 24h : Microseconds(60s);
        step = std::max<std::int64_t>(terms.window.count() / terms.units / between(1, 8), 1);
        offset = Microseconds(between(0, 1'000'000'000));
    }
    std::int64_t between(std::int64_t least, std::int64_t most)
    {
        return std::uniform_int_distribution<std::int64_t>(least, most)(random);
    }
    limit::Times store_time(Time now) const
    {
        const auto at = std::chrono::floor<Microseconds>(now.time_since_epoch()) + offset;
        return {at, at + 1'763'740'000s};
    }

    std::mt19937_64 random;
    Terms terms;
    std::int64_t step = 1;
    Microseconds offset{};
};

struct Played {
    int local_denials = 0, wrong = 0, asked = 0;
};

enum class Counted { from_sending, from_the_answer };
enum class Weights { as_refused, any };

// Asks at random, through a cache; whenever the cache refuses, the store must too.
Played play(std::uint64_t seed, Counted counted, Weights weights)
{
    Schedule schedule(seed);
    Meter store;
    DenyCache cache(secret, 4);
    Played played;
    struct Answer {
        Time sent, arrives;
        std::int64_t weight;
        Decision decision;
    };
    std::deque<Answer> on_their_way;
    Time now = start;
    for (int i = 0; i < 400; ++i) {
        now += Microseconds(schedule.between(0, 2 * schedule.step));
        while (!on_their_way.empty() && on_their_way.front().arrives <= now) {
            const Answer& answer = on_their_way.front();
            cache.note(key(0), weights == Weights::any ? 1 : answer.weight, answer.decision,
                counted == Counted::from_sending ? answer.sent : answer.arrives, no_bound);
            on_their_way.pop_front();
        }
        if (schedule.between(0, 9) == 0) {  // somebody else
            const limit::Times judged = schedule.store_time(now);
            if (store.check(schedule.terms, 1, judged).allowed)
                store.charge(schedule.terms, 1, judged);
        }
        const std::int64_t weight = schedule.between(0, 3) ? 1 : schedule.between(1, 10);
        if (cache.find(key(0), weight, now)) {
            Meter asked = store;
            const auto truth = asked.check(schedule.terms, weight, schedule.store_time(now));
            ++played.local_denials;
            played.wrong += truth.allowed;
            continue;
        }
        ++played.asked;
        // It is judged on its way; the next question goes out only afterwards.
        const Time sent = now;
        now += Microseconds(schedule.between(0, schedule.step));
        const limit::Times judged = schedule.store_time(now);
        const Decision decision = store.check(schedule.terms, weight, judged);
        if (decision.allowed) store.charge(schedule.terms, weight, judged);
        const Time arrives = now + Microseconds(schedule.between(0, schedule.step));
        on_their_way.push_back({sent, arrives, weight, decision});
    }
    return played;
}

}  // namespace

TEST_CASE("what the cache refuses the store would refuse at that instant")
{
    int denials = 0, asked = 0;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        CAPTURE(seed);
        const Played played = play(seed, Counted::from_sending, Weights::as_refused);
        REQUIRE(played.wrong == 0);
        denials += played.local_denials;
        asked += played.asked;
    }
    CHECK(denials > 10'000);
    CHECK(asked > 10'000);
}

TEST_CASE("the same schedules catch caches that refuse too much")
{
    int late = 0, blind = 0;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        late += play(seed, Counted::from_the_answer, Weights::as_refused).wrong;
        blind += play(seed, Counted::from_sending, Weights::any).wrong;
    }
    CHECK(late > 100);
    CHECK(blind > 100);
}
