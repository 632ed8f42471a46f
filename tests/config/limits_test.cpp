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
