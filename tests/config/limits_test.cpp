#include "config/loading.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

using namespace orggate;
using namespace std::chrono_literals;
using test::loaded;
using test::minimal;
using test::mistakes;

TEST_CASE("one rate carries the limit's name, each of a list its window's as well")
{
    const auto config = loaded(
        minimal +
        "limits:\n"
        "  one: { rate: 100/1m }\n"
        "  two: { rate: [20/1s, 1000/1h], plans: { pro: 5/1s, 'org:max': [9/1s, 8/1d] } }\n");
    REQUIRE(config->limits.size() == 2);
    const auto& one = *config->limits[0];
    REQUIRE(one.quotas.size() == 1);
    CHECK(one.quotas[0].name == "one");
    CHECK(one.quotas[0].units == 100);
    CHECK(one.quotas[0].window == 1min);
    const auto& two = *config->limits[1];
    REQUIRE(two.quotas.size() == 2);
    CHECK(two.quotas[0].name == "two-1s");
    CHECK(two.quotas[1].name == "two-1h");
    CHECK(two.quotas[1].window == 1h);
    REQUIRE(two.plans.size() == 2);
    CHECK(two.plans.at("pro").at(0).name == "two");
    CHECK(two.plans.at("max").at(1).name == "two-1d");
    CHECK(config->names.limits == std::vector<std::string>{"one", "two"});
}

TEST_CASE("a limit's other words")
{
    const auto config = loaded(
        minimal +
        "limits: { a: { rate: 1/1s, algorithm: window, per: org, mode: exact, on_error: closed, "
        "shadow: true }, b: { rate: 1/1s } }\n");
    CHECK(config->limits[0]->on_error == limit::OnError::closed);
    CHECK(config->limits[0]->shadow);
    CHECK(config->limits[1]->on_error == limit::OnError::local);
    CHECK_FALSE(config->limits[1]->shadow);
}

TEST_CASE("rates at their borders, and one past them")
{
    const auto is_good = [](const std::string& rate) {
        return config::load(minimal + "limits: { a: { rate: " + rate + " } }\n", "",
                   test::World().surroundings())
                   .config != nullptr;
    };
    CHECK(is_good("1/1s"));
    CHECK_FALSE(is_good("0/1s"));
    CHECK(is_good("1000000000/1s"));
    CHECK_FALSE(is_good("1000000001/1s"));
    CHECK_FALSE(is_good("1/999ms"));
    CHECK(is_good("1/1000ms"));
    CHECK_FALSE(is_good("1/1500ms"));
    CHECK(is_good("1/31d"));
    CHECK_FALSE(is_good("1/2678401s"));
}

namespace {

// The first quota of `limits: { api: { … } }`.
limit::Quota quota_of(const std::string& keys)
{
    const auto config = loaded(minimal + "limits: { api: { " + keys + " } }\n");
    REQUIRE_FALSE(config->limits[0]->quotas.empty());
    return config->limits[0]->quotas[0];
}

bool is_good(const std::string& keys)
{
    return config::load(
               minimal + "limits: { api: { " + keys + " } }\n", "", test::World().surroundings())
               .config != nullptr;
}

bool is_warned(const std::string& keys, const std::string& of)
{
    return mistakes(minimal + "limits: { api: { " + keys + " } }\n").find(of) != std::string::npos;
}

}  // namespace

TEST_CASE("a window has neither burst nor period nor lease unless it says so")
{
    const auto quota = quota_of("rate: 100/1m");
    CHECK(quota.algorithm == limit::Algorithm::window);
    CHECK(quota.burst == 0);
    CHECK(quota.lease == 0us);
    CHECK(quota_of("rate: 6000/1m, mode: leased").lease == 1s);
    CHECK(quota_of("rate: 6000/1m, mode: exact").lease == 0us);
}

TEST_CASE("a bucket's burst is its own, or the units of each rate")
{
    const auto quota = quota_of("rate: 100/1m, algorithm: bucket");
    CHECK(quota.algorithm == limit::Algorithm::bucket);
    CHECK(quota.burst == 100);
    CHECK(quota_of("rate: 100/1m, algorithm: bucket, burst: 20").burst == 20);
    const auto config =
        loaded(minimal + "limits: { a: { rate: [9/1s, 50/1m], algorithm: bucket, burst: 20, "
                         "plans: { pro: 70/1m } }, b: { rate: [9/1s, 50/1m], algorithm: "
                         "bucket, plans: { pro: 70/1m } } }\n");
    const auto &a = *config->limits[0], &b = *config->limits[1];
    CHECK(a.quotas[0].burst == 20);
    CHECK(a.quotas[1].burst == 20);
    CHECK(a.plans.at("pro")[0].burst == 20);
    CHECK(b.quotas[0].burst == 9);
    CHECK(b.quotas[1].burst == 50);
    CHECK(b.plans.at("pro")[0].burst == 70);
}

TEST_CASE("a burst at its borders, and one past them")
{
    CHECK(is_good("rate: 1000000000/1s, algorithm: bucket, burst: 1000000000"));
    CHECK_FALSE(is_good("rate: 1000000000/1s, algorithm: bucket, burst: 1000000001"));
    CHECK(is_good("rate: 1/1m, algorithm: bucket, burst: 1"));
    CHECK_FALSE(is_good("rate: 1/1m, algorithm: bucket, burst: 0"));
    // Times further away than this cannot be told apart any more.
    CHECK(is_good("rate: 1/1d, algorithm: bucket, burst: 366"));
    CHECK_FALSE(is_good("rate: 1/1d, algorithm: bucket, burst: 367"));
}

TEST_CASE("a leased bucket keeps back what its blocks may hold, and needs more than that")
{
    struct Row {
        std::string keys;
        bool good;
    };
    for (const auto& row : std::vector<Row>{
             {"rate: 6000/1m, burst: 101", true},  // 100 a second
             {"rate: 6000/1m, burst: 100", false},
             {"rate: 6001/1m, burst: 102", true},  // rounded up
             {"rate: 6001/1m, burst: 101", false},
             {"rate: 2/2s", true},
             {"rate: 2/1s", false},
             {"rate: 1/1m, burst: 2", true},
             {"rate: 1/1m, burst: 1", false},
             {"rate: 1000000000/31d", true},
         }) {
        CAPTURE(row.keys);
        CHECK(is_good(row.keys + ", algorithm: bucket, mode: leased") == row.good);
        CHECK(is_good(row.keys + ", algorithm: bucket"));
    }
}

TEST_CASE("a calendar counts days and months, and nothing else does")
{
    const auto day = quota_of("rate: 10/1d, algorithm: calendar");
    CHECK(day.algorithm == limit::Algorithm::calendar);
    CHECK(day.period == limit::Period::day);
    CHECK(day.window == 24h);
    const auto month = quota_of("rate: 10/1mo, algorithm: calendar");
    CHECK(month.period == limit::Period::month);
    CHECK(month.window == 31 * 24h);
    const auto both =
        loaded(minimal + "limits: { q: { rate: [5/1d, 100/1mo], algorithm: calendar } }\n");
    CHECK(both->limits[0]->quotas[0].name == "q-1d");
    CHECK(both->limits[0]->quotas[1].name == "q-1mo");
    for (const std::string rate : {"1/1h", "1/24h", "1/2d", "1/31d", "1/2mo", "1/1y"}) {
        CAPTURE(rate);
        CHECK_FALSE(is_good("rate: " + rate + ", algorithm: calendar"));
    }
    CHECK_FALSE(is_good("rate: 1/1mo"));
    CHECK_FALSE(is_good("rate: 1/1mo, algorithm: bucket"));
    CHECK(quota_of("rate: 1/1d").algorithm == limit::Algorithm::window);
}

TEST_CASE("what is held at once stands beside the rate, or alone")
{
    const auto config =
        loaded(minimal + "limits: { a: { rate: 1/1s, concurrent: 5, mode: leased }, b: { "
                         "concurrent: 1000000, per: user, on_error: closed, shadow: true }, c: { "
                         "rate: 1/1s } }\n");
    const auto& a = *config->limits[0];
    CHECK(a.quotas.size() == 1);
    CHECK(a.concurrent.units == 5);
    CHECK(a.concurrent.name == "a-concurrent");
    CHECK(a.concurrent.algorithm == limit::Algorithm::concurrent);
    CHECK(a.concurrent.window == 0us);
    CHECK(a.concurrent.lease == 0us);
    const auto& b = *config->limits[1];
    CHECK(b.quotas.empty());
    CHECK(b.concurrent.units == 1'000'000);
    CHECK(b.per == limit::Per::user);
    CHECK(b.on_error == limit::OnError::closed);
    CHECK(b.shadow);
    CHECK(config->limits[2]->concurrent.units == 0);
    CHECK_FALSE(is_good("concurrent: 0"));
    CHECK_FALSE(is_good("concurrent: 1000001"));
}

TEST_CASE("whom a limit counts, and who counts where there is none")
{
    using limit::Otherwise;
    using limit::Per;
    struct Row {
        std::string keys;
        Per per;
        Otherwise otherwise;
    };
    for (const auto& row : std::vector<Row>{
             {"", Per::org, Otherwise::refuse},
             {", per: org", Per::org, Otherwise::refuse},
             {", per: user, otherwise: ip", Per::user, Otherwise::ip},
             {", per: org_user, otherwise: skip", Per::org_user, Otherwise::skip},
             {", otherwise: ip", Per::org, Otherwise::ip},
             {", per: ip", Per::ip, Otherwise::refuse},
         }) {
        CAPTURE(row.keys);
        const auto config = loaded(minimal + "limits: { api: { rate: 1/1s" + row.keys + " } }\n");
        CHECK(config->limits[0]->per == row.per);
        CHECK(config->limits[0]->otherwise == row.otherwise);
    }
}

TEST_CASE("a route holds only limits whose subject it guarantees, or that say what else")
{
    struct Row {
        std::string per, access;
        bool guaranteed;
    };
    for (const auto& row : std::vector<Row>{
             {"org", "org", true},
             {"org", "signed_in", false},
             {"org", "public", false},
             {"user", "org", true},
             {"user", "signed_in", true},
             {"user", "public", false},
             {"org_user", "org", true},
             {"org_user", "signed_in", false},
             {"org_user", "public", false},
             {"ip", "org", true},
             {"ip", "signed_in", true},
             {"ip", "public", true},
         }) {
        CAPTURE(row.per);
        CAPTURE(row.access);
        for (const std::string otherwise : {"", "ip", "skip"}) {
            CAPTURE(otherwise);
            if (row.per == "ip" && !otherwise.empty()) continue;
            const auto keys = "limits: { a: { rate: 1/1s, per: " + row.per +
                              (otherwise.empty() ? "" : ", otherwise: " + otherwise) + " } }\n";
            const auto is_good = [&](const std::string& rest) {
                return config::load(minimal + keys + rest, "", test::World().surroundings())
                           .config != nullptr;
            };
            const bool wanted = row.guaranteed || !otherwise.empty();
            const auto route = "routes: [{ name: r, paths: [/r], access: " + row.access;
            CHECK(is_good(route + ", limits: [a] }]\n") == wanted);
            CHECK(is_good(route + ", limits: { a: 2 } }]\n") == wanted);
            CHECK(is_good("default: { access: " + row.access + ", limits: [a] }\n") == wanted);
        }
    }
}

TEST_CASE("no two rates of a list share a name, and with it a counter")
{
    const auto config = loaded(minimal + "limits: { a: { rate: [9/1s, 9/90s, 9/2m, 9/1h, 9/1d], "
                                         "plans: { pro: [9/60s, 9/60m] } } }\n");
    const auto names = [](const std::vector<limit::Quota>& quotas) {
        std::string all;
        for (const auto& quota : quotas)
            all += quota.name + " ";
        return all;
    };
    CHECK(names(config->limits[0]->quotas) == "a-1s a-90s a-2m a-1h a-1d ");
    CHECK(names(config->limits[0]->plans.at("pro")) == "a-60s a-60m ");
    for (const std::string rates : {"[9/1m, 8/60s]", "[9/1h, 8/60m]", "[9/1d, 8/24h]"}) {
        CAPTURE(rates);
        CHECK(mistakes(minimal + "limits: { a: { rate: " + rates + " } }\n")
                  .find("two rates have this window") != std::string::npos);
    }
}

TEST_CASE("routes of access org inherit what the default counts, others do not")
{
    const auto config =
        loaded(minimal + "limits: { a: { rate: 1/1s, per: user } }\n"
                         "default: { access: signed_in, limits: [a] }\n"
                         "routes:\n"
                         "  - { name: member, paths: [/m], access: org }\n"
                         "  - { name: none, paths: [/n], access: org, limits: [] }\n"
                         "  - { name: user, paths: [/u], access: signed_in }\n"
                         "  - { name: open, paths: [/o], access: public }\n");
    const auto& rules = config->rules.rules();
    CHECK(rules[0].limits.size() == 1);
    CHECK(rules[1].limits.empty());
    CHECK(rules[2].limits.empty());
    CHECK(rules[3].limits.empty());
    CHECK(rules[4].limits.size() == 1);
}

TEST_CASE("leases are warned of where they save nothing or cost much of the rate")
{
    const std::string vain = "leases save nothing", shortened = "so short a window";
    CHECK(is_warned("rate: 5999/1m, mode: leased", vain));
    CHECK_FALSE(is_warned("rate: 6000/1m, mode: leased", vain));
    CHECK_FALSE(is_warned("rate: 60/1m, mode: exact", vain));
    // One plan for which it pays is enough; of several rates the slowest decides.
    CHECK_FALSE(is_warned("rate: 100/1m, plans: { big: 60000/1m }, mode: leased", vain));
    CHECK(is_warned("rate: [1000/10s, 1000/1h], mode: leased", vain));
    CHECK(is_warned("rate: 1000/9s, mode: leased", shortened));
    CHECK(is_warned("rate: 1000/1s, mode: leased", "about 50 % of its rate"));
    CHECK_FALSE(is_warned("rate: 1000/10s, mode: leased", shortened));
    CHECK_FALSE(is_warned("rate: 1000/2s, algorithm: bucket, mode: leased", shortened));
}

TEST_CASE("what is special about an organisation")
{
    const auto config =
        loaded(minimal + "limits: { api: { rate: 1/1m }, exports: { rate: 1/1h } }\n"
                         "tenants:\n"
                         "  org_1: { bypass: all, reason: internal }\n"
                         "  org_2: { bypass: [api], until: 2027-03-01T00:00:00Z }\n"
                         "  org_3: { limits: { api: [5/1s, 20000/1m] } }\n"
                         "  org_4: { blocked: true }\n"
                         "  org_5: { bypass: exports }\n"
                         "bypass: [org_6]\n");
    const auto& all = config->tenants.all();
    REQUIRE(all.size() == 6);
    CHECK(all.at("org_1").bypass_all);
    CHECK(all.at("org_1").reason == "internal");
    CHECK_FALSE(all.at("org_2").bypass_all);
    CHECK(all.at("org_2").bypass == std::vector<std::string>{"api"});
    CHECK(all.at("org_2").until == std::chrono::system_clock::time_point(1803859200s));
    REQUIRE(all.at("org_3").limits.at("api").size() == 2);
    CHECK(all.at("org_3").limits.at("api")[1].units == 20000);
    CHECK(all.at("org_3").limits.at("api")[0].name == "api-1s");
    CHECK(all.at("org_4").blocked);
    CHECK(all.at("org_5").bypass == std::vector<std::string>{"exports"});
    CHECK(all.at("org_6").bypass_all);
}

TEST_CASE("in a list, all is the name of a limit and nothing else")
{
    CHECK(mistakes(minimal + "tenants: { org_1: { bypass: [all] } }\n")
              .find("expected all, or the name of a limit") != std::string::npos);
}

TEST_CASE("organisation ids are org_ and letters, digits or underscores")
{
    const auto is_good = [](const std::string& id) {
        return mistakes(minimal + "bypass: ['" + id + "']\n").find("expected an organisation id") ==
               std::string::npos;
    };
    CHECK(is_good("org_2abcDEF"));
    CHECK(is_good("org_" + std::string(124, 'a')));
    CHECK_FALSE(is_good("org_" + std::string(125, 'a')));
    for (const std::string id : {"org_", "org", "acme", "ORG_1", "org_a b", "org_a-b", "user_1"}) {
        CAPTURE(id);
        CHECK_FALSE(is_good(id));
    }
}
