#include "orggate/policy/requirement.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace orggate;
using policy::find_requirement;

namespace {

using Strings = std::vector<std::string>;

token::Session session()
{
    token::Session made;
    made.user_id = "user_1";
    made.session_id = "sess_1";
    made.organisation = token::Organisation{.id = "org_1",
        .slug = "acme",
        .role = "org:admin",
        .permissions = {"org:exports:create", "org:reports:read"}};
    made.org_plans = {"pro"};
    made.user_plans = {"gold"};
    made.org_features = {"export"};
    made.user_features = {"dark_mode"};
    made.claims = {{"metadata.role", "admin"}, {"metadata.level", "42"}, {"email", "a@b.c=d"},
        {"unsafe_metadata.role", "admin"}};
    return made;
}

token::Session without_org()
{
    auto made = session();
    made.organisation.reset();
    return made;
}

std::optional<Denial> ask(
    const std::string& keyword, const Strings& arguments, const token::Session& of = session())
{
    const auto* row = find_requirement(keyword);
    REQUIRE(row != nullptr);
    return row->refuse(of, arguments, Instant{});
}

struct Row {
    std::string keyword;
    Strings arguments;
    std::optional<Denial> wanted;
};

void check_all(const std::vector<Row>& rows, const token::Session& of = session())
{
    for (const auto& row : rows) {
        CAPTURE(row.keyword);
        CAPTURE(row.arguments.front());
        CHECK(ask(row.keyword, row.arguments, of) == row.wanted);
    }
}

constexpr auto none = std::nullopt;

}  // namespace

TEST_CASE("every keyword has its row, and nothing else has one")
{
    for (const std::string keyword : {"role", "permission", "feature", "plan", "scope", "claim",
             "reverified", "not_impersonated"}) {
        CAPTURE(keyword);
        REQUIRE(find_requirement(keyword) != nullptr);
        CHECK(find_requirement(keyword)->keyword == keyword);
    }
    CHECK(policy::requirements().size() == 8);
    CHECK(find_requirement("roles") == nullptr);
    CHECK(find_requirement("") == nullptr);
}

TEST_CASE("roles and permissions are compared with exactly one org: in front")
{
    check_all({
        {"role", {"org:admin"}, none},
        {"role", {"admin"}, none},
        {"role", {"org:org:admin"}, none},
        {"role", {"org:member", "org:admin"}, none},
        {"role", {"org:member"}, Denial::role_missing},
        {"role", {"org:Admin"}, Denial::role_missing},
        {"role", {"org:admi"}, Denial::role_missing},
        {"permission", {"org:exports:create"}, none},
        {"permission", {"exports:create"}, none},
        {"permission", {"org:x:y", "reports:read"}, none},
        {"permission", {"org:exports:delete"}, Denial::permission_missing},
        {"permission", {"org:exports"}, Denial::permission_missing},
    });
}

TEST_CASE("a token's own role may come with any number of org: prefixes")
{
    auto of = session();
    for (const std::string role : {"admin", "org:admin", "org:org:admin"}) {
        CAPTURE(role);
        of.organisation->role = role;
        CHECK(ask("role", {"org:admin"}, of) == none);
        of.organisation->permissions = {role};
        CHECK(ask("permission", {"admin"}, of) == none);
    }
}

TEST_CASE("without an organisation there is no role and no permission")
{
    check_all(
        {
            {"role", {"org:admin"}, Denial::role_missing},
            {"permission", {"org:exports:create"}, Denial::permission_missing},
        },
        without_org());
    auto no_role = session();
    no_role.organisation->role.clear();
    CHECK(ask("role", {"org:admin"}, no_role) == Denial::role_missing);
}

TEST_CASE("bare plans and features are the organisation's")
{
    check_all({
        {"plan", {"pro"}, none},
        {"plan", {"org:pro"}, none},
        {"plan", {"o:pro"}, none},
        {"plan", {"organization:pro"}, none},
        {"plan", {"free", "pro"}, none},
        {"plan", {"gold"}, Denial::plan_missing},
        {"plan", {"user:gold"}, none},
        {"plan", {"u:gold"}, none},
        {"plan", {"user:pro"}, Denial::plan_missing},
        {"plan", {"org:gold"}, Denial::plan_missing},
        {"plan", {"Pro"}, Denial::plan_missing},
        {"plan", {"other:pro"}, Denial::plan_missing},
        {"feature", {"export"}, none},
        {"feature", {"org:export"}, none},
        {"feature", {"dark_mode"}, Denial::feature_missing},
        {"feature", {"user:dark_mode"}, none},
        {"feature", {"user:export"}, Denial::feature_missing},
    });
    check_all(
        {
            {"plan", {"pro"}, Denial::plan_missing},
            {"plan", {"user:gold"}, none},
            {"feature", {"export"}, Denial::feature_missing},
            {"feature", {"user:dark_mode"}, none},
        },
        without_org());
}

TEST_CASE("no session has a scope")
{
    CHECK(ask("scope", {"read"}) == Denial::scope_missing);
}

TEST_CASE("claims are compared as text, and never through unsafe_metadata")
{
    check_all({
        {"claim", {"metadata.role=admin"}, none},
        {"claim", {"metadata.role=owner", "metadata.role=admin"}, none},
        {"claim", {"metadata.level=42"}, none},
        {"claim", {"email=a@b.c=d"}, none},
        {"claim", {"metadata.role=Admin"}, Denial::claim_missing},
        {"claim", {"metadata.role="}, Denial::claim_missing},
        {"claim", {"metadata.missing=admin"}, Denial::claim_missing},
        {"claim", {"metadata.missing="}, Denial::claim_missing},
        {"claim", {"unsafe_metadata.role=admin"}, Denial::claim_missing},
    });
}

TEST_CASE("reverification follows Clerk's table of levels and enrolled factors")
{
    constexpr double never = -1;
    struct Case {
        std::string level;
        double first, second;
        bool good;
    };
    for (const auto& row : std::vector<Case>{
             {"first_factor", 9, 99, true},
             {"first_factor", 10, 1, false},
             {"first_factor", 9, never, true},
             {"first_factor", never, 1, false},
             {"second_factor", 99, 9, true},
             {"second_factor", 1, 10, false},
             {"second_factor", 9, never, true},
             {"second_factor", 10, never, false},
             {"second_factor", never, 9, true},
             {"multi_factor", 9, 9, true},
             {"multi_factor", 10, 9, false},
             {"multi_factor", 9, 10, false},
             {"multi_factor", 9, never, true},
             {"multi_factor", 10, never, false},
             {"multi_factor", never, 9, false},
             {"first_factor", never, never, false},
             {"second_factor", never, never, false},
             {"multi_factor", never, never, false},
             {"second_factor", 0, 0, true},
             {"second_factor", 1, -2, false},
             {"first_factor", -0.5, 1, false},
             {"first_factor", 1, std::numeric_limits<double>::quiet_NaN(), false},
             {"first_factor", 1, std::numeric_limits<double>::infinity(), false},
         }) {
        CAPTURE(row.level);
        CAPTURE(row.first);
        CAPTURE(row.second);
        auto of = session();
        of.factor_ages = token::FactorAges{row.first, row.second};
        const auto wanted = row.good ? std::nullopt : std::optional(Denial::reverification_needed);
        CHECK(ask("reverified", {row.level, "10"}, of) == wanted);
    }
    CHECK(ask("reverified", {"first_factor", "10"}) == Denial::reverification_needed);
}

TEST_CASE("an impersonator is refused where that is asked")
{
    CHECK(ask("not_impersonated", {"true"}) == none);
    auto of = session();
    of.actor_id = "user_support";
    CHECK(ask("not_impersonated", {"true"}, of) == Denial::impersonation_refused);
}

TEST_CASE("arguments are judged when the configuration is loaded")
{
    struct Case {
        std::string keyword;
        Strings arguments;
        bool good;
    };
    for (const auto& row : std::vector<Case>{
             {"role", {"org:admin"}, true},
             {"role", {}, false},
             {"role", {""}, false},
             {"role", {"org:"}, false},
             {"role", {"org:a b"}, false},
             {"role", {"admin,member"}, false},
             {"permission", {"org:a:b", "a:b"}, true},
             {"permission", {"a", ""}, false},
             {"plan", {"pro", "user:pro"}, true},
             {"plan", {"team:pro"}, false},
             {"plan", {"org:"}, false},
             {"plan", {"org:a:b"}, false},
             {"plan", {""}, false},
             {"plan", {}, false},
             {"feature", {"o:x"}, true},
             {"feature", {":x"}, false},
             {"scope", {"read"}, true},
             {"scope", {}, false},
             {"claim", {"a.b=c"}, true},
             {"claim", {"a="}, true},
             {"claim", {"a"}, false},
             {"claim", {"=c"}, false},
             {"claim", {"a..b=c"}, false},
             {"claim", {"a.=c"}, false},
             {"claim", {"unsafe_metadata.x=1"}, false},
             {"claim", {"user.unsafe_metadata.x=1"}, false},
             {"claim", {"unsafe_metadata_x=1"}, true},
             {"claim", {}, false},
             {"reverified", {"second_factor", "10"}, true},
             {"reverified", {"third_factor", "10"}, false},
             {"reverified", {"second_factor", "0"}, false},
             {"reverified", {"second_factor", "-1"}, false},
             {"reverified", {"second_factor", "10m"}, false},
             {"reverified", {"second_factor"}, false},
             {"not_impersonated", {"true"}, true},
             {"not_impersonated", {"false"}, false},
             {"not_impersonated", {}, false},
         }) {
        CAPTURE(row.keyword);
        CAPTURE((row.arguments.empty() ? std::string("(none)") : row.arguments.front()));
        CHECK(find_requirement(row.keyword)->accepts(row.arguments).has_value() != row.good);
    }
}

TEST_CASE("Clerk's presets are known by name")
{
    CHECK(policy::parse_reverification("strict_mfa") == Strings{"multi_factor", "10"});
    CHECK(policy::parse_reverification("strict") == Strings{"second_factor", "10"});
    CHECK(policy::parse_reverification("moderate") == Strings{"second_factor", "60"});
    CHECK(policy::parse_reverification("lax") == Strings{"second_factor", "1440"});
    CHECK(policy::parse_reverification("Strict") == std::nullopt);
    CHECK(policy::parse_reverification("") == std::nullopt);
}

TEST_CASE("an organisation's plan may be named bare or with its scope")
{
    CHECK(policy::org_scoped_name("pro") == "pro");
    CHECK(policy::org_scoped_name("org:pro") == "pro");
    CHECK(policy::org_scoped_name("user:pro") == std::nullopt);
    CHECK(policy::org_scoped_name("") == std::nullopt);
}
