#include "limit/lease_fleet.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>

using namespace std::chrono_literals;
using orggate::Microseconds;
using orggate::limit::Algorithm;
using orggate::limit::Terms;
using orggate::test::Fleet;
using orggate::test::FleetPlan;
using orggate::test::FleetResult;
using orggate::test::worst_span;

namespace {

// ORGGATE_LONG=1: more schedules, all of the ten minutes.
bool is_long()
{
    const char* value = std::getenv("ORGGATE_LONG");
    return value && std::string(value) == "1";
}

Terms window(std::int64_t units, Microseconds length, Microseconds lease)
{
    Terms terms;
    terms.units = units;
    terms.window = length;
    terms.lease = lease;
    return terms;
}

// Some seconds in the life of a small fleet in which everything goes wrong.
FleetPlan random_plan(std::uint64_t seed)
{
    std::mt19937_64 random(seed);
    const auto between = [&random](std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>(least, most)(random);
    };
    FleetPlan plan;
    plan.seed = seed;
    const Microseconds length = 1ms * between(500, 3000);
    const Microseconds lease = 1ms * between(100, 1500);
    plan.terms = window(between(1, 120), length, lease);
    plan.proxies = static_cast<int>(between(1, 6));
    plan.most_weight = between(0, 2) == 0 ? between(2, 9) : 1;
    const double limit = static_cast<double>(plan.terms.units) * 1e6 /
                         static_cast<double>(length.count()) /
                         (static_cast<double>(1 + plan.most_weight) / 2);
    plan.requests_per_second = limit * static_cast<double>(between(2, 40)) / 10;
    plan.is_bursty = between(0, 1) == 0;
    plan.duration = 2 * (length + lease) + 2s;
    plan.longest_way = 1ms * between(0, 30);
    // A call's deadline is shorter than the lease, as in the product.
    plan.patience = std::min<Microseconds>(1ms * between(5, 80), lease / 2);
    plan.lost = static_cast<double>(between(0, 10)) / 100;
    plan.refused_elsewhere = static_cast<double>(between(0, 30)) / 100;
    plan.longest_second_thought = 1ms * between(1, 400);
    plan.between_crashes = between(0, 1) == 0 ? 0s : 2s;
    plan.stored = plan.terms;
    return plan;
}

int schedules()
{
    return is_long() ? 3000 : 400;
}

}  // namespace

TEST_CASE("no span of the window ever holds more than the quota, whatever goes wrong")
{
    int touched = 0;
    for (int seed = 1; seed <= schedules(); ++seed) {
        CAPTURE(seed);
        const auto plan = random_plan(static_cast<std::uint64_t>(seed));
        const auto result = Fleet(plan).run();
        const auto worst = worst_span(result.spends, plan.terms.window);
        CHECK(worst <= plan.terms.units);
        touched += worst == plan.terms.units;
        CHECK(result.most_calls_of_one <= 1);
        CHECK(result.calls_beside_units == 0);
        CHECK(result.unsound_returns == 0);
        CHECK(result.unbalanced_books == 0);
        CHECK(result.units_stuck == 0);
        if (result.crashes > 0) continue;
        CHECK(static_cast<std::int64_t>(result.counts.spent - result.counts.put_back) ==
              result.spent());
    }
    // The bound is reached, so that one unit more would be seen.
    CHECK(touched > schedules() / 10);
}

TEST_CASE("the same schedules break the promise when the store counts with the plain window")
{
    int broken = 0;
    for (int seed = 1; seed <= schedules(); ++seed) {
        auto plan = random_plan(static_cast<std::uint64_t>(seed));
        plan.stored.lease = 0s;
        const auto result = Fleet(plan).run();
        broken += worst_span(result.spends, plan.terms.window) > plan.terms.units;
    }
    MESSAGE("broken with the plain window: " << broken << " of " << schedules());
    CHECK(broken > schedules() / 20);
}

TEST_CASE("a bucket's envelope holds for the fleet, whatever goes wrong")
{
    // The most by which a span (a, b] exceeds what the rate gives in it: at most the burst.
    const auto worst = [](const FleetResult& result, double per_microsecond) {
        double most = 0, least_before = 0, units = 0;
        for (const auto& spend : result.spends) {
            const double given = static_cast<double>(spend.at.count()) * per_microsecond;
            least_before = std::min(least_before, units - given);
            units += static_cast<double>(spend.units);
            most = std::max(most, units - given - least_before);
        }
        return most;
    };
    int touched = 0, broken_in_a_whole_bucket = 0;
    for (int seed = 1; seed <= schedules(); ++seed) {
        CAPTURE(seed);
        auto plan = random_plan(static_cast<std::uint64_t>(seed));
        plan.terms.algorithm = Algorithm::bucket;
        const auto units = static_cast<double>(plan.terms.units);
        const auto length = static_cast<double>(plan.terms.window.count());
        const auto lease = static_cast<double>(plan.terms.lease.count());
        plan.terms.burst = static_cast<std::int64_t>(units * lease / length) + 2 + seed % 50;
        plan.stored = plan.terms;
        const auto result = Fleet(plan).run();
        const double most = worst(result, units / length);
        const auto burst = static_cast<double>(plan.terms.burst);
        CHECK(most <= burst + 1e-6);
        touched += most > burst * 0.8;
        CHECK(result.counts.returned == 0);
        CHECK(result.unbalanced_books == 0);
        if (seed % 4 != 0) continue;
        plan.stored.lease = 0s;
        broken_in_a_whole_bucket += worst(Fleet(plan).run(), units / length) > burst + 1e-6;
    }
    CHECK(touched > 0);
    CHECK(broken_in_a_whole_bucket > 0);
}

TEST_CASE("no calendar day holds more than its quota, and no unit outlives its day")
{
    for (int seed = 1; seed <= 50; ++seed) {
        CAPTURE(seed);
        FleetPlan plan;
        plan.seed = static_cast<std::uint64_t>(seed);
        plan.terms = window(200 + 10 * seed, 24h, 1s);
        plan.terms.algorithm = Algorithm::calendar;
        plan.stored = plan.terms;
        plan.proxies = 1 + seed % 5;
        plan.requests_per_second = 100;
        plan.is_bursty = seed % 4 == 0;
        plan.refused_elsewhere = 0.1;
        plan.longest_second_thought = 300ms;
        plan.duration = 20s;
        // With much of the day's quota left, and with none.
        const bool is_early = seed % 2 == 0;
        const Microseconds midnight = is_early ? 2s : 10s;
        plan.store_began += 24h - midnight;
        const auto result = Fleet(plan).run();
        std::int64_t before = 0;
        for (const auto& spend : result.spends)
            before += spend.at < midnight ? spend.units : 0;
        CHECK(before <= plan.terms.units);
        CHECK(result.spent() - before <= plan.terms.units);
        CHECK((is_early || before >= plan.terms.units * 95 / 100));
        CHECK(result.spent() - before >= plan.terms.units * 95 / 100);
    }
}

TEST_CASE("a saturated fleet is admitted what the longer window leaves of the quota")
{
    struct Row {
        std::string name;
        int proxies;
        std::int64_t units;
        Microseconds length, lease;
        double times_the_limit;
    };
    const Row rows[] = {
        {"one proxy", 1, 1000, 10s, 1s, 3},
        {"five proxies", 5, 1000, 10s, 1s, 3},
        {"five proxies, a short lease", 5, 1000, 5s, 100ms, 5},
        {"twenty proxies", 20, 2000, 10s, 500ms, 2},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        FleetPlan plan;
        plan.terms = plan.stored = window(row.units, row.length, row.lease);
        plan.proxies = row.proxies;
        const double seconds = 100;
        plan.duration = 100s;
        plan.longest_way = 500us;
        const double length = std::chrono::duration<double>(row.length).count();
        const double lease = std::chrono::duration<double>(row.lease).count();
        const auto units = static_cast<double>(row.units);
        plan.requests_per_second = row.times_the_limit * units / length;
        const auto result = Fleet(plan).run();
        CHECK(worst_span(result.spends, row.length) <= row.units);
        const double least = units * seconds / ((length + lease) * (1 + 1.0 / 60));
        CHECK(static_cast<double>(result.spent()) >= least);
    }
}

TEST_CASE("units of a proxy that died are free again after the window, the lease and one slot")
{
    const Terms terms = window(100, 60s, 1s);
    orggate::limit::Meter store;
    const auto at = [](Microseconds time) { return orggate::limit::Times{time, time}; };
    const Microseconds granted = 1h;
    REQUIRE(store.grant(terms, {1, 40, 1}, at(granted)).units == 40);
    CHECK(store.check(terms, 61, at(granted + 1s)).wait > 0s);
    CHECK(store.check(terms, 100, at(granted + 61s + 61s / 60)).allowed);
}

TEST_CASE("calls per request, leased and exact")
{
    struct Row {
        int proxies;
        std::int64_t units, offered;  // per minute
        double exact, leased;         // calls per request that are expected
        int minutes;                  // in the short form
    };
    const Row rows[] = {
        {10, 100, 150, 0.89, 0.86, 10},
        {10, 1'000, 1'500, 0.72, 0.58, 10},
        {10, 6'000, 9'000, 0.68, 0.18, 5},
        {10, 60'000, 90'000, 0.67, 0.026, 3},
        {50, 6'000, 9'000, 0.70, 0.55, 5},
        {50, 60'000, 54'000, 1.00, 0.11, 1},
    };
    const auto run = [](const Row& row, Microseconds lease, int minutes) {
        FleetPlan plan;
        plan.terms = plan.stored = window(row.units, 1min, lease);
        plan.has_book = lease > 0s;
        plan.proxies = row.proxies;
        plan.requests_per_second = static_cast<double>(row.offered) / 60;
        plan.duration = std::chrono::minutes(minutes);
        plan.longest_way = 500us;
        return Fleet(plan).run();
    };
    std::string table = "\nproxies  limit/min  offered/min  exact (ref)  leased (ref)  "
                        "grants  returns  along  admitted of limit  minutes\n";
    for (const Row& row : rows) {
        CAPTURE(row.proxies);
        CAPTURE(row.units);
        const int minutes = is_long() ? 10 : row.minutes;
        const auto exact = run(row, 0s, minutes);
        const auto leased = run(row, 1s, minutes);

        CHECK(worst_span(leased.spends, 1min) <= row.units);
        CHECK(exact.calls_per_request() >= row.exact * 0.8);
        CHECK(exact.calls_per_request() <= row.exact * 1.2);
        CHECK(leased.calls_per_request() <= row.leased * 1.2);
        const double requests = static_cast<double>(leased.requests);
        const double limit = static_cast<double>(row.units) * minutes;
        const double admitted = static_cast<double>(leased.spent()) / limit;
        const bool is_saturated = row.offered > row.units;
        if (is_saturated && row.units >= 6000) CHECK(admitted >= 0.95);
        if (!is_saturated) CHECK(leased.spent() == leased.offered);

        char line[200];
        std::snprintf(line, sizeof line,
            "%7d %10lld %12lld  %.3f (%.2f)  %.3f (%.3f)  %.3f  %.4f  %.4f  %.4f  %d\n",
            row.proxies, static_cast<long long>(row.units), static_cast<long long>(row.offered),
            exact.calls_per_request(), row.exact, leased.calls_per_request(), row.leased,
            static_cast<double>(leased.grants) / requests,
            static_cast<double>(leased.returns) / requests,
            static_cast<double>(leased.refunds_along) / requests, admitted, minutes);
        table += line;
    }
    MESSAGE(table);
}
