#include "orggate/observe/counters.hpp"

#include "observe/scratch.hpp"

#include <doctest/doctest.h>

#include <cctype>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>

using namespace std::chrono_literals;
using namespace orggate;
using namespace orggate::observe;

namespace {

CounterNames some_names()
{
    CounterNames names;
    names.routes = {"api", "pages"};
    names.upstreams = {"default"};
    names.limits = {"api"};
    return names;
}

bool has_line(const std::string& page, const std::string& line)
{
    return ("\n" + page).find("\n" + line + "\n") != std::string::npos;
}

// The name at the front of `line`, taken off.
std::string take_name(std::string_view& line)
{
    std::size_t length = 0;
    while (length < line.size() && (std::islower(line[length]) || line[length] == '_'))
        ++length;
    const std::string found(line.substr(0, length));
    line.remove_prefix(length);
    return found;
}

// Takes `"…"` with its escapes off the front.
bool take_quoted(std::string_view& line)
{
    if (!line.starts_with('"')) return false;
    std::size_t end = 1;
    while (end < line.size() && line[end] != '"')
        end += line[end] == '\\' ? 2 : 1;
    if (end >= line.size()) return false;
    line.remove_prefix(end + 1);
    return true;
}

bool take_labels(std::string_view& line)
{
    if (!line.starts_with('{')) return true;
    do {
        line.remove_prefix(1);
        if (take_name(line).empty() || !line.starts_with('=')) return false;
        line.remove_prefix(1);
        if (!take_quoted(line)) return false;
    } while (line.starts_with(','));
    if (!line.starts_with('}')) return false;
    line.remove_prefix(1);
    return true;
}

// Reads a page as a scraper would: each family opened once, all its samples below it.
std::map<std::string, std::string> types_of(const std::string& page)
{
    std::map<std::string, std::string> types;
    std::set<std::string> series;
    std::string family, announced;
    for (const std::string& text : scratch::lines(page)) {
        CAPTURE(text);
        std::string_view line = text;
        if (line.starts_with("# HELP ")) {
            line.remove_prefix(7);
            announced = take_name(line);
            REQUIRE(line.size() > 1);
        } else if (line.starts_with("# TYPE ")) {
            line.remove_prefix(7);
            family = take_name(line);
            REQUIRE(family == announced);
            REQUIRE((line == " counter" || line == " gauge" || line == " histogram"));
            REQUIRE(types.emplace(family, line.substr(1)).second);
        } else {
            const std::string name = take_name(line);
            REQUIRE(take_labels(line));
            REQUIRE(line.starts_with(' '));
            REQUIRE(line.size() > 1);
            REQUIRE(line.find(' ', 1) == line.npos);
            const bool is_part = types[family] == "histogram" &&
                                 (name == family + "_bucket" || name == family + "_sum" ||
                                     name == family + "_count");
            REQUIRE((name == family || is_part));
            REQUIRE(series.insert(text.substr(0, text.size() - line.size())).second);
        }
    }
    return types;
}

}  // namespace

TEST_CASE("every family is there from the start, once, with its type")
{
    const CounterNames names = some_names();
    const Counters counters(names);
    const auto types = types_of(render_metrics(names, {&counters}, {}));
    const std::map<std::string, std::string> wanted{{"orggate_requests_total", "counter"},
        {"orggate_refused_total", "counter"}, {"orggate_shadow_refused_total", "counter"},
        {"orggate_request_duration_seconds", "histogram"},
        {"orggate_upstream_head_seconds", "histogram"},
        {"orggate_upstream_connects_total", "counter"},
        {"orggate_upstream_connect_failures_total", "counter"},
        {"orggate_upstream_reused_total", "counter"}, {"orggate_upstream_retries_total", "counter"},
        {"orggate_limit_decisions_total", "counter"}, {"orggate_connections", "gauge"},
        {"orggate_in_flight_requests", "gauge"}, {"orggate_tunnels", "gauge"},
        {"orggate_accepted_total", "counter"}, {"orggate_accept_errors_total", "counter"},
        {"orggate_received_bytes_total", "counter"}, {"orggate_sent_bytes_total", "counter"},
        {"orggate_token_cache_hits_total", "counter"},
        {"orggate_token_cache_misses_total", "counter"},
        {"orggate_stripped_fields_total", "counter"}, {"orggate_client_aborts_total", "counter"},
        {"orggate_clients_refused_total", "counter"},
        {"orggate_tls_handshake_failures_total", "counter"},
        {"orggate_limiter_wait_seconds", "histogram"},
        {"orggate_limiter_waits_over_deadline_total", "counter"},
        {"orggate_redis_command_seconds", "histogram"}, {"orggate_redis_commands_total", "counter"},
        {"orggate_redis_failures_total", "counter"}, {"orggate_redis_connections", "gauge"},
        {"orggate_redis_connects_total", "counter"},
        {"orggate_redis_connect_failures_total", "counter"},
        {"orggate_redis_breaker_changes_total", "counter"},
        {"orggate_redis_redirects_total", "counter"},
        {"orggate_redis_script_loads_total", "counter"},
        {"orggate_deny_cache_hits_total", "counter"}, {"orggate_lease_questions_total", "counter"},
        {"orggate_lease_units_total", "counter"}, {"orggate_lease_units_held", "gauge"},
        {"orggate_exceptions_total", "counter"}};
    CHECK(types == wanted);
}

TEST_CASE("every refusal reason is there before it happens, in earnest and in shadow")
{
    const Counters counters(some_names());
    const std::string page = render_metrics(some_names(), {&counters}, {});
    for (int i = 1; i <= static_cast<int>(last_denial); ++i) {
        const std::string reason(name(static_cast<Denial>(i)));
        CHECK(has_line(page, "orggate_refused_total{reason=\"" + reason + "\"} 0"));
        CHECK(has_line(page, "orggate_shadow_refused_total{reason=\"" + reason + "\"} 0"));
    }
}

TEST_CASE("workers are summed")
{
    const CounterNames names = some_names();
    Counters a(names), b(names);
    a.routes[0].status_class[2].add(3);
    b.routes[0].status_class[2].add(4);
    b.routes[1].status_class[0].add(1);
    a.refused[static_cast<std::size_t>(Denial::quota_exhausted)].add(2);
    b.shadow_refused[static_cast<std::size_t>(Denial::role_missing)].add(5);
    b.upstreams[0].retries.add(6);
    a.limits[0].outcome[static_cast<std::size_t>(LimitOutcome::shadow_denied)].add(7);
    a.connections.add(10);
    b.connections.add(5);
    b.connections.subtract(2);
    b.exceptions.add(1);
    const std::string page = render_metrics(names, {&a, &b}, {});
    CHECK(has_line(page, R"(orggate_requests_total{route="api",code="2xx"} 7)"));
    CHECK(has_line(page, R"(orggate_requests_total{route="pages",code="none"} 1)"));
    CHECK(has_line(page, R"(orggate_requests_total{route="pages",code="5xx"} 0)"));
    CHECK(has_line(page, R"(orggate_refused_total{reason="quota_exhausted"} 2)"));
    CHECK(has_line(page, R"(orggate_shadow_refused_total{reason="role_missing"} 5)"));
    CHECK(has_line(page, R"(orggate_upstream_retries_total{upstream="default"} 6)"));
    CHECK(
        has_line(page, R"(orggate_limit_decisions_total{limit="api",outcome="shadow_denied"} 7)"));
    CHECK(has_line(page, "orggate_connections 13"));
    CHECK(has_line(page, "orggate_exceptions_total 1"));
}

TEST_CASE("histograms are cumulative, end in infinity, and count in seconds")
{
    const CounterNames names = some_names();
    Counters a(names), b(names);
    a.routes[0].duration.observe(1ms);
    a.routes[0].duration.observe(3ms);
    b.routes[0].duration.observe(90s);
    b.upstreams[0].head.observe(250ms);
    const std::string page = render_metrics(names, {&a, &b}, {});
    const std::string bucket = "orggate_request_duration_seconds_bucket{route=\"api\",le=";
    CHECK(has_line(page, bucket + "\"0.001\"} 1"));
    CHECK(has_line(page, bucket + "\"0.0025\"} 1"));
    CHECK(has_line(page, bucket + "\"0.005\"} 2"));
    CHECK(has_line(page, bucket + "\"60\"} 2"));
    CHECK(has_line(page, bucket + "\"+Inf\"} 3"));
    CHECK(has_line(page, "orggate_request_duration_seconds_sum{route=\"api\"} 90.004"));
    CHECK(has_line(page, "orggate_request_duration_seconds_count{route=\"api\"} 3"));
    CHECK(has_line(page, "orggate_request_duration_seconds_count{route=\"pages\"} 0"));
    CHECK(
        has_line(page, "orggate_upstream_head_seconds_bucket{upstream=\"default\",le=\"0.25\"} 1"));
    CHECK(
        has_line(page, "orggate_upstream_head_seconds_bucket{upstream=\"default\",le=\"0.1\"} 0"));
}

TEST_CASE("every counter of the store is told, summed, under a name of its own")
{
    const CounterNames names = some_names();
    Counters a(names), b(names);
    struct Row {
        const char* sample;
        Counter StoreCounters::*counter;
    };
    const Row rows[] = {
        {"limiter_waits_over_deadline_total", &StoreCounters::waits_over_deadline},
        {"redis_commands_total", &StoreCounters::commands},
        {"redis_failures_total{what=\"timeout\"}", &StoreCounters::timeouts},
        {"redis_failures_total{what=\"lost\"}", &StoreCounters::lost},
        {"redis_failures_total{what=\"refused\"}", &StoreCounters::refused_by_server},
        {"redis_failures_total{what=\"forbidden\"}", &StoreCounters::forbidden},
        {"redis_failures_total{what=\"defect\"}", &StoreCounters::defects},
        {"redis_failures_total{what=\"queue_full\"}", &StoreCounters::queue_full},
        {"redis_connects_total", &StoreCounters::connects},
        {"redis_connect_failures_total", &StoreCounters::connect_failures},
        {"redis_breaker_changes_total{to=\"open\"}", &StoreCounters::breaker_opened},
        {"redis_breaker_changes_total{to=\"closed\"}", &StoreCounters::breaker_closed},
        {"redis_redirects_total", &StoreCounters::redirects},
        {"redis_script_loads_total", &StoreCounters::script_loads},
        {"redis_connections", &StoreCounters::up},
        {"deny_cache_hits_total", &StoreCounters::deny_cache_hits},
        {"lease_questions_total", &StoreCounters::lease_questions},
        {"lease_units_total{what=\"granted\"}", &StoreCounters::lease_granted},
        {"lease_units_total{what=\"spent\"}", &StoreCounters::lease_spent},
        {"lease_units_total{what=\"put_back\"}", &StoreCounters::lease_put_back},
        {"lease_units_total{what=\"returned\"}", &StoreCounters::lease_returned},
        {"lease_units_total{what=\"lapsed\"}", &StoreCounters::lease_lapsed},
    };
    std::uint64_t n = 0;
    for (const Row& row : rows) {
        (a.store.*row.counter).add(++n);
        (b.store.*row.counter).add(1000);
    }
    a.store.wait.observe(300us);
    b.store.latency.observe(2s);
    const std::string page = render_metrics(names, {&a, &b}, {});
    n = 0;
    for (const Row& row : rows) {
        CAPTURE(row.sample);
        CHECK(has_line(
            page, "orggate_" + std::string(row.sample) + " " + std::to_string(1000 + ++n)));
    }
    CHECK(has_line(page, "orggate_limiter_wait_seconds_bucket{le=\"0.00025\"} 0"));
    CHECK(has_line(page, "orggate_limiter_wait_seconds_bucket{le=\"0.0005\"} 1"));
    CHECK(has_line(page, "orggate_limiter_wait_seconds_sum 0.0003"));
    CHECK(has_line(page, "orggate_redis_command_seconds_bucket{le=\"+Inf\"} 1"));
    CHECK(has_line(page, "orggate_redis_command_seconds_count 1"));
}

TEST_CASE("the units a process holds are what it was granted and has not lost again")
{
    struct Row {
        const char* name;
        std::uint64_t granted, spent, put_back, returned, lapsed;
        const char* held;
    };
    const CounterNames names = some_names();
    for (const Row& row : {
             Row{"nothing yet", 0, 0, 0, 0, 0, "0"},
             Row{"all there", 20, 0, 0, 0, 0, "20"},
             Row{"one of each kind", 20, 6, 1, 2, 3, "10"},
             Row{"all gone", 20, 11, 1, 6, 4, "0"},
             Row{"read between two of them", 20, 21, 0, 0, 0, "0"},
         }) {
        CAPTURE(row.name);
        // Half of it at one worker, half at the other: 20 there are 10 and 10.
        Counters a(names), b(names);
        for (Counters* worker : {&a, &b}) {
            StoreCounters& store = worker->store;
            const auto half = [&](std::uint64_t n) { return worker == &a ? n / 2 : n - n / 2; };
            store.lease_granted.add(half(row.granted));
            store.lease_spent.add(half(row.spent));
            store.lease_put_back.add(half(row.put_back));
            store.lease_returned.add(half(row.returned));
            store.lease_lapsed.add(half(row.lapsed));
        }
        const std::string page = render_metrics(names, {&a, &b}, {});
        CHECK(has_line(page, "orggate_lease_units_held " + std::string(row.held)));
    }
}

TEST_CASE("every outcome of a limit has its word")
{
    const CounterNames names = some_names();
    Counters counters(names);
    for (std::size_t i = 0; i < limit_outcomes; ++i)
        counters.limits[0].outcome[i].add(i + 1);
    const std::string page = render_metrics(names, {&counters}, {});
    std::size_t i = 0;
    for (const char* word : {"allowed", "denied", "denied_locally", "shadow_denied", "bypassed",
             "fallback_allowed", "fallback_denied", "error_open", "error_closed"}) {
        CAPTURE(word);
        CHECK(has_line(page, "orggate_limit_decisions_total{limit=\"api\",outcome=\"" +
                                 std::string(word) + "\"} " + std::to_string(++i)));
    }
    CHECK(i == limit_outcomes);
}

TEST_CASE("labels are escaped, and bytes that would break the page are replaced")
{
    CounterNames names;
    names.routes = {"a\"b\\c\nd", "\xC3\xA9", "\xFF", "}{,"};
    const Counters counters(names);
    const std::string page = render_metrics(names, {&counters}, {});
    types_of(page);
    CHECK(has_line(page, R"(orggate_requests_total{route="a\"b\\c\nd",code="2xx"} 0)"));
    CHECK(has_line(page, "orggate_requests_total{route=\"\xC3\xA9\",code=\"2xx\"} 0"));
    CHECK(has_line(page, R"(orggate_requests_total{route="?",code="2xx"} 0)"));
    CHECK(has_line(page, R"(orggate_requests_total{route="}{,",code="2xx"} 0)"));
}

TEST_CASE("process metrics of one name stand together under one head")
{
    const std::vector<ProcessMetric> process{
        {"key_fetches_total", "Fetches of keys.", "counter", "result=\"ok\"", 12},
        {"build_info", "What this is.", "gauge", "version=\"1\"", 1},
        {"key_fetches_total", "Fetches of keys.", "counter", "result=\"failed\"", 0},
        {"uptime_seconds", "Since start.", "gauge", "", 1.5},
        {"odd", "Not a number.", "gauge", "", std::numeric_limits<double>::quiet_NaN()},
    };
    const std::string page = render_metrics({}, {}, process);
    CHECK(types_of(page).count("orggate_key_fetches_total") == 1);
    CHECK(page.ends_with("# HELP orggate_key_fetches_total Fetches of keys.\n"
                         "# TYPE orggate_key_fetches_total counter\n"
                         "orggate_key_fetches_total{result=\"ok\"} 12\n"
                         "orggate_key_fetches_total{result=\"failed\"} 0\n"
                         "# HELP orggate_build_info What this is.\n"
                         "# TYPE orggate_build_info gauge\n"
                         "orggate_build_info{version=\"1\"} 1\n"
                         "# HELP orggate_uptime_seconds Since start.\n"
                         "# TYPE orggate_uptime_seconds gauge\n"
                         "orggate_uptime_seconds 1.5\n"
                         "# HELP orggate_odd Not a number.\n"
                         "# TYPE orggate_odd gauge\n"
                         "orggate_odd NaN\n"));
}

TEST_CASE("organisations are counted by the label that is wanted, or not at all")
{
    CounterNames names;
    SUBCASE("off")
    {
        Counters counters(names);
        counters.count_org("org_a", false);
        CHECK(render_metrics(names, {&counters}, {}).find("org_requests") == std::string::npos);
    }
    SUBCASE("by id, summed over workers")
    {
        names.org_labels = CounterNames::OrgLabels::ids;
        Counters a(names), b(names);
        a.count_org("org_a", false);
        b.count_org("org_a", false);
        b.count_org("org_a", true);
        const std::string page = render_metrics(names, {&a, &b}, {});
        CHECK(types_of(page).at("orggate_org_requests_total") == "counter");
        CHECK(has_line(page, R"(orggate_org_requests_total{org="org_a",verdict="allowed"} 2)"));
        CHECK(has_line(page, R"(orggate_org_requests_total{org="org_a",verdict="refused"} 1)"));
    }
    SUBCASE("hashed")
    {
        names.org_labels = CounterNames::OrgLabels::hashed;
        Counters counters(names);
        counters.count_org("foobar", false);
        const std::string page = render_metrics(names, {&counters}, {});
        CHECK(has_line(
            page, R"(orggate_org_requests_total{org="85944171f73967e8",verdict="allowed"} 1)"));
        CHECK(page.find("foobar") == page.npos);
    }
    SUBCASE("only the busiest are shown")
    {
        names.org_labels = CounterNames::OrgLabels::ids;
        names.org_top = 2;
        Counters counters(names);
        for (const auto& [id, times] :
            std::map<std::string, int>{{"a", 1}, {"b", 3}, {"c", 2}, {"d", 3}})
            for (int i = 0; i < times; ++i)
                counters.count_org(id, false);
        const std::string page = render_metrics(names, {&counters}, {});
        CHECK(page.find("org=\"b\"") < page.find("org=\"d\""));
        CHECK(page.find("org=\"d\"") != page.npos);
        CHECK(page.find("org=\"a\"") == page.npos);
        CHECK(page.find("org=\"c\"") == page.npos);
    }
}
