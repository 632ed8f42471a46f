#include "orggate/policy/authorize.hpp"

#include "orggate/keyed_hash.hpp"
#include "orggate/limit/local.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace orggate;
using namespace std::chrono_literals;
using limit::Otherwise;
using limit::Per;
using policy::Access;
using policy::Pass;
using policy::Rule;
using policy::Tenant;
using policy::Tenants;

namespace {

constexpr std::string_view address = "192.0.2.7";

limit::Quota rate(std::int64_t units, std::string name)
{
    return {.units = units, .window = 60s, .name = std::move(name)};
}

limit::Limit limit_of(std::string name, std::int64_t units)
{
    limit::Limit made;
    made.name = name;
    made.quotas = {rate(units, name)};
    return made;
}

limit::Limit counting(Per per, Otherwise otherwise = Otherwise::refuse)
{
    auto made = limit_of("api", 100);
    made.per = per;
    made.otherwise = otherwise;
    return made;
}

limit::Limit holding(limit::Limit made, std::int64_t units)
{
    made.concurrent = {.units = units,
        .name = made.name + "-concurrent",
        .algorithm = limit::Algorithm::concurrent};
    return made;
}

Rule rule(Access access, const std::vector<limit::Limit>& limits, std::int64_t weight = 1)
{
    Rule made;
    made.access = access;
    for (const auto& limit : limits)
        made.limits.push_back(
            {std::make_shared<const limit::Limit>(limit), made.limits.size(), weight});
    return made;
}

token::Session member()
{
    token::Session made;
    made.user_id = "user_1";
    made.session_id = "sess_1";
    made.organisation = token::Organisation{"org_1", "acme", "org:member", {}};
    return made;
}

token::Session loner()
{
    auto made = member();
    made.organisation.reset();
    return made;
}

clerk::Decision signed_in(token::Session session = member())
{
    return clerk::SignedIn{std::make_shared<const token::Session>(std::move(session))};
}

const clerk::Decision signed_out = clerk::SignedOut{Denial::token_missing, "no-token"};

Result<Pass> ask(const Rule& rule, const clerk::Decision& decision = signed_in(),
    const Tenants& tenants = Tenants())
{
    const policy::Question question{.rule = rule,
        .decision = decision,
        .path = "/x",
        .expected_org = std::nullopt,
        .tenants = tenants,
        .address = address};
    return policy::authorize(question, Instant{});
}

Tenants org_1(Tenant tenant)
{
    return Tenants({{"org_1", std::move(tenant)}});
}

std::string spoken(const limit::Check& check)
{
    const std::string subject(check.subject), member(check.member);
    switch (check.per) {
        case Per::org: return "org " + subject + member;
        case Per::user: return "user " + subject + member;
        case Per::org_user: return "member " + subject + "/" + member;
        case Per::ip: return "ip " + subject + member;
    }
    return "?";
}

std::string spoken(const Result<Pass>& answer)
{
    if (answer.has_error()) return answer.error() == Denial::org_missing ? "403" : "401";
    std::string out;
    for (const auto& check : answer->checks())
        out += (out.empty() ? "" : ", ") + spoken(check);
    return out.empty() ? "-" : out;
}

// `name weight` of every check.
std::string names(const Result<Pass>& answer)
{
    REQUIRE(answer.has_value());
    REQUIRE(answer->check_limits().size() == answer->checks().size());
    std::string out;
    for (const auto& check : answer->checks())
        out += (out.empty() ? "" : ", ") + check.quota->name + " " + std::to_string(check.weight);
    return out;
}

}  // namespace

TEST_CASE("whom a request is charged to, for every subject, access and visitor")
{
    struct Row {
        std::string name;
        limit::Limit limit;
        // public, signed_in, org; each: nobody, a user without organisation, a member
        std::array<std::string, 9> wanted;
    };
    const std::string org = "org org_1", user = "user user_1", both = "member org_1/user_1",
                      ip = "ip 192.0.2.7", no = "-", out = "401", lost = "403";
    for (const auto& row :
        std::vector<Row>{
            {"org", counting(Per::org), {no, no, org, out, lost, org, out, lost, org}},
            {"org or ip", counting(Per::org, Otherwise::ip),
                {ip, ip, org, out, ip, org, out, lost, org}},
            {"org or skip", counting(Per::org, Otherwise::skip),
                {no, no, org, out, no, org, out, lost, org}},
            {"user", counting(Per::user), {no, user, user, out, user, user, out, lost, user}},
            {"user or ip", counting(Per::user, Otherwise::ip),
                {ip, user, user, out, user, user, out, lost, user}},
            {"user or skip", counting(Per::user, Otherwise::skip),
                {no, user, user, out, user, user, out, lost, user}},
            {"org_user", counting(Per::org_user), {no, no, both, out, lost, both, out, lost, both}},
            {"org_user or ip", counting(Per::org_user, Otherwise::ip),
                {ip, ip, both, out, ip, both, out, lost, both}},
            {"org_user or skip", counting(Per::org_user, Otherwise::skip),
                {no, no, both, out, no, both, out, lost, both}},
            {"ip", counting(Per::ip), {no, no, no, out, no, no, out, lost, no}},
        }) {
        CAPTURE(row.name);
        std::size_t column = 0;
        for (const auto access : {Access::anyone, Access::signed_in, Access::org}) {
            const auto asked = rule(access, {row.limit});
            for (const auto& who : {signed_out, signed_in(loner()), signed_in()}) {
                CAPTURE(column);
                CHECK(spoken(ask(asked, who)) == row.wanted[column]);
                ++column;
            }
        }
    }
}

TEST_CASE("an organisation or a user without an id is none")
{
    auto no_org = member(), no_user = member();
    no_org.organisation->id.clear();
    no_user.user_id.clear();
    const auto either = rule(Access::signed_in, {counting(Per::org_user, Otherwise::ip)});
    CHECK(spoken(ask(either, signed_in(no_org))) == "ip 192.0.2.7");
    CHECK(spoken(ask(either, signed_in(no_user))) == "ip 192.0.2.7");
}

TEST_CASE("a blocked organisation's members count as nobody on an open route")
{
    Tenant blocked;
    blocked.blocked = true;
    const auto open = rule(Access::anyone, {counting(Per::org, Otherwise::ip)});
    CHECK(spoken(ask(open, signed_in(), org_1(blocked))) == "ip 192.0.2.7");
}

TEST_CASE("a preflight counts for its address where nobody does")
{
    const Tenants nothing;
    for (const auto access : {Access::anyone, Access::org}) {
        const auto asked = rule(access, {counting(Per::org, Otherwise::ip), limit_of("b", 1)});
        const auto decision = signed_in();
        const policy::Question question{.rule = asked,
            .decision = decision,
            .path = "/x",
            .expected_org = std::nullopt,
            .tenants = nothing,
            .address = address,
            .is_preflight = true};
        CHECK(spoken(policy::authorize(question, Instant{})) == "ip 192.0.2.7");
    }
}

TEST_CASE("each rate weighs what the route says, and what is held at once is one")
{
    auto api = holding(limit_of("api", 20), 5);
    api.quotas.push_back(rate(1000, "api-1h"));
    api.on_error = limit::OnError::closed;
    const auto asked = rule(Access::org, {api, limit_of("b", 3)}, 7);
    const auto answer = ask(asked);
    CHECK(names(answer) == "api 7, api-1h 7, api-concurrent 1, b 7");
    for (std::size_t i = 0; i < 4; ++i) {
        const auto& check = answer->checks()[i];
        CHECK(check.limit == (i < 3 ? "api" : "b"));
        CHECK(check.enforced);
        CHECK(check.on_error == (i < 3 ? limit::OnError::closed : limit::OnError::local));
        CHECK(answer->check_limits()[i] == &asked.limits[i < 3 ? 0 : 1]);
    }
    const auto& held = answer->checks()[2];
    CHECK(held.quota == &asked.limits[0].limit->concurrent);
    CHECK(held.subject == "org_1");
}

TEST_CASE("what is held at once is counted for the same subject as the rate")
{
    CHECK(spoken(ask(rule(Access::org, {holding(counting(Per::org_user), 5)}))) ==
          "member org_1/user_1, member org_1/user_1");
    const auto open = rule(Access::anyone, {holding(counting(Per::user, Otherwise::ip), 5)});
    CHECK(spoken(ask(open, signed_out)) == "ip 192.0.2.7, ip 192.0.2.7");
    const auto skipping = rule(Access::anyone, {holding(counting(Per::user, Otherwise::skip), 5)});
    CHECK(spoken(ask(skipping, signed_out)) == "-");
}

TEST_CASE("a limit may hold only what is in flight")
{
    auto slots = holding(limit_of("slots", 1), 5);
    slots.quotas.clear();
    CHECK(names(ask(rule(Access::org, {slots}, 9))) == "slots-concurrent 1");
}

TEST_CASE("a bypass waives the rates it names, and neither addresses nor what is held at once")
{
    struct Row {
        std::string name;
        bool all;
        std::vector<std::string> named;
        std::string wanted;
        std::size_t bypassed;
    };
    auto slots = holding(limit_of("slots", 1), 5);
    slots.quotas.clear();
    auto mine = limit_of("mine", 4);
    mine.per = Per::user;
    auto edge = limit_of("edge", 6);
    edge.per = Per::ip;
    const auto asked =
        rule(Access::org, {holding(limit_of("api", 100), 5), limit_of("b", 3), mine, slots, edge});
    for (const auto& row : std::vector<Row>{
             {"none", false, {}, "api 1, api-concurrent 1, b 1, mine 1, slots-concurrent 1", 0},
             {"all", true, {}, "api-concurrent 1, slots-concurrent 1", 3},
             {"api", false, {"api"}, "api-concurrent 1, b 1, mine 1, slots-concurrent 1", 1},
             {"several", false, {"mine", "b"}, "api 1, api-concurrent 1, slots-concurrent 1", 2},
             {"nothing to waive", false, {"slots", "edge", "unknown"},
                 "api 1, api-concurrent 1, b 1, mine 1, slots-concurrent 1", 0},
         }) {
        CAPTURE(row.name);
        Tenant tenant;
        tenant.bypass_all = row.all;
        tenant.bypass = row.named;
        const auto answer = ask(asked, signed_in(), org_1(tenant));
        CHECK(names(answer) == row.wanted);
        CHECK(answer->bypassed().size() == row.bypassed);
    }
}

TEST_CASE("a bypass ends with the tenant's time, and is nobody else's")
{
    Tenant tenant;
    tenant.bypass_all = true;
    tenant.until = std::chrono::system_clock::time_point();
    CHECK(spoken(ask(rule(Access::org, {counting(Per::org)}), signed_in(), org_1(tenant))) ==
          "org org_1");
    tenant.until.reset();
    auto other = member();
    other.organisation->id = "org_2";
    CHECK(spoken(ask(rule(Access::org, {counting(Per::org)}), signed_in(other), org_1(tenant))) ==
          "org org_2");
}

TEST_CASE("an address instead of a subject has the limit's own rate and no bypass")
{
    auto api = counting(Per::org_user, Otherwise::ip);
    api.plans["pro"] = {rate(1000, "api")};
    Tenant big;
    big.limits["api"] = {rate(5000, "api")};
    auto session = member();
    session.user_id.clear();
    session.org_plans = {"pro"};
    const auto asked = rule(Access::signed_in, {api});
    const auto answer = ask(asked, signed_in(session), org_1(big));
    REQUIRE(answer.has_value());
    REQUIRE(answer->checks().size() == 1);
    CHECK(answer->checks()[0].per == Per::ip);
    CHECK(answer->checks()[0].quota->units == 100);
    CHECK(answer->plan().empty());
}

TEST_CASE(
    "the organisation's plan and own numbers count for its users in it, and for no user alone")
{
    struct Row {
        std::string name;
        Per per;
        std::vector<std::string> plans;
        bool has_own;
        std::int64_t units;
    };
    for (const auto& row : std::vector<Row>{
             {"org, none", Per::org, {}, false, 100},
             {"org, plan", Per::org, {"pro"}, false, 1000},
             {"org, own", Per::org, {"pro"}, true, 5000},
             {"user, none", Per::user, {}, false, 100},
             {"user, plan", Per::user, {"pro"}, false, 100},
             {"user, own", Per::user, {"pro"}, true, 100},
             {"org_user, none", Per::org_user, {}, false, 100},
             {"org_user, plan", Per::org_user, {"pro"}, false, 1000},
             {"org_user, own", Per::org_user, {"pro"}, true, 5000},
         }) {
        CAPTURE(row.name);
        auto api = holding(counting(row.per), 5);
        api.plans["pro"] = {rate(1000, "api")};
        Tenant tenant;
        if (row.has_own) tenant.limits["api"] = {rate(5000, "api")};
        auto session = member();
        session.org_plans = row.plans;
        const auto asked = rule(Access::org, {api});
        const auto tenants = org_1(tenant);
        const auto answer = ask(asked, signed_in(session), tenants);
        REQUIRE(answer.has_value());
        REQUIRE(answer->checks().size() == 2);
        CHECK(answer->checks()[0].quota->units == row.units);
        // What is held at once protects the app; no plan buys more of it.
        CHECK(answer->checks()[1].quota->units == 5);
        CHECK(answer->plan() == (row.units == 1000 ? "pro" : ""));
    }
}

TEST_CASE("no organisation of a user makes the others forget what the user has spent")
{
    auto mine = counting(Per::user);
    mine.quotas = {{.units = 20, .window = 1h, .name = "api"}};
    mine.plans["free"] = {{.units = 3, .window = 1s, .name = "api"}};
    Tenant own;
    own.limits["api"] = {{.units = 3, .window = 1s, .name = "api"}};
    const Tenants tenants({{"org_own", own}});
    auto at_work = member(), at_home = member(), in_own = member();
    at_home.organisation->id = "org_home";
    at_home.org_plans = {"free"};
    in_own.organisation->id = "org_own";
    const auto asked = rule(Access::org, {mine});
    limit::LocalTable table(HashKey{1, 2});
    int passed = 0;
    for (int second = 0; second < 5; ++second)
        for (int i = 0; i < 30; ++i)
            for (const auto& session : {at_home, in_own, at_work}) {
                Instant now;
                now.steady += std::chrono::seconds(second);
                const auto pass = ask(asked, signed_in(session), tenants);
                REQUIRE(pass.has_value());
                std::vector<limit::Decision> decisions(pass->checks().size());
                REQUIRE(table.take(pass->checks(), decisions, now).has_value());
                passed += decisions.at(0).allowed;
            }
    CHECK(passed == 20);
}

TEST_CASE("a shadow of the limit or of the rule enforces none of its checks")
{
    for (const bool of_rule : {false, true}) {
        CAPTURE(of_rule);
        auto api = holding(counting(Per::org), 5);
        auto edge = holding(counting(Per::ip), 5);
        api.shadow = edge.shadow = !of_rule;
        auto asked = rule(Access::org, {api, edge});
        asked.shadow = of_rule;
        const auto answer = ask(asked);
        REQUIRE(answer.has_value());
        REQUIRE(answer->checks().size() == 2);
        std::vector<limit::Check> by_address;
        std::vector<const policy::WeightedLimit*> limits;
        policy::write_address_checks(asked, address, by_address, limits);
        REQUIRE(by_address.size() == 2);
        for (const auto& check : answer->checks())
            CHECK_FALSE(check.enforced);
        for (const auto& check : by_address)
            CHECK_FALSE(check.enforced);
    }
}

TEST_CASE("limits per address are charged apart, with weight, in the order of the rule")
{
    auto edge = holding(limit_of("edge", 20), 8);
    edge.per = Per::ip;
    edge.on_error = limit::OnError::open;
    edge.quotas.push_back(rate(500, "edge-1h"));
    auto last = limit_of("last", 2);
    last.per = Per::ip;
    const auto asked =
        rule(Access::org, {limit_of("api", 1), edge, counting(Per::user, Otherwise::ip), last}, 3);
    std::vector<limit::Check> checks;
    std::vector<const policy::WeightedLimit*> limits;
    policy::write_address_checks(asked, address, checks, limits);
    REQUIRE(checks.size() == 4);
    REQUIRE(limits.size() == 4);
    const std::array<std::string_view, 4> wanted{"edge", "edge-1h", "edge-concurrent", "last"};
    const std::array<std::int64_t, 4> weights{3, 3, 1, 3};
    for (std::size_t i = 0; i < 4; ++i) {
        CAPTURE(i);
        CHECK(checks[i].quota->name == wanted[i]);
        CHECK(checks[i].weight == weights[i]);
        CHECK(checks[i].per == Per::ip);
        CHECK(checks[i].subject.data() == address.data());
        CHECK(checks[i].member.empty());
        CHECK(checks[i].enforced);
        CHECK(limits[i] == &asked.limits[i < 3 ? 1 : 3]);
    }
    CHECK(checks[0].on_error == limit::OnError::open);
    CHECK(checks[3].on_error == limit::OnError::local);
    // Added to what is there already.
    policy::write_address_checks(asked, address, checks, limits);
    CHECK(checks.size() == 8);
}

TEST_CASE("a rule without limits per address charges none")
{
    std::vector<limit::Check> checks;
    std::vector<const policy::WeightedLimit*> limits;
    policy::write_address_checks(
        rule(Access::anyone, {counting(Per::org, Otherwise::ip)}), address, checks, limits);
    CHECK(checks.empty());
    CHECK(limits.empty());
}
