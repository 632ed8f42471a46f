// Whose clock counts, how long a key lives, and what must fail where either is wrong.

#include "limit/counters.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using namespace orggate;
using namespace orggate::test;

namespace {

constexpr Microseconds start = 1'772'366'400s;

// Drains the counter, pauses for less than the window, and so on for a window.
std::int64_t drained_with_pauses(std::string_view take, const Terms& terms)
{
    RedisCounter counter(take);
    std::int64_t passed = 0;
    for (Microseconds at = 0us; at < 60s; at += 2200ms)
        while (counter.ask(exact(terms), start + at).decision.allowed)
            ++passed;
    return passed;
}

// Two proxies that take turns; each passes its own clock as the time, or none.
std::int64_t passed_by_two(std::optional<Microseconds> ahead)
{
    redis().text({"FLUSHALL"});
    const Program take{limit::take_script()};
    const Item item = exact(window_terms(100, 60s));
    std::int64_t passed = 0;
    for (int i = 0; i < 400; ++i) {
        const auto clock = ahead ? std::optional(start + i % 2 * *ahead) : std::nullopt;
        passed += take.ask({"og:w1:{o}:a"}, {item}, clock).front().granted;
    }
    return passed;
}

}  // namespace

TEST_CASE("pauses shorter than the window give nothing back")
{
    CHECK(drained_with_pauses(limit::take_script(), window_terms(100, 60s)) == 100);
    // A burst of 100, and one each 600 ms in 59.4 s.
    CHECK(drained_with_pauses(limit::take_script(), bucket_terms(100, 100, 60s)) <= 199);
}

TEST_CASE("a key that lives for two seconds would give everything back in each pause")
{
    const std::string wrong = spoiled(limit::take_script(), "ceil(ttls[key] / 1000) + 1", "2000");
    CHECK(drained_with_pauses(wrong, window_terms(100, 60s)) > 100);
    CHECK(drained_with_pauses(wrong, bucket_terms(100, 100, 60s)) > 199);
}

TEST_CASE("the end of one minute and the start of the next share one limit")
{
    RedisCounter counter;
    const Terms terms = window_terms(100, 60s);
    std::int64_t passed = 0;
    for (const Microseconds at : {start + 59'999'000us, start + 60'001'000us})
        for (int i = 0; i < 100; ++i)
            passed += counter.ask(exact(terms), at).granted;
    CHECK(passed == 100);
}

TEST_CASE("an oversized weight is refused and the next of weight one passes")
{
    for (const Terms& terms : {window_terms(5, 60s), bucket_terms(5, 5, 60s),
             calendar_terms(5, Period::day), permit_terms(5)}) {
        RedisCounter counter;
        CHECK(counter.ask(exact(terms, 6), start).decision.wait == Microseconds::max());
        CHECK(counter.bytes().empty());
        CHECK(counter.ask(exact(terms, 1), start).decision.remaining == 4);
    }
}

TEST_CASE("proxies whose clocks are ten minutes apart share one limit")
{
    CHECK(passed_by_two(std::nullopt) == 100);
    // What would happen if a proxy's own clock were the time.
    CHECK(passed_by_two(10min) > 100);
}
