// Random schedules against the real script, with the counter in memory as its twin.
// ORGGATE_LIMIT_SCHEDULES=n plays n times as many.

#include "limit/schedules.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using namespace orggate;
using namespace orggate::test;

namespace {

struct Schedule {
    std::uint64_t seed = 0;
    std::vector<Terms> rates;  // the first at the start, then any
    Microseconds longest_gap{};
    std::int64_t heaviest = 1;
    bool clock_goes_back = false;
    int operations = 200;
};

Terms random_rate(Algorithm algorithm, Dice& dice, Microseconds window)
{
    const std::int64_t units = dice.between(1, dice.one_in(2) ? 20 : 200);
    switch (algorithm) {
        case Algorithm::window: return window_terms(units, window);
        case Algorithm::bucket: return bucket_terms(units, dice.between(1, 100), window);
        case Algorithm::calendar:
            return calendar_terms(units, dice.one_in(2) ? Period::day : Period::month);
        case Algorithm::concurrent: break;
    }
    return permit_terms(units);
}

Schedule random_schedule(std::uint64_t seed, Algorithm algorithm)
{
    Dice dice(seed);
    constexpr Microseconds windows[] = {60s, 1s, 1h, 7us, 59'999'999us, 1'000'003us};
    Schedule made;
    made.seed = seed;
    made.clock_goes_back = dice.one_in(4);
    const Microseconds window = windows[dice.between(0, 5)];
    for (std::int64_t i = 0, n = dice.between(1, 3); i < n; ++i) {
        made.rates.push_back(random_rate(algorithm, dice, window));
        made.rates.back().period = made.rates.front().period;
    }
    const Terms& first = made.rates.front();
    // From far over the quota to far under it.
    made.longest_gap =
        std::max<Microseconds>(first.window / first.units * dice.between(1, 6) / 2, 1us);
    made.heaviest = dice.one_in(2) ? 1 : std::max<std::int64_t>(first.units / 3, 1);
    return made;
}

void check_same(const Answer& redis, const Answer& memory)
{
    REQUIRE(redis.decision.allowed == memory.decision.allowed);
    REQUIRE(redis.decision.remaining == memory.decision.remaining);
    REQUIRE(redis.decision.wait.count() == memory.decision.wait.count());
    REQUIRE(redis.decision.next_unit.count() == memory.decision.next_unit.count());
    REQUIRE(redis.granted == memory.granted);
    if (redis.granted > 0) REQUIRE(redis.slot == memory.slot);
}

// Alone, the weight is refused until the wait is over, and then it passes.
void check_wait(RedisCounter& counter, const Item& item, const Answer& refusal, Microseconds at)
{
    const Microseconds wait = refusal.decision.wait;
    if (wait == Microseconds::max()) {
        REQUIRE_FALSE(counter.look(item, at + 24h * 400).decision.allowed);
        return;
    }
    REQUIRE(wait > 0us);
    REQUIRE_FALSE(counter.look(item, at + wait - 1us).decision.allowed);
    REQUIRE(counter.look(item, at + wait).decision.allowed);
}

struct Played {
    std::vector<Admission> log;
    int refused = 0;
};

Played play(const Schedule& schedule)
{
    Dice dice(schedule.seed + 1'000'000);
    RedisCounter counter;
    MemoryCounter twin;
    if (schedule.clock_goes_back) counter.live_forever();
    Played played;
    Microseconds now = 1'772'366'400s + dice.time(24h * 40);
    Terms terms = schedule.rates.front();
    bool same_state = false;  // what a refusal leaves as it is
    for (int i = 0; i < schedule.operations; ++i) {
        CAPTURE(i);
        now += dice.time(schedule.longest_gap);
        if (dice.one_in(40)) now += terms.window / 2;
        if (schedule.clock_goes_back && dice.one_in(20)) now -= dice.time(dice.one_in(2) ? 1s : 1h);
        if (dice.one_in(50)) {
            terms =
                schedule
                    .rates[std::size_t(dice.between(0, std::int64_t(schedule.rates.size()) - 1))];
            same_state = false;
        }
        Item item = exact(terms, dice.between(1, schedule.heaviest));
        if (dice.one_in(50)) item.wanted.least = item.wanted.most = terms.units + terms.burst + 1;
        const std::string before = counter.bytes();
        const Answer answer = counter.ask(item, now);
        check_same(answer, twin.ask(item, now));
        if (answer.decision.allowed) {
            played.log.push_back({now, item.wanted.least});
            same_state = true;
        } else {
            ++played.refused;
            if (same_state && !schedule.clock_goes_back && counter.expires_at() > now)
                REQUIRE(counter.bytes() == before);
            check_wait(counter, item, answer, now);
        }
        REQUIRE(counter.bytes().size() <= 4 + 12 * (60 + 2));
    }
    if (schedule.clock_goes_back || played.log.empty()) return played;
    // Without admissions for long enough it is as new.
    const Microseconds later = std::max(counter.expires_at(), now);
    const Answer fresh = counter.look(exact(terms, 1), later);
    REQUIRE(fresh.decision.remaining ==
            (terms.algorithm == Algorithm::bucket ? terms.burst : terms.units));
    REQUIRE(fresh.decision.next_unit == 0us);
    return played;
}

std::int64_t most(const std::vector<Terms>& rates, std::int64_t Terms::*what)
{
    std::int64_t found = 0;
    for (const Terms& rate : rates)
        found = std::max(found, rate.*what);
    return found;
}

std::int64_t interval(const Terms& terms)
{
    return (terms.window.count() * 16 + terms.units - 1) / terms.units;
}

}  // namespace

TEST_CASE("no span of a window holds more than its quota, and refusals are free and true")
{
    int refused = 0;
    for (std::uint64_t seed = 1; seed <= 25 * effort(); ++seed) {
        const Schedule schedule = random_schedule(seed, Algorithm::window);
        CAPTURE(seed);
        const Played played = play(schedule);
        refused += played.refused;
        if (!schedule.clock_goes_back)
            CHECK(worst_span(played.log, schedule.rates.front().window) <=
                  most(schedule.rates, &Terms::units));
    }
    CHECK(refused > 500);
}

TEST_CASE("a bucket never gives more than its burst and its rate, and refusals are free and true")
{
    int refused = 0;
    for (std::uint64_t seed = 1; seed <= 20 * effort(); ++seed) {
        const Schedule schedule = random_schedule(seed, Algorithm::bucket);
        CAPTURE(seed);
        const Played played = play(schedule);
        refused += played.refused;
        std::int64_t least = interval(schedule.rates.front());
        for (const Terms& rate : schedule.rates)
            least = std::min(least, interval(rate));
        if (!schedule.clock_goes_back)
            CHECK(worst_excess(played.log, most(schedule.rates, &Terms::burst), least) <= 0);
    }
    CHECK(refused > 500);
}

TEST_CASE("no day and no month holds more than its quota, and refusals are free and true")
{
    int refused = 0;
    for (std::uint64_t seed = 1; seed <= 20 * effort(); ++seed) {
        const Schedule schedule = random_schedule(seed, Algorithm::calendar);
        CAPTURE(seed);
        const Played played = play(schedule);
        refused += played.refused;
        if (schedule.clock_goes_back) continue;
        std::int64_t held = 0, period = 0;
        for (const Admission& admission : played.log) {
            const auto day = std::chrono::floor<std::chrono::days>(
                std::chrono::sys_time<Microseconds>(admission.at));
            const std::chrono::year_month_day date(day);
            const std::int64_t of = schedule.rates.front().period == Period::day
                                        ? day.time_since_epoch().count()
                                        : int(date.year()) * 12 + int(unsigned(date.month()));
            held = of == period ? held + admission.units : admission.units;
            period = of;
            REQUIRE(held <= most(schedule.rates, &Terms::units));
        }
    }
    CHECK(refused > 500);
}

TEST_CASE("the limits of a request are charged together or not at all")
{
    const Program take{telling_life(limit::take_script())};
    int refused = 0;
    for (std::uint64_t seed = 1; seed <= 15 * effort(); ++seed) {
        CAPTURE(seed);
        Dice dice(seed);
        redis().text({"FLUSHALL"});
        std::vector<std::string> keys;
        std::vector<Item> items;
        std::vector<MemoryCounter> twins;
        for (std::int64_t i = 0, n = dice.between(2, 4); i < n; ++i) {
            const auto algorithm = static_cast<Algorithm>(dice.between(0, 2));
            keys.push_back("og:xx:{org}:" + std::to_string(i));
            items.push_back(exact(random_rate(algorithm, dice, 60s)));
            items.back().enforced = i == 0 || !dice.one_in(4);
        }
        twins.resize(keys.size());
        Microseconds now = 1'772'366'400s;
        for (int operation = 0; operation < 100; ++operation) {
            CAPTURE(operation);
            now += dice.time(500ms);
            bool passes = true;
            std::vector<bool> fits;
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const std::int64_t weight = dice.between(1, 5);
                items[i].wanted = {weight, weight, 1};
                fits.push_back(twins[i].look(items[i], now).decision.allowed);
                passes = passes && (fits[i] || !items[i].enforced);
            }
            refused += !passes;
            const auto answers = take.ask(keys, items, now);
            for (std::size_t i = 0; i < keys.size(); ++i) {
                CAPTURE(i);
                if (passes && fits[i]) twins[i].ask(items[i], now);
                REQUIRE(answers[i].decision.allowed == fits[i]);
                REQUIRE(answers[i].granted == (passes && fits[i] ? items[i].wanted.least : 0));
                REQUIRE(answers[i].decision.remaining ==
                        twins[i].look(items[i], now).decision.remaining);
            }
        }
    }
    CHECK(refused > 100);
}
