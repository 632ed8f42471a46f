#include "orggate/limit/meter.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

using namespace std::chrono_literals;
using orggate::Microseconds;
using orggate::limit::Decision;
using orggate::limit::Terms;
using orggate::limit::Window;

namespace {

Terms quota(std::int64_t units, Microseconds window)
{
    Terms made;
    made.units = units;
    made.window = window;
    return made;
}

// Checks and charges, as a request of its own.
template <class Counter>
bool take(Counter& counter, const Terms& q, std::int64_t weight, Microseconds now)
{
    if (!counter.check(q, weight, now).allowed) return false;
    counter.charge(q, weight, now);
    return true;
}

struct Admission {
    Microseconds at;
    std::int64_t units;
};

// The exact answer: the most units in any span (x, x + window]. It is reached in a span
// that ends at an admission.
std::int64_t worst_span(const std::vector<Admission>& log, Microseconds window)
{
    std::int64_t worst = 0, held = 0;
    std::size_t first = 0;
    for (const Admission& last : log) {
        held += last.units;
        for (; log[first].at <= last.at - window; ++first)
            held -= log[first].units;
        worst = std::max(worst, held);
    }
    return worst;
}

// Two counters that look right and are not: the property tests must see it.
struct AlignedWindow {
    std::int64_t period = -1, used = 0;

    Decision check(const Terms& q, std::int64_t weight, Microseconds now)
    {
        if (now / q.window != period) {
            period = now / q.window;
            used = 0;
        }
        Decision decision;
        decision.allowed = used + weight <= q.units;
        return decision;
    }
    void charge(const Terms&, std::int64_t weight, Microseconds) { used += weight; }
};

struct EarlyWindow {  // keeps the first time of a slot instead of the last
    std::vector<Admission> entries;

    Decision check(const Terms& q, std::int64_t weight, Microseconds now)
    {
        std::erase_if(entries, [&](const Admission& e) { return e.at <= now - q.window; });
        std::int64_t sum = 0;
        for (const Admission& entry : entries)
            sum += entry.units;
        Decision decision;
        decision.allowed = sum + weight <= q.units;
        return decision;
    }
    void charge(const Terms& q, std::int64_t weight, Microseconds now)
    {
        const auto slot = [&](Microseconds at) { return at * 60 / q.window; };
        if (!entries.empty() && slot(entries.back().at) == slot(now)) {
            entries.back().units += weight;
        } else {
            entries.push_back({now, weight});
        }
    }
};

struct Schedule {
    std::uint64_t seed;
    Terms q;
    Microseconds longest_gap;
    std::int64_t heaviest;
};

Schedule random_schedule(std::uint64_t seed)
{
    std::mt19937_64 random(seed);
    constexpr Microseconds windows[] = {60s, 1s, 1h, 7us, 59us, 1000003us};
    Schedule made{seed, quota(std::int64_t(1 + random() % 200), windows[random() % 6]), {}, 1};
    // From far over the quota to far under it.
    const auto even = made.q.window / made.q.units;
    made.longest_gap = std::max<Microseconds>(even * std::int64_t(1 + random() % 6) / 2, 1us);
    made.heaviest = random() % 2 ? 1 : std::max<std::int64_t>(made.q.units / 3, 1);
    return made;
}

template <class Counter, class OnDenial>
std::vector<Admission> play(const Schedule& schedule, Counter& counter, OnDenial on_denial)
{
    std::mt19937_64 random(schedule.seed + 1);
    std::vector<Admission> log;
    Microseconds now = 1'000'000s + Microseconds(random() % 1'000'000);
    for (int i = 0; i < 600; ++i) {
        now += Microseconds(random() % std::uint64_t(schedule.longest_gap.count() + 1));
        if (random() % 40 == 0) now += schedule.q.window / 2;  // bursts and pauses
        const auto weight = std::int64_t(1 + random() % std::uint64_t(schedule.heaviest));
        const Counter before = counter;
        const Decision decision = counter.check(schedule.q, weight, now);
        if (decision.allowed) {
            counter.charge(schedule.q, weight, now);
            log.push_back({now, weight});
        } else {
            on_denial(before, weight, now, decision);
        }
    }
    return log;
}

constexpr auto ignore = [](const auto&...) {};

}  // namespace

TEST_CASE("in no span of the window do more units pass than the quota")
{
    int reached = 0;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        CAPTURE(seed);
        const Schedule schedule = random_schedule(seed);
        Window window;
        const auto worst = worst_span(play(schedule, window, ignore), schedule.q.window);
        REQUIRE(worst <= schedule.q.units);
        reached += worst == schedule.q.units;
    }
    CHECK(reached > 50);  // the schedules press hard enough to prove something
}

TEST_CASE("the same schedules catch counters that admit too much")
{
    int aligned_over = 0, early_over = 0;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        const Schedule schedule = random_schedule(seed);
        AlignedWindow aligned;
        EarlyWindow early;
        const auto w = schedule.q.window;
        aligned_over += worst_span(play(schedule, aligned, ignore), w) > schedule.q.units;
        early_over += worst_span(play(schedule, early, ignore), w) > schedule.q.units;
    }
    CHECK(aligned_over > 30);
    CHECK(early_over > 30);
}

TEST_CASE("a refused weight is refused until its wait is over and admitted at that instant")
{
    int denials = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        CAPTURE(seed);
        const Schedule schedule = random_schedule(seed);
        Window window;
        play(schedule, window,
            [&](const Window& before, std::int64_t weight, Microseconds now, const Decision& d) {
                ++denials;
                REQUIRE(d.wait > 0us);
                REQUIRE(d.wait <= schedule.q.window);
                REQUIRE(d.next_unit <= d.wait);
                Window early = before, in_time = before;
                REQUIRE_FALSE(early.check(schedule.q, weight, now + d.wait - 1us).allowed);
                REQUIRE(in_time.check(schedule.q, weight, now + d.wait).allowed);
            });
    }
    CHECK(denials > 10'000);
}

TEST_CASE("next_unit is the first instant at which more remains")
{
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        CAPTURE(seed);
        const Schedule schedule = random_schedule(seed);
        Window window;
        play(schedule, window,
            [&](const Window& before, std::int64_t, Microseconds now, const Decision& d) {
                Window early = before, in_time = before;
                const auto left = [&](Window& w, Microseconds at) {
                    return w.check(schedule.q, 1, at).remaining;
                };
                REQUIRE(left(early, now + d.next_unit - 1us) == d.remaining);
                REQUIRE(left(in_time, now + d.next_unit) > d.remaining);
            });
    }
}

TEST_CASE("a refusal costs nothing")
{
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        CAPTURE(seed);
        const Schedule schedule = random_schedule(seed);
        Window hammered;
        Microseconds last_denial{};
        const auto log = play(schedule, hammered,
            [&](const Window&, std::int64_t, Microseconds now, const Decision&) {
                last_denial = now;
            });
        // The admitted requests alone leave the same counter behind.
        Window quiet;
        for (const Admission& admission : log)
            REQUIRE(take(quiet, schedule.q, admission.units, admission.at));
        const Microseconds end = std::max(log.back().at, last_denial);
        for (const Microseconds later : {0us, schedule.q.window / 2, schedule.q.window - 1us}) {
            const auto a = hammered.check(schedule.q, 1, end + later);
            const auto b = quiet.check(schedule.q, 1, end + later);
            CHECK(a.remaining == b.remaining);
            CHECK(a.next_unit == b.next_unit);
        }
    }
}

TEST_CASE("a counter without admissions for its window is as new")
{
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        CAPTURE(seed);
        const Schedule schedule = random_schedule(seed);
        Window window;
        const Microseconds end = play(schedule, window, ignore).back().at;
        CHECK_FALSE(window.is_empty(schedule.q.window, end + schedule.q.window - 1us));
        CHECK(window.is_empty(schedule.q.window, end + schedule.q.window));
        const auto decision = window.check(schedule.q, schedule.q.units, end + schedule.q.window);
        CHECK(decision.allowed);
        CHECK(decision.remaining == schedule.q.units);
        CHECK(decision.next_unit == 0us);
    }
}

TEST_CASE("demand without end gets at least sixty of sixty-one parts of the quota")
{
    struct Row {
        const char* name;
        Terms q;
        Microseconds step;
    };
    for (const Row& row : {Row{"steps that fall on slots", quota(100, 6s), 1ms},
             Row{"steps that do not", quota(100, 6s), 733us},
             Row{"one at a time", quota(1, 6s), 999us}, Row{"many", quota(5000, 6s), 1001us}}) {
        CAPTURE(row.name);
        Window window;
        std::int64_t admitted = 0;
        constexpr int windows = 20;
        for (Microseconds now = 100s; now < 100s + windows * row.q.window; now += row.step)
            while (take(window, row.q, 1, now))
                ++admitted;
        // A unit is held for a window, a slot and a step at most.
        const auto longest = row.q.window + row.q.window / 60 + row.step;
        CHECK(admitted >= row.q.units * windows * row.q.window / longest);
        CHECK(admitted <= row.q.units * windows);
    }
}

TEST_CASE("the edge of a minute is no gift")
{
    const Terms q = quota(100, 60s);
    Window window;
    AlignedWindow aligned;
    int passed = 0, passed_aligned = 0;
    for (const Microseconds at : {59'999'000us, 60'001'000us})
        for (int i = 0; i < 100; ++i) {
            passed += take(window, q, 1, at);
            passed_aligned += take(aligned, q, 1, at);
        }
    CHECK(passed == 100);
    CHECK(passed_aligned == 200);  // what this test is for
}

TEST_CASE("pauses shorter than the window give nothing back")
{
    const Terms q = quota(100, 60s);
    Window window;
    int passed = 0;
    for (Microseconds now = 0s; now < 59s; now += 2200ms)
        for (int i = 0; i < 150; ++i)
            passed += take(window, q, 1, now);
    CHECK(passed == 100);
}

TEST_CASE("after a burst the whole quota is back when the burst is a window old")
{
    const Terms q = quota(100, 60s);
    Window window;
    for (int i = 0; i < 100; ++i)
        REQUIRE(take(window, q, 1, 5s + i * 10us));
    CHECK(window.check(q, 1, 6s).wait == 59s + 990us);
    CHECK_FALSE(window.check(q, 1, 65s + 989us).allowed);
    CHECK(window.check(q, 100, 65s + 990us).allowed);
}

TEST_CASE("a weight above the quota can never pass and harms nobody")
{
    const Terms q = quota(5, 1s);
    Window window;
    CHECK(window.check(q, 6, 1s).wait == Microseconds::max());
    CHECK_FALSE(window.check(q, 6, 1s).allowed);
    CHECK(take(window, q, 5, 1s));
    CHECK(window.check(q, 6, 1s).wait == Microseconds::max());
    CHECK(window.check(q, 5, 1s).wait == 1s);
    CHECK(window.check(quota(0, 1s), 1, 1s).wait == Microseconds::max());
    const auto most = std::numeric_limits<std::int64_t>::max();
    CHECK(window.check(q, most, 1s).wait == Microseconds::max());
    constexpr std::int64_t counted = 0xFFFF'FFFF;  // four bytes, in Redis too
    CHECK(window.check(quota(most, 1s), counted, 1s).wait == 1s);
    CHECK(window.check(quota(most, 1s), counted + 1, 1s).wait == Microseconds::max());
}

TEST_CASE("a charge answers what is left after it")
{
    const Terms q = quota(3, 60s);
    Window window;
    const Decision fresh = window.check(q, 1, 10s);
    CHECK(fresh.allowed);
    CHECK(fresh.remaining == 3);
    CHECK(fresh.next_unit == 0us);
    CHECK(fresh.wait == 0us);
    const Decision first = window.charge(q, 1, 10s);
    CHECK(first.allowed);
    CHECK(first.remaining == 2);
    CHECK(first.next_unit == 60s);
    const Decision second = window.charge(q, 2, 25s);
    CHECK(second.remaining == 0);
    CHECK(second.next_unit == 45s);
}

TEST_CASE("weights that are not positive take nothing and give nothing")
{
    const Terms q = quota(1, 1s);
    Window window;
    for (const std::int64_t weight : {0, -1, -1000}) {
        CAPTURE(weight);
        CHECK(window.check(q, weight, 1s).allowed);
        CHECK(window.charge(q, weight, 1s).remaining == 1);
    }
    CHECK(window.is_empty(q.window, 1s));
    CHECK(take(window, q, 1, 1s));
    CHECK(window.charge(q, -1, 1s).remaining == 0);
}

TEST_CASE("changing a rate keeps the count")
{
    Window window;
    for (int i = 0; i < 80; ++i)
        REQUIRE(take(window, quota(100, 60s), 1, 1s + i * 100ms));
    SUBCASE("up: the rest is free at once")
    {
        CHECK(window.check(quota(200, 60s), 120, 10s).allowed);
        CHECK_FALSE(window.check(quota(200, 60s), 121, 10s).allowed);
    }
    SUBCASE("down: nothing until enough has left")
    {
        const Terms lower = quota(50, 60s);
        const Decision decision = window.check(lower, 1, 10s);
        CHECK_FALSE(decision.allowed);
        CHECK(decision.remaining == 0);
        CHECK(decision.next_unit == decision.wait);
        Window early = window;
        CHECK_FALSE(early.check(lower, 1, 10s + decision.wait - 1us).allowed);
        CHECK(window.check(lower, 1, 10s + decision.wait).allowed);
    }
    SUBCASE("a shorter window forgets what is older")
    {
        CHECK(window.check(quota(100, 1s), 100, 10s).allowed);
    }
    SUBCASE("a longer window keeps what is there")
    {
        CHECK(window.check(quota(100, 1h), 20, 65s).allowed);
        CHECK_FALSE(window.check(quota(100, 1h), 21, 65s).allowed);
    }
}

TEST_CASE("an older reading of the clock counts as the newest admission")
{
    const Terms q = quota(2, 10s);
    Window window;
    REQUIRE(take(window, q, 1, 20s));
    REQUIRE(take(window, q, 1, 19s));  // another worker, overtaken on its way
    const Decision decision = window.check(q, 1, 19s);
    CHECK_FALSE(decision.allowed);
    CHECK(decision.wait == 11s);  // counted from the caller's own reading
    CHECK_FALSE(window.check(q, 1, 30s - 1us).allowed);
    CHECK(window.check(q, 2, 30s).allowed);
}

TEST_CASE("an older reading in the slot of the newest admission does not let it leave early")
{
    const Terms q = quota(2, 10s);
    Window window;
    REQUIRE(take(window, q, 1, 20s + 100ms));
    REQUIRE(take(window, q, 1, 20s + 50ms));
    CHECK_FALSE(window.check(q, 1, 30s + 100ms - 1us).allowed);
    CHECK(window.check(q, 2, 30s + 100ms).allowed);
}

TEST_CASE("however the window grows, a counter stays small and late")
{
    Window window;
    Microseconds now = 100s, last{};
    for (int i = 0; i < 200; ++i, now += 1s) {
        const Terms q = quota(1000, i < 100 ? 60s : 100000s);
        REQUIRE(take(window, q, 1, now));
        CHECK(window.entries() <= 62);
        last = now;
    }
    const Terms q = quota(1000, 100000s);
    CHECK(window.check(q, 1, now).remaining <= 900);
    CHECK_FALSE(window.is_empty(q.window, last + q.window - 1us));
    CHECK(window.check(q, 1000, last + q.window).allowed);
}

TEST_CASE("a window too short to be divided still holds its promise")
{
    const Terms q = quota(2, 1us);
    Window window;
    CHECK(take(window, q, 2, 5us));
    CHECK_FALSE(take(window, q, 1, 5us));
    CHECK(take(window, q, 2, 6us));
    CHECK(take(window, quota(1, 0us), 1, 6us));  // no span at all
}
