// One table of cases: the same answers are wanted from the counters in memory and from those
// in Redis. Times are offsets from the start of the case.

#include "limit/counters.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using namespace orggate;
using namespace orggate::test;

namespace {

constexpr Microseconds never = Microseconds::max();

Microseconds utc(int year, unsigned month, unsigned day, Microseconds time = {})
{
    using std::chrono::sys_days;
    const sys_days date{
        std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day)};
    return date.time_since_epoch() + time;
}

struct Step {
    Microseconds at{};
    std::int64_t weight = 1;
    // What is wanted.
    bool allowed = true;
    std::int64_t remaining = 0;
    Microseconds wait{}, next{};
    // A lease: up to `most`, shared by `askers`; so many are granted.
    std::int64_t most = 0, askers = 1, granted = -1;
    // First so many units of the grant of this step (counted from 0) go back.
    std::int64_t back = 0;
    std::size_t of = 0;
    std::optional<Terms> terms{};  // from now on
    std::int64_t held = -1;        // concurrent: first so many are left
};

Step allowed(Microseconds at, std::int64_t weight, std::int64_t remaining, Microseconds next)
{
    return {.at = at, .weight = weight, .remaining = remaining, .next = next};
}

Step refused(Microseconds at, std::int64_t weight, std::int64_t remaining, Microseconds wait,
    Microseconds next)
{
    return {.at = at,
        .weight = weight,
        .allowed = false,
        .remaining = remaining,
        .wait = wait,
        .next = next};
}

Step leased(Microseconds at, std::int64_t most, std::int64_t askers, std::int64_t granted,
    std::int64_t remaining, Microseconds next)
{
    return {.at = at,
        .remaining = remaining,
        .next = next,
        .most = most,
        .askers = askers,
        .granted = granted};
}

Step with(Terms terms, Step step)
{
    step.terms = terms;
    return step;
}

Step returning(std::int64_t units, std::size_t of, Step step)
{
    step.back = units;
    step.of = of;
    return step;
}

Step holding(std::int64_t held, Step step)
{
    step.held = held;
    return step;
}

struct Case {
    std::string name;
    Terms terms;
    std::vector<Step> steps;
    Microseconds start = utc(2026, 3, 1, 12h);
};

const std::vector<Case>& cases()
{
    static const std::vector<Case> all{
        {"window: the first units pass at once, the next waits for the first to leave",
            window_terms(3, 60s),
            {allowed(0s, 1, 2, 60s), allowed(10s, 2, 0, 50s), refused(20s, 1, 0, 40s, 40s),
                refused(20s, 2, 0, 50s, 40s), refused(60s - 1us, 1, 0, 1us, 1us),
                allowed(60s, 1, 0, 10s), refused(70s - 1us, 1, 0, 1us, 1us),
                allowed(70s, 2, 0, 50s)}},
        {"window: admissions of one slot leave together, with the last of them",
            window_terms(3, 60s),
            {allowed(0s, 1, 2, 60s), allowed(900ms, 1, 1, 60s), refused(60s, 3, 1, 900ms, 900ms),
                allowed(60s + 900ms, 3, 0, 60s)}},
        {"window: the edge of a minute is no gift", window_terms(100, 60s),
            {allowed(59s + 999ms, 100, 0, 60s),
                refused(60s + 1ms, 1, 0, 59s + 998ms, 59s + 998ms)}},
        {"window: a weight above the quota never passes and harms nobody", window_terms(5, 10s),
            {refused(0s, 6, 5, never, 0s), allowed(0s, 1, 4, 10s), refused(1s, 6, 4, never, 9s),
                allowed(1s, 4, 0, 9s), refused(1s, 6, 0, never, 9s)}},
        {"window: weight nought takes nothing", window_terms(2, 10s),
            {allowed(0s, 0, 2, 0s), allowed(0s, 2, 0, 10s), allowed(1s, 0, 0, 9s)}},
        {"window: a raised rate is in force at once and keeps the count", window_terms(100, 60s),
            {allowed(0s, 80, 20, 60s), with(window_terms(200, 60s), allowed(10s, 120, 0, 50s)),
                refused(10s, 1, 0, 50s, 50s)}},
        {"window: a lowered rate refuses until enough has left", window_terms(100, 60s),
            {allowed(0s, 40, 60, 60s), allowed(10s, 40, 20, 50s),
                with(window_terms(50, 60s), refused(20s, 1, 0, 40s, 40s)),
                allowed(60s, 1, 9, 10s)}},
        {"window: a longer window keeps what is there, a shorter one forgets what is older",
            window_terms(10, 60s),
            {allowed(0s, 5, 5, 60s), allowed(50s, 5, 0, 10s),
                with(window_terms(10, 600s), refused(50s, 1, 0, 550s, 550s)),
                with(window_terms(10, 30s), refused(50s, 6, 5, 30s, 30s)),
                allowed(50s, 5, 0, 30s)}},
        {"window: a clock that went back by a second stands still until it caught up",
            window_terms(2, 60s),
            {allowed(10s, 1, 1, 60s), allowed(9s, 1, 0, 61s), refused(9s, 1, 0, 61s, 61s),
                refused(70s - 1us, 1, 0, 1us, 1us), allowed(70s, 2, 0, 60s)}},
        {"window: a clock that went back by more takes the count along", window_terms(2, 60s),
            {allowed(3600s, 1, 1, 60s), allowed(3610s, 1, 0, 50s), refused(0s, 1, 0, 50s, 50s),
                refused(50s - 1us, 1, 0, 1us, 1us), allowed(50s, 1, 0, 10s)}},
        {"window: an hour back and refused again and again, it still opens after a window",
            window_terms(1, 60s),
            {allowed(3600s, 1, 0, 60s), refused(0s, 1, 0, 60s, 60s), refused(30s, 1, 0, 30s, 30s),
                allowed(60s, 1, 0, 60s)}},
        {"window: a second and a microsecond back is more than a second", window_terms(1, 60s),
            {allowed(10s, 1, 0, 60s), refused(9s - 1us, 1, 0, 60s, 60s),
                allowed(69s - 1us, 1, 0, 60s)}},
        {"window: a refusal forgets nothing that a clock which goes back would bring again",
            window_terms(2, 60s),
            {allowed(0s, 1, 1, 60s), allowed(30s, 1, 0, 30s), refused(70s, 2, 1, 20s, 20s),
                refused(9s, 1, 0, 30s, 30s)}},
        {"window: leased units stay counted for the lease longer", window_terms(10, 60s, 1s),
            {leased(0s, 10, 1, 5, 5, 61s), leased(10s, 10, 1, 3, 2, 51s),
                leased(20s, 10, 1, 1, 1, 41s), leased(30s, 10, 1, 1, 0, 31s),
                refused(60s, 1, 0, 1s, 1s), allowed(61s, 1, 4, 10s)}},
        {"window: the share of a lease falls with those who ask", window_terms(100, 60s, 1s),
            {leased(0s, 100, 10, 5, 95, 61s), leased(0s, 3, 10, 3, 92, 61s),
                leased(0s, 100, 100, 1, 91, 61s), leased(0s, 100, 1, 46, 45, 61s)}},
        {"window: units that were not spent come back to their own entry",
            window_terms(10, 60s, 1s),
            {leased(0s, 10, 1, 5, 5, 61s), leased(10s, 10, 1, 3, 2, 51s),
                returning(4, 0, allowed(11s, 1, 5, 50s)), returning(9, 1, allowed(12s, 1, 7, 49s)),
                returning(9, 0, allowed(13s, 1, 7, 59s)),
                returning(9, 0, allowed(14s, 1, 6, 58s))}},
        {"window: a grant that has left is not given back twice", window_terms(4, 60s),
            {leased(0s, 4, 1, 2, 2, 60s), allowed(30s, 1, 1, 30s),
                returning(2, 0, allowed(60s, 1, 2, 30s))}},
        {"window: what is given back counts also for a request that is refused",
            window_terms(4, 60s),
            {leased(0s, 4, 1, 2, 2, 60s), allowed(10s, 2, 0, 50s),
                returning(1, 0, refused(20s, 3, 1, 50s, 40s)), allowed(20s, 1, 0, 40s)}},

        {"bucket: the burst at once, then one at a time", bucket_terms(60, 3, 60s),
            {allowed(0s, 2, 1, 1s), allowed(0s, 1, 0, 1s), refused(0s, 1, 0, 1s, 1s),
                refused(0s, 3, 0, 3s, 1s), refused(1s - 1us, 1, 0, 1us, 1us), allowed(1s, 1, 0, 1s),
                allowed(2500ms, 1, 0, 500ms), allowed(60s, 3, 0, 1s)}},
        {"bucket: full again after its time", bucket_terms(60, 3, 60s),
            {allowed(0s, 3, 0, 1s), allowed(3s - 1us, 0, 2, 1us), allowed(3s, 0, 3, 0s)}},
        {"bucket: a weight above the burst never passes", bucket_terms(60, 3, 60s),
            {refused(0s, 4, 3, never, 0s), allowed(0s, 3, 0, 1s), refused(0s, 4, 0, never, 1s),
                allowed(1s, 1, 0, 1s)}},
        {"bucket: intervals that are no whole microseconds are rounded up",
            bucket_terms(7, 1, 10us),
            {allowed(0s, 1, 0, 2us), refused(1us, 1, 0, 1us, 1us), allowed(2us, 1, 0, 2us)}},
        {"bucket: a lowered rate keeps the count in units", bucket_terms(60, 100, 60s),
            {allowed(0s, 80, 20, 1s), with(bucket_terms(6, 100, 60s), allowed(0s, 20, 0, 10s)),
                refused(0s, 1, 0, 10s, 10s)}},
        {"bucket: a raised rate keeps the count in units and is in force at once",
            bucket_terms(6, 10, 60s),
            {allowed(0s, 10, 0, 10s), with(bucket_terms(60, 10, 60s), refused(0s, 1, 0, 1s, 1s)),
                refused(500ms, 1, 0, 500ms, 500ms), allowed(1s, 1, 0, 1s)}},
        {"bucket: a smaller burst refuses until enough has come back", bucket_terms(60, 100, 60s),
            {allowed(0s, 80, 20, 1s), with(bucket_terms(60, 50, 60s), refused(0s, 1, 0, 31s, 31s)),
                refused(10s, 1, 0, 21s, 21s), allowed(31s, 1, 0, 1s)}},
        {"bucket: a clock that went back by a second stands still", bucket_terms(60, 2, 60s),
            {allowed(10s, 2, 0, 1s), refused(9s, 1, 0, 2s, 2s), refused(10s, 1, 0, 1s, 1s),
                allowed(11s, 1, 0, 1s)}},
        {"bucket: a clock that went back by more takes the bucket along", bucket_terms(60, 2, 60s),
            {allowed(3600s, 2, 0, 1s), refused(0s, 1, 0, 1s, 1s),
                refused(500ms, 1, 0, 500ms, 500ms), allowed(1s, 1, 0, 1s)}},
        {"bucket: leased, it is smaller by what comes back meanwhile",
            bucket_terms(60, 10, 60s, 2500ms),
            {refused(0s, 8, 7, never, 0s), allowed(0s, 7, 0, 1s), refused(0s, 1, 0, 1s, 1s)}},
        {"bucket: of a lease longer than the burst one unit is left", bucket_terms(60, 2, 60s, 10s),
            {allowed(0s, 1, 0, 1s), refused(0s, 1, 0, 1s, 1s)}},
        {"bucket: units come back less their age", bucket_terms(60, 100, 60s),
            {leased(0s, 100, 1, 50, 50, 1s), returning(40, 0, allowed(10s, 0, 90, 1s)),
                returning(5, 0, allowed(10s, 0, 90, 1s))}},
        {"bucket: older units than their worth do not come back", bucket_terms(60, 100, 60s),
            {leased(0s, 10, 1, 10, 90, 1s), allowed(9s, 90, 9, 1s),
                returning(9, 0, allowed(9s, 0, 9, 1s)), returning(10, 0, allowed(9s, 0, 10, 1s))}},
        {"bucket: nothing comes back across a change of the rate", bucket_terms(60, 100, 60s),
            {leased(0s, 100, 1, 50, 50, 1s),
                with(bucket_terms(6, 100, 60s), allowed(1s, 1, 50, 10s)),
                returning(50, 0, allowed(1s, 0, 50, 10s))}},
        {"bucket: nothing comes back across a clock that went back", bucket_terms(60, 100, 60s),
            {leased(10s, 100, 1, 50, 50, 1s), returning(50, 0, allowed(0s, 0, 50, 1s)),
                returning(50, 0, allowed(11s, 0, 61, 1s))}},

        {"calendar: a day ends at midnight in UTC", calendar_terms(3, Period::day),
            {allowed(0s, 2, 1, 12h), refused(1h, 2, 1, 11h, 11h), allowed(1h, 1, 0, 11h),
                refused(12h - 1us, 1, 0, 1us, 1us), allowed(12h, 3, 0, 24h)}},
        {"calendar: a month ends with its last day", calendar_terms(3, Period::month),
            {allowed(0s, 3, 0, 1h), refused(1h - 1us, 1, 0, 1us, 1us), allowed(1h, 1, 2, 24h * 30)},
            utc(2026, 3, 31, 23h)},
        {"calendar: February has 28 days", calendar_terms(1, Period::month),
            {allowed(0s, 1, 0, 24h), allowed(24h, 1, 0, 24h * 31)}, utc(2026, 2, 28)},
        {"calendar: and in a leap year 29", calendar_terms(1, Period::month),
            {allowed(0s, 1, 0, 48h), refused(24h, 1, 0, 24h, 24h), allowed(48h, 1, 0, 24h * 31)},
            utc(2028, 2, 28)},
        {"calendar: a leap day is a day", calendar_terms(1, Period::day),
            {allowed(0s, 1, 0, 24h), allowed(24h, 1, 0, 24h)}, utc(2028, 2, 29)},
        {"calendar: a century without a leap day", calendar_terms(1, Period::month),
            {allowed(0s, 1, 0, 24h), allowed(24h, 1, 0, 24h * 31)}, utc(2100, 2, 28)},
        {"calendar: the year ends in December", calendar_terms(1, Period::month),
            {allowed(0s, 1, 0, 1s), allowed(1s, 1, 0, 24h * 31)}, utc(2026, 12, 31, 24h - 1s)},
        {"calendar: a weight above the quota never passes", calendar_terms(3, Period::day),
            {refused(0s, 4, 3, never, 0s), allowed(0s, 3, 0, 12h), refused(0s, 4, 0, never, 12h)}},
        {"calendar: a changed rate keeps the count", calendar_terms(100, Period::day),
            {allowed(0s, 80, 20, 12h),
                with(calendar_terms(50, Period::day), refused(0s, 1, 0, 12h, 12h)),
                with(calendar_terms(200, Period::day), allowed(0s, 120, 0, 12h))}},
        {"calendar: days that become a month keep today's count", calendar_terms(10, Period::day),
            {allowed(0s, 8, 2, 12h),
                with(calendar_terms(10, Period::month), allowed(0s, 1, 1, 24h * 22 + 12h)),
                refused(24h, 2, 1, 24h * 21 + 12h, 24h * 21 + 12h)},
            utc(2026, 3, 9, 12h)},
        {"calendar: a clock that went back over midnight by a second stays in the new day",
            calendar_terms(2, Period::day),
            {allowed(0s, 2, 0, 24h), refused(-1s, 1, 0, 24h + 1s, 24h + 1s),
                refused(24h - 1us, 1, 0, 1us, 1us), allowed(24h, 2, 0, 24h)},
            utc(2026, 3, 2)},
        {"calendar: by more, and the count moves to the day that is",
            calendar_terms(2, Period::day),
            {allowed(0s, 2, 0, 24h), refused(-2s, 1, 0, 2s, 2s), allowed(1s, 1, 1, 24h - 1s)},
            utc(2026, 3, 2)},
        {"calendar: months back, refused, and open again the next day",
            calendar_terms(1, Period::day),
            {allowed(0s, 1, 0, 12h), refused(-24h * 60, 1, 0, 12h, 12h),
                allowed(-24h * 60 + 12h, 1, 0, 24h)}},
        {"calendar: a refusal forgets nothing that a clock which goes back would bring again",
            calendar_terms(2, Period::day),
            {allowed(0s, 2, 0, 12h), refused(13h, 3, 2, never, 0s), refused(11h, 1, 0, 1h, 1h)}},
        {"calendar: leases and what comes back of them", calendar_terms(10, Period::day),
            {leased(0s, 10, 1, 5, 5, 12h), returning(4, 0, allowed(1h, 1, 8, 11h)),
                returning(99, 0, allowed(1h, 0, 10, 0s)), allowed(13h, 1, 9, 23h),
                returning(5, 0, allowed(13h, 1, 8, 23h))}},

        {"concurrent: so many at the same time", permit_terms(2),
            {allowed(0s, 1, 1, 0s), allowed(1s, 1, 0, 0s), refused(2s, 1, 0, 0s, 0s),
                refused(2s, 3, 0, never, 0s), holding(1, allowed(3s, 1, 0, 0s)),
                holding(0, allowed(4s, 2, 0, 0s)), refused(5s, 1, 0, 0s, 0s)}},
        {"concurrent: a lowered number refuses until enough is given back", permit_terms(3),
            {allowed(0s, 3, 0, 0s), with(permit_terms(2), refused(1s, 1, 0, 0s, 0s)),
                holding(2, refused(2s, 1, 0, 0s, 0s)), holding(1, allowed(3s, 1, 0, 0s))}},

        {"nothing is allowed of nothing", window_terms(0, 60s), {refused(0s, 1, 0, never, 0s)}},
        {"nothing is allowed of nothing, bucket", bucket_terms(0, 0, 60s),
            {refused(0s, 1, 0, never, 0s)}},
        {"nothing is allowed of nothing, calendar", calendar_terms(0, Period::day),
            {refused(0s, 1, 0, never, 0s)}},
    };
    return all;
}

bool goes_back(const Case& given)
{
    return !std::is_sorted(given.steps.begin(), given.steps.end(),
        [](const Step& a, const Step& b) { return a.at < b.at; });
}

template <class Counter>
void play(const Case& given, Counter counter)
{
    Terms terms = given.terms;
    std::vector<std::int64_t> slots;
    for (const Step& step : given.steps) {
        CAPTURE(slots.size());
        const Microseconds at = given.start + step.at;
        if (step.terms) terms = *step.terms;
        if (step.held >= 0) counter.hold(step.held, terms, at);
        Item item = exact(terms, step.weight);
        if (step.most > 0) item.wanted = {1, step.most, step.askers};
        if (step.back > 0) item.refund = {step.back, slots.at(step.of)};
        const Answer answer = counter.ask(item, at);
        slots.push_back(answer.slot);
        CHECK(answer.decision.allowed == step.allowed);
        CHECK(answer.decision.remaining == step.remaining);
        CHECK(answer.decision.wait.count() == step.wait.count());
        CHECK(answer.decision.next_unit.count() == step.next.count());
        const std::int64_t granted = step.most > 0 ? step.granted : step.allowed * step.weight;
        CHECK(answer.granted == granted);
    }
}

}  // namespace

TEST_CASE("a counter in memory answers as the table says")
{
    for (const Case& row : cases()) {
        CAPTURE(row.name);
        play(row, MemoryCounter());
    }
}

TEST_CASE("a counter in Redis answers as the table says")
{
    for (const Case& row : cases()) {
        CAPTURE(row.name);
        RedisCounter counter;
        if (goes_back(row)) counter.live_forever();
        play(row, std::move(counter));
    }
}

TEST_CASE("what somebody else admitted is charged above the quota")
{
    const limit::Times now{100s, utc(2026, 3, 1)};
    struct Row {
        std::string name;
        Terms terms;
        Microseconds wait;
    };
    const Row rows[] = {{"window", window_terms(5, 60s), 60s},
        {"bucket", bucket_terms(5, 5, 60s), 12s * 8},
        {"calendar", calendar_terms(5, Period::day), 24h}, {"concurrent", permit_terms(5), 0s}};
    for (const Row& row : rows) {
        CAPTURE(row.name);
        limit::Meter meter;
        CHECK(meter.charge(row.terms, 12, now).allowed);
        const auto decision = meter.check(row.terms, 1, now);
        CHECK_FALSE(decision.allowed);
        CHECK(decision.remaining == 0);
        CHECK(decision.wait == row.wait);
        CHECK_FALSE(meter.is_empty(row.terms, now));
        meter.release(12);
        CHECK(meter.is_empty(row.terms, {now.steady + 144s, now.wall + 24h + 2s}));
    }
}

TEST_CASE("charges beyond all measure stay countable")
{
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    const limit::Times now{100s, utc(2026, 3, 1)};
    for (const Terms& terms : {window_terms(most, 24h * 366), bucket_terms(1, most, 24h * 366),
             bucket_terms(most, most, 1us), calendar_terms(most, Period::month),
             permit_terms(most)}) {
        limit::Meter meter;
        for (int i = 0; i < 3; ++i) {
            meter.charge(terms, 1'000'000'000'000, now);
            CHECK(meter.check(terms, 1, now).remaining >= 0);
            CHECK(meter.check(terms, most, now).wait == never);
        }
    }
}

TEST_CASE("a counter asked under another algorithm starts anew")
{
    limit::Meter meter;
    const limit::Times now{100s, utc(2026, 3, 1)};
    meter.charge(window_terms(2, 60s), 2, now);
    CHECK_FALSE(meter.check(window_terms(2, 60s), 1, now).allowed);
    CHECK(meter.check(bucket_terms(2, 2, 60s), 2, now).allowed);
    CHECK(meter.check(window_terms(2, 60s), 2, now).allowed);
}

TEST_CASE("a share is at least one unit, and nothing of nothing")
{
    limit::Quota quota;
    quota.units = 100;
    quota.burst = 7;
    quota.window = 60s;
    quota.lease = 1s;
    quota.algorithm = Algorithm::bucket;
    CHECK(limit::terms_of(quota).units == 100);
    CHECK(limit::terms_of(quota).burst == 7);
    CHECK(limit::terms_of(quota).lease == 1s);
    CHECK(limit::terms_of(quota, 3).units == 33);
    CHECK(limit::terms_of(quota, 3).burst == 2);
    CHECK(limit::terms_of(quota, 1000).units == 1);
    CHECK(limit::terms_of(quota, 0).units == 100);
    quota.units = 0;
    CHECK(limit::terms_of(quota, 3).units == 0);
}
