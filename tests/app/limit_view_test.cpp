#include "app/limit_view.hpp"

#include "orggate/config/load.hpp"

#include <doctest/doctest.h>

using namespace orggate;
using namespace orggate::app;

namespace {

constexpr std::string_view yaml = R"(
upstream: http://127.0.0.1:3000
clerk: { publishable_key: pk_test_Y2xlcmsuZXhhbXBsZS5jb20k }
limits:
  api: { rate: [5/1s, 100/1m], plans: { pro: 1000/1m }, concurrent: 7 }
  mine: { rate: 10/1m, per: user, otherwise: ip }
  ours: { rate: 20/1m, per: org_user }
  theirs: { rate: 30/1m, per: ip }
tenants:
  org_big: { limits: { api: 20000/1m } }
  org_late: { limits: { api: 9/1h }, until: 2020-01-01T00:00:00Z }
default: { access: org, limits: [api, mine, ours, theirs] }
)";

const config::Config& base()
{
    static const auto loaded = config::load(yaml, "test.yaml",
        {.environment = [](const std::string&) { return std::optional<std::string>(); },
            .read_file = [](const std::string&,
                             std::string&) { return std::optional<std::string>(); }});
    if (!loaded.config)
        for (const auto& problem : loaded.problems)
            FAIL(config::to_text(problem));
    return *loaded.config;
}

const Instant now{std::chrono::system_clock::time_point(std::chrono::hours(24 * 365 * 56)), {}};

std::string counters(const Asked& asked, Quotas quotas = Quotas::in_force)
{
    std::string text;
    for (const auto& check : find_counters(base(), base().tenants, asked, quotas, now)) {
        text.append(text.empty() ? "" : " ").append(check.quota->name).append("/");
        text.append(std::to_string(check.quota->units)).append("@").append(check.subject);
        if (!check.member.empty()) text.append("+").append(check.member);
    }
    return text;
}

}  // namespace

TEST_CASE("an organisation, a user and an address each have their counters")
{
    struct Row {
        std::string name;
        Asked asked;
        std::string expected;
    };
    const Row rows[] = {
        {"an organisation", {.org = "org_1"},
            "api-1s/5@org_1 api-1m/100@org_1 api-concurrent/7@org_1"},
        {"a user", {.user = "user_1"}, "mine/10@user_1"},
        {"both", {.org = "org_1", .user = "user_1", .limit = "ours"}, "ours/20@org_1+user_1"},
        {"an address", {.ip = "10.0.0.1"}, "mine/10@10.0.0.1 theirs/30@10.0.0.1"},
        {"one limit", {.org = "org_1", .limit = "mine"}, ""},
        {"a tenant's own rate", {.org = "org_big"}, "api/20000@org_big api-concurrent/7@org_big"},
        {"a tenant's rate whose time is over", {.org = "org_late"},
            "api-1s/5@org_late api-1m/100@org_late api-concurrent/7@org_late"},
        {"a plan", {.org = "org_1", .limit = "api", .plan = "pro"},
            "api/1000@org_1 api-concurrent/7@org_1"},
        {"a plan nobody knows", {.user = "user_1", .plan = "none"}, "mine/10@user_1"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(counters(row.asked) == row.expected);
    }
}

TEST_CASE("a reset finds whatever may have been counted, each counter once")
{
    const auto text = counters({.org = "org_late", .limit = "api"}, Quotas::all);
    for (const auto* part : {"api-1s/5@", "api-1m/100@", "api/1000@", "api-concurrent/7@"}) {
        CAPTURE(part);
        CHECK(text.find(part) != std::string::npos);
        CHECK(text.find(part) == text.rfind(part));
    }
}

TEST_CASE("somebody is asked about, by an address as limits count it, under a limit there is")
{
    const auto read = [](std::string_view text) {
        return read_asked(*Query::parse(text, {"org", "user", "ip", "limit", "plan"}), base());
    };
    CHECK(read("org=org_1").has_value());
    CHECK(read("user=user_1&limit=mine").has_value());
    CHECK(read("ip=2001:db8:1:2:3:4:5:6")->ip == "2001:db8:1:2::");
    CHECK(read("ip=10.0.0.1")->ip == "10.0.0.1");
    CHECK(read("ip=::ffff:10.0.0.1")->ip == "10.0.0.1");
    for (const auto* bad :
        {"", "limit=api", "plan=pro", "ip=somewhere", "ip=10.0.0.0/8", "org=org_1&limit=none"}) {
        CAPTURE(bad);
        CHECK_FALSE(read(bad).has_value());
    }
}

TEST_CASE("a counter is told in numbers, also one that nobody has used")
{
    const Asked asked{.org = "org_1", .limit = "api"};
    const auto checks = find_counters(base(), base().tenants, asked, Quotas::in_force, now);
    std::string text;
    append_counter(text, checks.at(1), std::nullopt);
    CHECK(text ==
          R"({"limit":"api","quota":"api-1m","per":"org","subject":"org_1","rate":"100/1m",)"
          R"("units":100,"used":0,"remaining":100})");
    limit::Decision decision;
    decision.remaining = 58;
    decision.next_unit = std::chrono::milliseconds(12'345);
    // One of three processes holds a third.
    text.clear();
    auto part = decision;
    part.remaining = 30;
    append_counter(text, checks.at(1), part, 3);
    CHECK(text.find(R"("rate":"100/1m","units":33,"used":3,"remaining":30,)") != text.npos);
    text.clear();
    append_counter(text, checks.at(1), decision);
    CHECK(text.ends_with(R"("units":100,"used":42,"remaining":58,"next_unit_seconds":12.345})"));
}
