#include "orggate/policy/authorize.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace orggate;
using namespace std::chrono_literals;
using policy::Access;
using policy::authorize;
using policy::Pass;
using policy::Rule;
using policy::Tenant;
using policy::Tenants;

// A Pass cannot be forged: nobody but authorize() can make one from nothing.
static_assert(!std::is_default_constructible_v<Pass>);
static_assert(!std::is_aggregate_v<Pass>);
static_assert(!std::is_constructible_v<Pass, const Rule&>);
static_assert(!std::is_constructible_v<Pass, const Rule*>);
static_assert(!std::is_constructible_v<Pass, const Rule*, std::shared_ptr<const token::Session>>);
static_assert(!std::is_trivially_default_constructible_v<Pass>);
static_assert(std::is_move_constructible_v<Pass>);

namespace {

std::shared_ptr<limit::Limit> make_limit(std::string name, std::int64_t units, Seconds window = 60s)
{
    auto made = std::make_shared<limit::Limit>();
    made->name = name;
    made->quotas = {{.units = units, .window = window, .name = name}};
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

clerk::Decision signed_in(token::Session session = member())
{
    return clerk::SignedIn{std::make_shared<const token::Session>(std::move(session))};
}

token::Session pending()
{
    auto made = member();
    made.status = token::Status::pending;
    return made;
}

token::Session without_org()
{
    auto made = member();
    made.organisation.reset();
    return made;
}

const clerk::Decision signed_out = clerk::SignedOut{Denial::token_expired, "token-expired"};
const clerk::Decision unanswered = clerk::NeedsKey{"kid"};

struct Given {
    Rule rule{};
    clerk::Decision decision = signed_in();
    std::string path = "/x";
    std::string expected_org{};
    Tenants tenants{};
    Instant now{};

    Result<Pass> answer() const
    {
        std::optional<std::string_view> expected;
        if (!expected_org.empty()) expected = expected_org;
        const policy::Question question{rule, decision, path, expected, tenants, {}};
        return authorize(question, now);
    }
};

Rule rule(Access access)
{
    Rule made;
    made.access = access;
    return made;
}

Rule demanding(std::string keyword, std::vector<std::string> arguments)
{
    auto made = rule(Access::org);
    made.demands.push_back({policy::find_requirement(keyword), std::move(arguments)});
    return made;
}

Rule limited(std::vector<std::shared_ptr<const limit::Limit>> limits, std::int64_t weight = 1)
{
    auto made = rule(Access::org);
    for (auto& limit : limits)
        made.limits.push_back({limit, made.limits.size(), weight});
    return made;
}

Rule scoped()
{
    auto made = rule(Access::org);
    made.patterns.push_back(*policy::Pattern::compile("/orgs/:slug(.*)", {}));
    made.org_in_path = "slug";
    return made;
}

Tenants tenants(Tenant tenant)
{
    return Tenants({{"org_1", std::move(tenant)}});
}

Tenant blocked()
{
    Tenant made;
    made.blocked = true;
    return made;
}

void check_refused(const Given& given, Denial wanted)
{
    const auto answer = given.answer();
    REQUIRE(answer.has_error());
    CHECK(answer.error() == wanted);
}

}  // namespace

TEST_CASE("a gated route admits exactly the sessions it demands")
{
    struct Row {
        std::string name;
        Access access;
        clerk::Decision decision;
        std::optional<Denial> wanted;
    };
    const auto none = std::nullopt;
    for (const auto& row : std::vector<Row>{
             {"org: member", Access::org, signed_in(), none},
             {"org: no organisation", Access::org, signed_in(without_org()), Denial::org_missing},
             {"org: pending", Access::org, signed_in(pending()), Denial::session_pending},
             {"org: signed out", Access::org, signed_out, Denial::token_expired},
             {"org: unanswered", Access::org, unanswered, Denial::token_key_unknown},
             {"signed_in: member", Access::signed_in, signed_in(), none},
             {"signed_in: no organisation", Access::signed_in, signed_in(without_org()), none},
             {"signed_in: pending", Access::signed_in, signed_in(pending()),
                 Denial::session_pending},
             {"signed_in: signed out", Access::signed_in, signed_out, Denial::token_expired},
             {"signed_in: unanswered", Access::signed_in, unanswered, Denial::token_key_unknown},
         }) {
        CAPTURE(row.name);
        const auto answer = Given{.rule = rule(row.access), .decision = row.decision}.answer();
        if (row.wanted) {
            REQUIRE(answer.has_error());
            CHECK(answer.error() == *row.wanted);
        } else {
            REQUIRE(answer.has_value());
            REQUIRE(answer->session() != nullptr);
            CHECK(answer->session()->user_id == "user_1");
        }
    }
}

TEST_CASE("an open route never refuses, and takes only a good, active session for somebody")
{
    struct Row {
        std::string name;
        clerk::Decision decision;
        bool is_somebody;
    };
    for (const auto& row : std::vector<Row>{
             {"member", signed_in(), true},
             {"no organisation", signed_in(without_org()), true},
             {"pending", signed_in(pending()), false},
             {"signed out", signed_out, false},
             {"no keys", clerk::SignedOut{Denial::keys_unavailable, "jwk-remote"}, false},
             {"unanswered", unanswered, false},
         }) {
        CAPTURE(row.name);
        const auto answer =
            Given{.rule = rule(Access::anyone), .decision = row.decision, .expected_org = "other"}
                .answer();
        REQUIRE(answer.has_value());
        CHECK((answer->session() != nullptr) == row.is_somebody);
        CHECK(answer->checks().empty());
        CHECK_FALSE(answer->shadowed().has_value());
    }
}

TEST_CASE("a preflight goes on as nobody, whoever sends it")
{
    const auto gated = limited({make_limit("api", 1)});
    const auto somebody = signed_in();
    const Tenants nothing;
    for (const auto* decision : {&somebody, &signed_out}) {
        const policy::Question question{
            gated, *decision, "/x", "other", nothing, "192.0.2.1", true};
        const auto answer = authorize(question, Instant{});
        REQUIRE(answer.has_value());
        CHECK(answer->session() == nullptr);
        CHECK(answer->checks().empty());
    }
}

TEST_CASE("an organisation without an id is none")
{
    auto session = member();
    session.organisation->id.clear();
    check_refused({.rule = rule(Access::org), .decision = signed_in(session)}, Denial::org_missing);
}

TEST_CASE("a blocked organisation is refused on gated routes and nobody on open ones")
{
    const auto all = tenants(blocked());
    check_refused({.rule = rule(Access::org), .tenants = all}, Denial::blocked);
    check_refused({.rule = rule(Access::signed_in), .tenants = all}, Denial::blocked);
    const auto open = Given{.rule = rule(Access::anyone), .tenants = all}.answer();
    REQUIRE(open.has_value());
    CHECK(open->session() == nullptr);
    CHECK(
        Given{.rule = rule(Access::signed_in), .decision = signed_in(without_org()), .tenants = all}
            .answer()
            .has_value());
}

TEST_CASE("a block ends at its time")
{
    auto tenant = blocked();
    tenant.until = std::chrono::system_clock::time_point(100s);
    Given given{.rule = rule(Access::org), .tenants = tenants(tenant)};
    given.now.wall = std::chrono::system_clock::time_point(99s);
    check_refused(given, Denial::blocked);
    given.now.wall = std::chrono::system_clock::time_point(100s);
    CHECK(given.answer().has_value());
}

TEST_CASE("the organisation a client expects must be the active one, by id or slug")
{
    struct Row {
        std::string expected;
        token::Session session;
        bool good;
    };
    auto no_slug = member();
    no_slug.organisation->slug.clear();
    for (const auto& row : std::vector<Row>{
             {"", member(), true},
             {"org_1", member(), true},
             {"acme", member(), true},
             {"ACME", member(), false},
             {"org_2", member(), false},
             {"%61cme", member(), false},
             {"acme", no_slug, false},
             {"", no_slug, true},
             {"org_1", without_org(), false},
             {"", without_org(), true},
         }) {
        CAPTURE(row.expected);
        const Given given{.rule = rule(Access::signed_in),
            .decision = signed_in(row.session),
            .expected_org = row.expected};
        if (row.good)
            CHECK(given.answer().has_value());
        else
            check_refused(given, Denial::org_changed);
    }
}

TEST_CASE("the organisation in the path must be the active one, byte for byte")
{
    struct Row {
        std::string path;
        bool good;
    };
    for (const auto& row : std::vector<Row>{
             {"/orgs/acme", true},
             {"/orgs/acme/x", true},
             {"/orgs/org_1/x", true},
             {"/ORGS/acme/x", true},
             {"/orgs/Acme/x", false},
             {"/orgs/other/x", false},
             {"/orgs/acm%65/x", false},
             {"/orgs/acme%20/x", false},
             {"/elsewhere", false},
         }) {
        CAPTURE(row.path);
        const Given given{.rule = scoped(), .path = row.path};
        if (row.good)
            CHECK(given.answer().has_value());
        else
            check_refused(given, Denial::org_mismatch);
    }
    auto escaped = member();
    escaped.organisation->slug = "a%20b";
    check_refused({.rule = scoped(), .decision = signed_in(escaped), .path = "/orgs/a%20b"},
        Denial::org_mismatch);
}

TEST_CASE("requirements are asked in the order of the file")
{
    auto both = demanding("role", {"org:admin"});
    both.demands.push_back({policy::find_requirement("plan"), {"pro"}});
    check_refused({.rule = both}, Denial::role_missing);
    std::swap(both.demands[0], both.demands[1]);
    check_refused({.rule = both}, Denial::plan_missing);
    CHECK(Given{.rule = demanding("role", {"org:member"})}.answer().has_value());
}

TEST_CASE("every requirement's own denial comes out")
{
    struct Row {
        std::string keyword;
        std::vector<std::string> arguments;
        Denial wanted;
    };
    auto session = member();
    session.actor_id = "user_2";
    for (const auto& row : std::vector<Row>{
             {"role", {"org:admin"}, Denial::role_missing},
             {"permission", {"org:a:b"}, Denial::permission_missing},
             {"feature", {"x"}, Denial::feature_missing},
             {"plan", {"x"}, Denial::plan_missing},
             {"scope", {"x"}, Denial::scope_missing},
             {"claim", {"a=b"}, Denial::claim_missing},
             {"reverified", {"first_factor", "10"}, Denial::reverification_needed},
             {"not_impersonated", {"true"}, Denial::impersonation_refused},
         }) {
        CAPTURE(row.keyword);
        check_refused(
            {.rule = demanding(row.keyword, row.arguments), .decision = signed_in(session)},
            row.wanted);
    }
}

TEST_CASE("refusals come in the promised order")
{
    // Everything is wrong at first; each step puts one thing right.
    auto strict = scoped();
    strict.demands.push_back({policy::find_requirement("role"), {"org:admin"}});
    Given given{.rule = strict,
        .decision = signed_out,
        .path = "/orgs/other",
        .expected_org = "other",
        .tenants = tenants(blocked())};
    check_refused(given, Denial::token_expired);
    auto session = pending();
    session.organisation.reset();
    given.decision = signed_in(session);
    check_refused(given, Denial::session_pending);
    given.decision = signed_in(without_org());
    check_refused(given, Denial::org_missing);
    given.decision = signed_in();
    check_refused(given, Denial::blocked);
    given.tenants = {};
    check_refused(given, Denial::org_changed);
    given.expected_org = "acme";
    check_refused(given, Denial::org_mismatch);
    given.path = "/orgs/acme";
    check_refused(given, Denial::role_missing);
    session = member();
    session.organisation->role = "org:admin";
    given.decision = signed_in(session);
    CHECK(given.answer().has_value());
}

TEST_CASE("a rule in shadow reports what it demands and enforces only access")
{
    auto shadowed = scoped();
    shadowed.demands.push_back({policy::find_requirement("role"), {"org:admin"}});
    shadowed.limits.push_back({make_limit("api", 1), 0, 1});
    shadowed.shadow = true;
    const auto mismatch = Given{.rule = shadowed, .path = "/orgs/other"}.answer();
    REQUIRE(mismatch.has_value());
    CHECK(mismatch->shadowed() == Denial::org_mismatch);
    REQUIRE(mismatch->checks().size() == 1);
    CHECK_FALSE(mismatch->checks()[0].enforced);

    const auto role = Given{.rule = shadowed, .path = "/orgs/acme"}.answer();
    REQUIRE(role.has_value());
    CHECK(role->shadowed() == Denial::role_missing);

    check_refused({.rule = shadowed, .decision = signed_out}, Denial::token_expired);
    check_refused({.rule = shadowed, .decision = signed_in(pending())}, Denial::session_pending);
    check_refused({.rule = shadowed, .decision = signed_in(without_org())}, Denial::org_missing);
    check_refused({.rule = shadowed, .tenants = tenants(blocked())}, Denial::blocked);
    check_refused({.rule = shadowed, .expected_org = "other"}, Denial::org_changed);
}

TEST_CASE("limits are charged to the organisation, each window once, with the route's weight")
{
    auto api = make_limit("api", 20, 1s);
    api->quotas.push_back({1000, 3600s, "api-1h"});
    auto quiet = make_limit("quiet", 5);
    quiet->shadow = true;
    const Given given{.rule = limited({api, quiet}, 3)};
    const auto answer = given.answer();
    REQUIRE(answer.has_value());
    const auto& checks = answer->checks();
    REQUIRE(checks.size() == 3);
    for (const auto& check : checks) {
        CHECK(check.subject == "org_1");
        CHECK(check.weight == 3);
    }
    CHECK(checks[0].limit == "api");
    CHECK(checks[0].quota == &api->quotas[0]);
    CHECK(checks[1].quota == &api->quotas[1]);
    CHECK(checks[2].limit == "quiet");
    CHECK(checks[0].enforced);
    CHECK_FALSE(checks[2].enforced);
    REQUIRE(answer->check_limits().size() == 3);
    CHECK(answer->check_limits()[1]->limit == api);
    CHECK(answer->check_limits()[2]->limit == quiet);
    CHECK(answer->bypassed().empty());
    CHECK(answer->plan().empty());
}

TEST_CASE("the highest of the organisation's plans decides")
{
    auto api = make_limit("api", 100);
    api->plans["pro"] = {{1000, 60s, "api"}};
    api->plans["team"] = {{20, 1s, "api"}};  // 1200 a minute
    api->plans["small"] = {{10, 60s, "api"}};
    struct Row {
        std::vector<std::string> org_plans, user_plans;
        std::int64_t units;
        std::string_view plan;
    };
    for (const auto& row : std::vector<Row>{
             {{}, {}, 100, ""},
             {{"unknown"}, {}, 100, ""},
             {{"pro"}, {}, 1000, "pro"},
             {{"pro", "team"}, {}, 20, "team"},
             {{"team", "pro"}, {}, 20, "team"},
             {{"unknown", "small"}, {}, 10, "small"},
             {{"small", "pro"}, {}, 1000, "pro"},
             {{}, {"pro"}, 100, ""},
         }) {
        CAPTURE(std::string(row.plan));
        auto session = member();
        session.org_plans = row.org_plans;
        session.user_plans = row.user_plans;
        const auto rule = limited({api});
        const auto answer = Given{.rule = rule, .decision = signed_in(session)}.answer();
        REQUIRE(answer.has_value());
        REQUIRE(answer->checks().size() == 1);
        CHECK(answer->checks()[0].quota->units == row.units);
        CHECK(answer->plan() == row.plan);
    }
}

TEST_CASE("an organisation's own numbers replace the limit's and the plan's")
{
    auto api = make_limit("api", 100);
    api->plans["pro"] = {{1000, 60s, "api"}};
    Tenant big;
    big.limits["api"] = {{20000, 60s, "api"}, {50, 1s, "api-1s"}};
    auto session = member();
    session.org_plans = {"pro"};
    const Given given{.rule = limited({api, make_limit("exports", 3)}),
        .decision = signed_in(session),
        .tenants = tenants(big)};
    const auto answer = given.answer();
    REQUIRE(answer.has_value());
    REQUIRE(answer->checks().size() == 3);
    CHECK(answer->checks()[0].quota->units == 20000);
    CHECK(answer->checks()[1].quota->units == 50);
    CHECK(answer->checks()[2].quota->units == 3);
    CHECK(answer->plan().empty());
}

TEST_CASE("a bypass waives all limits or the named ones, and says so")
{
    const auto api = make_limit("api", 100);
    const auto exports = make_limit("exports", 3);
    Tenant all, named;
    all.bypass_all = true;
    named.bypass = {"api"};

    const Given free{.rule = limited({api, exports}), .tenants = tenants(all)};
    const auto everything = free.answer();
    REQUIRE(everything.has_value());
    CHECK(everything->checks().empty());
    CHECK(everything->bypassed().size() == 2);

    const Given part{.rule = limited({api, exports}), .tenants = tenants(named)};
    const auto one = part.answer();
    REQUIRE(one.has_value());
    REQUIRE(one->checks().size() == 1);
    CHECK(one->checks()[0].limit == "exports");
    REQUIRE(one->bypassed().size() == 1);
    CHECK(one->bypassed()[0]->limit == api);
}

TEST_CASE("a bypass waives limits and nothing else")
{
    Tenant all;
    all.bypass_all = true;
    check_refused(
        {.rule = demanding("role", {"org:admin"}), .tenants = tenants(all)}, Denial::role_missing);
}

TEST_CASE("an expected organisation without a name is nobody's")
{
    const auto rule = limited({});
    const auto decision = signed_in();
    const Tenants nothing;
    const policy::Question question{rule, decision, "/x", std::string_view(), nothing, {}};
    const auto answer = authorize(question, Instant{});
    REQUIRE(answer.has_error());
    CHECK(answer.error() == Denial::org_changed);
}

TEST_CASE("a Pass keeps what its views point to")
{
    auto api = make_limit("api", 1);
    const auto rule = limited({api});
    std::optional<Pass> kept;
    {
        const auto decision = signed_in();
        const Tenants nothing;
        const policy::Question question{rule, decision, "/x", {}, nothing, {}};
        kept = *authorize(question, Instant{});
    }
    CHECK(kept->checks()[0].subject == "org_1");
    CHECK(&kept->rule() == &rule);
}
