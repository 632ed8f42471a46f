#include "orggate/limit/breaker.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace std::chrono_literals;
using orggate::limit::backoff;
using orggate::limit::Breaker;

namespace {

using Time = Breaker::Time;
constexpr Time start{1h};

// F and s: a question failed, succeeded. P and p: a probe failed, succeeded. O: the
// connection is lost. Each `step` after the one before.
bool is_open_after(std::string_view story, std::chrono::microseconds step = 1ms)
{
    Breaker breaker;
    Time now = start;
    for (const char event : story) {
        now += step;
        if (event == 'F') breaker.failed(now);
        if (event == 's') breaker.succeeded(now);
        if (event == 'P') breaker.probe_failed(now);
        if (event == 'p') breaker.probe_succeeded(now);
        if (event == 'O') breaker.open(now);
    }
    return breaker.is_open();
}

std::string times(int count, std::string_view text)
{
    std::string out;
    for (int i = 0; i < count; ++i)
        out += text;
    return out;
}

}  // namespace

TEST_CASE("a breaker opens and closes as its story says")
{
    struct Row {
        std::string name, story;
        bool open;
        std::chrono::microseconds step = 1ms;
    };
    const Row rows[] = {
        {"nothing happened", "", false},
        {"four failures in a row", "FFFF", false},
        {"five", "FFFFF", true},
        {"five, however slowly", "FFFFF", true, 10s},
        {"a success ends the row", "FFFFsFFFF", false},
        {"half of nineteen, one short of enough questions", times(9, "Fs") + "F", false},
        {"half of twenty", "ss" + times(9, "Fs"), false},  // 9 of 20
        {"half of twenty, the last of them a failure", "s" + times(9, "sF") + "F", true},
        {"half of them failed, and a success completes the twenty", times(10, "Fs"), false},
        {"and then one more fails", times(10, "Fs") + "F", true},
        {"less than half of many", times(300, "ssF"), false},
        {"half of twenty, spread over more than a second", "s" + times(9, "sF") + "F", false, 60ms},
        {"half of twenty within just less than a second", "s" + times(9, "sF") + "F", true,
            52'631us},
        {"half of twenty, the first of them a whole second old", "s" + times(9, "sF") + "F", false,
            52'632us},
        {"half of twenty, behind a good one that is a whole second old", "s" + times(10, "sF"),
            true, 50ms},
        {"half of twenty, behind a good one that is just younger", "s" + times(10, "sF"), false,
            49'999us},
        {"many good ones, then failures of less than half", times(96, "s") + times(31, "FFFFs"),
            false},
        {"many good ones, then half", times(96, "s") + times(32, "FFFFs"), true},
        {"of very many the latest count", times(5000, "s") + times(200, "FFFFs"), true, 10us},
        {"a lost connection", "O", true},
        {"two good probes", "Opp", true},
        {"three", "Oppp", false},
        {"three, not in a row", "OppPp", true},
        {"three in a row after a bad one", "OppPppp", false},
        {"lost again between good probes", "OppOp", true},
        {"lost again, then three", "OppOppp", false},
        {"answers to older questions close nothing", "O" + times(50, "s"), true},
        {"nor do they spoil the probes", "OppFFFFFp", false},
        {"failures while open do not count after it closed", "OFFFFFpppFFFF", false},
        {"nor do those before", "FFFFFpppFFFF", false},
        {"nor does what the second before it held", times(19, "sF") + "OpppF", false},
        {"a breaker that closed opens again", "OpppFFFFF", true},
        {"probes while closed mean nothing", "pppFFFFppp", false},
        {"and do not count when it opens", "ppOp", true},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        CHECK(is_open_after(row.story, row.step) == row.open);
    }
}

TEST_CASE("only the event that opens or closes a breaker says so")
{
    Breaker breaker;
    for (int i = 0; i < 4; ++i)
        CHECK_FALSE(breaker.failed(start));
    CHECK(breaker.failed(start));
    CHECK_FALSE(breaker.failed(start));
    CHECK_FALSE(breaker.open(start));
    CHECK_FALSE(breaker.probe_succeeded(start));
    CHECK_FALSE(breaker.probe_succeeded(start));
    CHECK(breaker.probe_succeeded(start));
    CHECK_FALSE(breaker.probe_succeeded(start));
    CHECK(breaker.open(start));
    CHECK_FALSE(breaker.open(start));
}

TEST_CASE("the wait before a new attempt is anything up to a ceiling that doubles to two seconds")
{
    struct Row {
        int failures;
        std::chrono::milliseconds middle, most;
    };
    for (const Row& row :
        {Row{0, 25ms, 50ms}, Row{1, 50ms, 100ms}, Row{2, 100ms, 200ms}, Row{3, 200ms, 400ms},
            Row{4, 400ms, 800ms}, Row{5, 800ms, 1600ms}, Row{6, 1000ms, 2000ms},
            Row{7, 1000ms, 2000ms}, Row{1'000'000, 1000ms, 2000ms}, Row{-1, 25ms, 50ms}}) {
        CAPTURE(row.failures);
        CHECK(backoff(row.failures, 0.0) == 5ms);
        CHECK(backoff(row.failures, 0.5) == row.middle);
        CHECK(backoff(row.failures, 0.9999999) == row.most);
        CHECK(backoff(row.failures, 7.0) == row.most);
        CHECK(backoff(row.failures, -7.0) == 5ms);
    }
    CHECK(backoff(1, 0.049) == 5ms);
    CHECK(backoff(1, 0.06) == 6ms);
}
