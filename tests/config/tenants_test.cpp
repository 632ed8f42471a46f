#include "config/loading.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

using namespace orggate;
using namespace std::chrono_literals;
using config::tenant_from_text;
using limit::Algorithm;
using test::loaded;
using test::minimal;

namespace {

const std::string limits =
    "limits:\n"
    "  api: { rate: 100/1m, plans: { pro: 200/1m } }\n"
    "  smooth: { rate: 6000/1m, algorithm: bucket, burst: 500, mode: leased }\n"
    "  free: { rate: 10/1m, algorithm: bucket }\n"
    "  quota: { rate: 1000/1mo, algorithm: calendar }\n"
    "  edge: { rate: 5/1s, per: ip }\n"
    "  mine: { rate: 20/1h, per: user }\n"
    "  ours: { rate: 20/1h, per: org_user }\n"
    "  slots: { concurrent: 3 }\n";

std::shared_ptr<const config::Config> with_limits()
{
    return loaded(minimal + limits);
}

config::LoadedTenants from_file(const std::string& yaml)
{
    return config::load_tenants(yaml, "t.yaml", *with_limits(), test::World().surroundings());
}

}  // namespace

TEST_CASE("an organisation's own rates count as the limit does")
{
    const auto config = loaded(minimal + limits +
                               "tenants: { org_1: { limits: { api: [5/1s, 50/1m], smooth: "
                               "12000/1m, free: 70/1m, quota: [9/1d, 99/1mo] } } }\n");
    const auto& own = config->tenants.all().at("org_1").limits;
    CHECK(own.at("api")[1].algorithm == Algorithm::window);
    CHECK(own.at("api")[1].name == "api-1m");
    const auto& smooth = own.at("smooth")[0];
    CHECK(smooth.algorithm == Algorithm::bucket);
    CHECK(smooth.units == 12000);
    CHECK(smooth.burst == 500);  // the limit says it
    CHECK(smooth.lease == 1s);
    CHECK(own.at("free")[0].burst == 70);  // nobody says it: the rate's units
    CHECK(own.at("free")[0].lease == 0s);
    CHECK(own.at("quota")[0].period == limit::Period::day);
    CHECK(own.at("quota")[1].period == limit::Period::month);
    CHECK(own.at("quota")[1].name == "quota-1mo");
}

TEST_CASE("the tenants file stands beside the configuration, unless it says where")
{
    test::World world;
    const auto path_of = [&](const std::string& file, const std::string& said) {
        world.files[said] = world.files["/etc/orggate/" + said] = "";
        const auto result =
            config::load(minimal + "tenants_file: " + said + "\n", file, world.surroundings());
        REQUIRE(result.config != nullptr);
        return result.config->tenants_file;
    };
    CHECK(path_of("/etc/orggate/orggate.yaml", "tenants.yaml") == "/etc/orggate/tenants.yaml");
    CHECK(path_of("/etc/orggate/orggate.yaml", "/srv/t.yaml") == "/srv/t.yaml");
    CHECK(path_of("orggate.yaml", "tenants.yaml") == "tenants.yaml");
    CHECK(path_of("", "tenants.yaml") == "tenants.yaml");
    CHECK(loaded(minimal)->tenants_file.empty());
    // Its content is not this file's.
    const auto config = loaded(minimal + "tenants_file: tenants.yaml\n");
    CHECK(config->tenants.size() == 0);
}

TEST_CASE("an organisation may waive a limit per user in itself, and not change its rate")
{
    const std::string tenants = "tenants: { org_1: { ";
    const auto free = from_file(tenants + "bypass: [mine, ours] } }\n");
    REQUIRE(free.tenants.has_value());
    CHECK(free.tenants->at("org_1").bypass == std::vector<std::string>{"mine", "ours"});
    const auto own = from_file(tenants + "limits: { ours: 3/1s } } }\n");
    REQUIRE(own.tenants.has_value());
    CHECK(own.tenants->at("org_1").limits.at("ours")[0].units == 3);
    const auto refused = from_file(tenants + "limits: { mine: 3/1s } } }\n");
    CHECK_FALSE(refused.tenants.has_value());
    REQUIRE(refused.problems.size() == 1);
    CHECK(config::to_text(refused.problems[0]) ==
          "t.yaml:1:31: tenants.org_1.limits: this limit counts a user once over all "
          "organisations; its own rate holds");
    // A fleet's text is for processes with other limits too: no reason to lose the rest of it.
    const auto told = tenant_from_text("{ limits: { mine: 3/1s, ours: 3/1s } }", *with_limits());
    REQUIRE(told.has_value());
    CHECK(told->limits.size() == 1);
    CHECK(told->limits.contains("ours"));
}

TEST_CASE("a tenants file has the keys of the configuration")
{
    const auto both = from_file("tenants:\n"
                                "  org_1: { bypass: [api], until: 2027-03-01T00:00:00Z }\n"
                                "  org_2: { limits: { smooth: 9000/1m } }\n"
                                "bypass: [org_3]\n");
    REQUIRE(both.tenants.has_value());
    CHECK(both.problems.empty());
    REQUIRE(both.tenants->size() == 3);
    CHECK(both.tenants->at("org_1").bypass == std::vector<std::string>{"api"});
    CHECK(both.tenants->at("org_1").until.has_value());
    CHECK(both.tenants->at("org_2").limits.at("smooth")[0].burst == 500);
    CHECK(both.tenants->at("org_3").bypass_all);
    const auto nobody = from_file("tenants: {}\n");
    REQUIRE(nobody.tenants.has_value());
    CHECK(nobody.tenants->empty());
    const auto one = from_file("bypass: [org_1]\n");
    REQUIRE(one.tenants.has_value());
    CHECK(one.tenants->size() == 1);
}

TEST_CASE("every mistake in a tenants file is told with its place, and none of it is used")
{
    struct Row {
        std::string yaml, wanted;
    };
    const std::string id = "expected an organisation id, which starts with org_";
    for (const auto& row :
        std::vector<Row>{
            {"", "t.yaml: the file is empty"},
            {"# nothing\n", "t.yaml: the file is empty"},
            {"- org_1\n", "t.yaml:1:1: found a list, expected a mapping"},
            {"org_1: { blocked: true }\n",
                "t.yaml:1:1: unknown key \"org_1\", expected tenants or bypass"},
            {"limits: {}\n", "t.yaml:1:1: unknown key \"limits\", expected tenants or bypass"},
            {"tenants: [org_1]\n", "t.yaml:1:10: tenants: found a list, expected a mapping of "
                                   "organisation id to its settings"},
            {"tenants:\n  acme: { blocked: true }\n", "t.yaml:2:3: tenants: found \"acme\", " + id},
            {"bypass: [acme]\n", "t.yaml:1:10: bypass[0]: found \"acme\", " + id},
            {"tenants:\n  org_1: { bypass: [other] }\n",
                "t.yaml:2:21: tenants.org_1.bypass[0]: found \"other\", expected all, or the "
                "name of a limit"},
            {"tenants:\n  org_1: { limits: { other: 5/1m } }\n",
                "t.yaml:2:22: tenants.org_1.limits: found \"other\", expected the name of a "
                "limit"},
            {"tenants:\n  org_1: { limits: { edge: 5/1m } }\n",
                "t.yaml:2:22: tenants.org_1.limits: this limit counts addresses, of no "
                "organisation"},
            {"tenants:\n  org_1: { until: tomorrow }\n",
                "t.yaml:2:19: tenants.org_1.until: found \"tomorrow\", expected a time in UTC "
                "such as 2027-03-01T00:00:00Z"},
            {"tenants: { org_1: {} }\nbypass: [org_1]\n",
                "t.yaml:2:10: bypass[0]: this organisation is listed twice, or in tenants"},
            {"tenants: { org_1: {}, org_1: {} }\n",
                "t.yaml:1:23: repeated key \"org_1\", first given in line 1"},
        }) {
        CAPTURE(row.yaml);
        const auto loaded = from_file(row.yaml);
        CHECK_FALSE(loaded.tenants.has_value());
        REQUIRE(loaded.problems.size() == 1);
        CHECK(config::to_text(loaded.problems[0]) == row.wanted);
    }
    CHECK(from_file("tenants: { a: {}, org_1: { x: 1 } }\nbypass: [b]\n").problems.size() == 3);
}

TEST_CASE("what has ended is told, and still read")
{
    const auto old = from_file("tenants: { org_1: { blocked: true, until: 2026-11-21T00:00:00Z } "
                               "}\n");
    REQUIRE(old.tenants.has_value());
    REQUIRE(old.problems.size() == 1);
    CHECK(old.problems[0].is_warning);
    CHECK(from_file("tenants: { org_1: { until: 2026-11-21T00:00:01Z } }\n").problems.empty());
    // Without a clock nothing has ended.
    auto world = test::World().surroundings();
    world.now = {};
    CHECK(config::load_tenants(
        "tenants: { org_1: { until: 1999-01-01T00:00:00Z } }\n", "", *with_limits(), world)
              .problems.empty());
}

TEST_CASE("a tenants file may name variables, and no message shows what they hold")
{
    test::World world;
    world.variables["LEAK"] = "hunter2";
    const auto loaded = config::load_tenants(
        "tenants: { org_1: { reason: \"${LEAK}\" }, org_2: { until: \"${LEAK}\" } }\n", "t.yaml",
        *with_limits(), world.surroundings());
    CHECK(test::joined(loaded.problems).find("${LEAK}") != std::string::npos);
    CHECK(test::joined(loaded.problems).find("hunter2") == std::string::npos);
}

TEST_CASE("one organisation's settings are one line")
{
    const auto config = with_limits();
    const auto free = tenant_from_text(
        "{ bypass: [api], until: 2027-03-01T00:00:00Z, reason: load test }", *config);
    REQUIRE(free.has_value());
    CHECK(free->bypass == std::vector<std::string>{"api"});
    CHECK(free->until == std::chrono::system_clock::time_point(1803859200s));
    CHECK(free->reason == "load test");
    const auto big = tenant_from_text("{ limits: { smooth: 9000/1m } }", *config);
    REQUIRE(big.has_value());
    CHECK(big->limits.at("smooth")[0].units == 9000);
    CHECK(big->limits.at("smooth")[0].burst == 500);
    CHECK(big->limits.at("smooth")[0].lease == 1s);
    const auto blocked = tenant_from_text("{ blocked: true }", *config);
    REQUIRE(blocked.has_value());
    CHECK(blocked->blocked);
    const auto nothing = tenant_from_text("{}", *config);
    REQUIRE(nothing.has_value());
    CHECK_FALSE(nothing->blocked);
    const auto all = tenant_from_text("bypass: all", *config);
    REQUIRE(all.has_value());
    CHECK(all->bypass_all);
}

TEST_CASE("limits that only other processes have are passed over in the shared text")
{
    const auto tenant = tenant_from_text(
        "{ bypass: [other, api, edge], limits: { other: 5/1fortnight, slots: 3/1m, api: 7/1m }, "
        "blocked: true }",
        *with_limits());
    REQUIRE(tenant.has_value());
    CHECK(tenant->blocked);
    CHECK(tenant->bypass == std::vector<std::string>{"other", "api", "edge"});
    REQUIRE(tenant->limits.size() == 1);
    CHECK(tenant->limits.at("api")[0].units == 7);
}

TEST_CASE("a wrong line is told to whoever wrote it")
{
    struct Row {
        std::string text, wanted;
    };
    for (const auto& row : std::vector<Row>{
             {"", "the file is empty"},
             {"blocked", "1:1: found \"blocked\", expected a mapping"},
             {"[api]", "1:1: found a list, expected a mapping"},
             {"{ blocked: maybe }", "1:12: blocked: found \"maybe\", expected true or false"},
             {"{ block: true }", "1:3: unknown key \"block\", did you mean \"blocked\"?"},
             {"{ limits: { api: 0/1m } }",
                 "1:18: limits.api: found \"0/1m\", expected from 1 to 1000000000 requests in the "
                 "window"},
             {"{ until: 2027-03-01 }",
                 "1:10: until: found \"2027-03-01\", expected a time in UTC such as "
                 "2027-03-01T00:00:00Z"},
             {"{ blocked: true, blocked: true }",
                 "1:18: repeated key \"blocked\", first given in line 1"},
             {"{ blocked: true }\n", "expected one line"},
             {"{ blocked:\r true }", "expected one line"},
             {"{ reason: \"\x01\" }", "1:12: expected text in UTF-8, found another byte"},
             {"{ reason: !str x }", "1:11: YAML tags are not supported"},
         }) {
        CAPTURE(row.text);
        const auto tenant = tenant_from_text(row.text, *with_limits());
        REQUIRE(tenant.has_error());
        CHECK(tenant.error() == row.wanted);
    }
    CHECK(tenant_from_text("{ blocked: true", *with_limits()).has_error());
    CHECK(tenant_from_text("{ blocked: true } }", *with_limits()).has_error());
}

TEST_CASE("a line is at most 4 KiB, and no nesting in it harms")
{
    const auto config = with_limits();
    const std::string frame = "{ reason:  }";
    const auto of_size = [&](std::size_t size) {
        return "{ reason: " + std::string(size - frame.size(), 'x') + " }";
    };
    REQUIRE(of_size(4096).size() == 4096);
    CHECK(tenant_from_text(of_size(4096), *config).has_value());
    REQUIRE(tenant_from_text(of_size(4097), *config).has_error());
    CHECK(tenant_from_text(of_size(4097), *config).error() == "longer than 4 KiB");
    CHECK(tenant_from_text(std::string(4096, '['), *config).has_error());
    CHECK(tenant_from_text(std::string(4096, '{'), *config).has_error());
    CHECK(tenant_from_text("{ bypass: &a [*a] }", *config).has_error());
}

TEST_CASE("a line from the fleet never reads this process's variables")
{
    const auto tenant =
        tenant_from_text("{ reason: \"${CLERK_PUBLISHABLE_KEY}\" }", *with_limits());
    REQUIRE(tenant.has_error());
    CHECK(tenant.error().find("is not set") != std::string::npos);
}
