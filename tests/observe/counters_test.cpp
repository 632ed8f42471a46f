#include "orggate/observe/counters.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <thread>

using namespace std::chrono_literals;
using namespace orggate;
using namespace orggate::observe;

TEST_CASE("a counter adds and subtracts")
{
    Counter counter;
    CHECK(counter.value() == 0);
    counter.add();
    counter.add(41);
    CHECK(counter.value() == 42);
    counter.subtract();
    counter.subtract(2);
    CHECK(counter.value() == 39);
}

TEST_CASE("a duration falls into the first bucket whose bound it does not exceed")
{
    struct Row {
        const char* name;
        Microseconds duration;
        std::size_t bucket;
    };
    for (const Row& row :
        {Row{"nothing", 0us, 0}, Row{"negative", -1us, 0}, Row{"at the first bound", 100us, 0},
            Row{"past the first bound", 101us, 1}, Row{"at 2.5 ms", 2500us, 4},
            Row{"past 2.5 ms", 2501us, 5}, Row{"at Redis's deadline", 25ms, 7},
            Row{"past it", 25001us, 8}, Row{"at a second", 1s, 12}, Row{"at the last", 60s, 15},
            Row{"past the last", 60s + 1us, 16}, Row{"hours", 5h, 16}}) {
        CAPTURE(row.name);
        Histogram histogram;
        histogram.observe(row.duration);
        for (std::size_t i = 0; i < histogram.buckets.size(); ++i)
            CHECK(histogram.buckets[i].value() == (i == row.bucket));
        CHECK(histogram.sum_us.value() ==
              static_cast<std::uint64_t>(std::max(row.duration, 0us).count()));
    }
}

TEST_CASE("there is a place for every name and every refusal")
{
    CounterNames names;
    names.routes = {"a", "b"};
    names.upstreams = {"u"};
    names.limits = {"x", "y", "z"};
    Counters counters(names);
    CHECK(counters.routes.size() == 2);
    CHECK(counters.upstreams.size() == 1);
    CHECK(counters.limits.size() == 3);
    counters.refused[static_cast<std::size_t>(last_denial)].add();
    counters.shadow_refused[static_cast<std::size_t>(last_denial)].add();
    counters.limits[2].outcome[static_cast<std::size_t>(LimitOutcome::error_closed)].add();
}

TEST_CASE("a page can be rendered while the worker counts")
{
    CounterNames names;
    names.routes = {"a"};
    names.org_labels = CounterNames::OrgLabels::ids;
    Counters counters(names);
    std::thread worker([&] {
        for (int i = 0; i < 2000; ++i) {
            counters.routes[0].status_class[2].add();
            counters.routes[0].duration.observe(1ms);
            counters.count_org("org_" + std::to_string(i % 300), i % 7 == 0);
        }
    });
    std::string page;
    for (int i = 0; i < 10; ++i)
        page = render_metrics(names, {&counters}, {});
    worker.join();
    page = render_metrics(names, {&counters}, {});
    CHECK(page.find("orggate_requests_total{route=\"a\",code=\"2xx\"} 2000\n") != page.npos);
}
