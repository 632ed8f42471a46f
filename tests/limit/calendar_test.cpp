#include "limit/counters.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using namespace orggate;
using namespace orggate::test;

namespace {

using std::chrono::months;
using std::chrono::sys_days;
using std::chrono::year;

Microseconds first_of(std::chrono::year_month month)
{
    return sys_days(month / 1).time_since_epoch();
}

}  // namespace

TEST_CASE("every month until 2200 ends with its last microsecond, in memory and in Redis")
{
    const Terms terms = calendar_terms(10, Period::month);
    redis().text({"FLUSHALL"});
    const Program take{limit::take_script()};
    for (auto month = year(1970) / 2; month < year(2200) / 1; month += months(1)) {
        CAPTURE(int(month.year()));
        CAPTURE(unsigned(month.month()));
        const Microseconds begins = first_of(month), ends = first_of(month + months(1));
        limit::Meter meter;
        CHECK(meter.charge(terms, 1, {0s, begins}).next_unit == ends - begins);
        CHECK(meter.charge(terms, 1, {0s, ends - 1us}).next_unit == 1us);
        CHECK(meter.check(terms, 1, {0s, ends - 1us}).remaining == 8);
        CHECK(meter.check(terms, 1, {0s, ends}).remaining == 10);
        const std::vector<std::string> key{"og:q1:{o}:" + std::to_string(begins.count())};
        CHECK(take.ask(key, {exact(terms)}, begins).front().decision.next_unit == ends - begins);
        CHECK(take.ask(key, {exact(terms)}, ends - 1us).front().decision.next_unit == 1us);
        CHECK(take.ask(key, {exact(terms)}, ends).front().decision.remaining == 9);
    }
}
