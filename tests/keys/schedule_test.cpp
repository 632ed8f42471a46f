#include "keys/schedule.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace orggate;
using namespace orggate::keys;

namespace {

const Schedule::Time start{std::chrono::hours(5)};
constexpr Seconds refresh{300}, max_age{3600};

Schedule schedule()
{
    return {refresh, max_age, start};
}

}  // namespace

TEST_CASE("the first fetch is due at once and keys that never came have no end")
{
    const Schedule fresh = schedule();
    CHECK(fresh.next_fetch() == start);
    CHECK(fresh.keys_end() == Schedule::Time::max());
}

TEST_CASE("after success the next fetch comes within the refresh interval, up to a tenth early")
{
    struct Row {
        std::string name;
        double random;
        Milliseconds wanted;
    };
    const Row rows[] = {
        {"least", 0.0, Milliseconds(300'000)},
        {"half", 0.5, Milliseconds(285'000)},
        {"most", 0.9999999, Milliseconds(270'001)},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Schedule one = schedule();
        one.succeeded(Cause::due, start, row.random);
        CHECK(one.next_fetch() - start == row.wanted);
        CHECK(one.keys_end() == start + max_age);
    }
}

TEST_CASE("failures wait below a bound that doubles from one second to sixty")
{
    const int bounds[] = {1, 2, 4, 8, 16, 32, 60, 60};
    Schedule lowest = schedule(), highest = schedule();
    for (const int bound : bounds) {
        CAPTURE(bound);
        lowest.failed(Cause::due, start, 0.0);
        highest.failed(Cause::due, start, 0.9999999);
        CHECK(lowest.next_fetch() - start == least_backoff);
        CHECK(highest.next_fetch() - start <= Seconds(bound));
        CHECK(highest.next_fetch() - start >= Milliseconds(bound * 1000 - 1));
    }
    highest.succeeded(Cause::due, start, 0.0);
    highest.failed(Cause::due, start, 0.9999999);
    CHECK(highest.next_fetch() - start <= Seconds(1));
}

TEST_CASE("a failure never waits longer than the refresh interval")
{
    Schedule one(Seconds(5), max_age, start);
    for (int i = 0; i < 10; ++i)
        one.failed(Cause::due, start, 0.9999999);
    CHECK(one.next_fetch() - start <= Seconds(5));
}

TEST_CASE("an early fetch is taken once per cooldown, whatever comes of it")
{
    Schedule one = schedule();
    CHECK(one.take_early(start));
    one.failed(Cause::asked, start, 0.5);
    CHECK_FALSE(one.take_early(start));
    CHECK_FALSE(one.take_early(start + cooldown - Milliseconds(1)));
    CHECK(one.take_early(start + cooldown));
    one.succeeded(Cause::asked, start + cooldown, 0.5);
    CHECK_FALSE(one.take_early(start + cooldown + cooldown - Milliseconds(1)));
    CHECK(one.take_early(start + cooldown + cooldown));
}

TEST_CASE("asking never moves the regular fetch, in neither direction")
{
    Schedule one = schedule();
    one.succeeded(Cause::due, start, 0.0);
    const auto regular = one.next_fetch();
    for (auto now = start; now < regular; now += cooldown) {
        CHECK(one.take_early(now));
        one.succeeded(Cause::asked, now, 0.9);
        one.failed(Cause::asked, now, 0.9);
        CHECK(one.next_fetch() == regular);
    }
    one.failed(Cause::due, regular, 0.9999999);
    CHECK(one.next_fetch() - regular <= first_backoff);
}

TEST_CASE("keys end by their age, counted from any good fetch and no failed one")
{
    Schedule one = schedule();
    one.succeeded(Cause::due, start, 0.0);
    one.failed(Cause::due, start + Seconds(300), 0.5);
    one.failed(Cause::asked, start + Seconds(301), 0.5);
    CHECK(one.keys_end() == start + max_age);
    one.succeeded(Cause::asked, start + Seconds(400), 0.5);
    CHECK(one.keys_end() == start + Seconds(400) + max_age);
    one.keys_dropped();
    CHECK(one.keys_end() == Schedule::Time::max());
}
