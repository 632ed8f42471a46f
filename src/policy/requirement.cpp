#include "orggate/policy/requirement.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace orggate::policy {

namespace {

using Arguments = std::span<const std::string>;
using Expected = std::optional<std::string>;

bool has(const std::vector<std::string>& list, std::string_view text)
{
    return std::find(list.begin(), list.end(), text) != list.end();
}

// Clerk's has() compares roles and permissions with exactly one `org:` in front,
// however many the caller or the token wrote. Without it is the same comparison.
std::string_view bare(std::string_view name)
{
    while (name.starts_with("org:"))
        name.remove_prefix(4);
    return name;
}

bool is_key(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(),
                                [](unsigned char c) { return c > ' ' && c < 0x7F && c != ','; });
}

Expected accepts_keys(Arguments arguments, std::string_view expected)
{
    const bool good = !arguments.empty() &&
                      std::all_of(arguments.begin(), arguments.end(),
                          [](const std::string& argument) { return is_key(bare(argument)); });
    return good ? Expected() : Expected(expected);
}

// role, permission ---------------------------------------------------------------

Expected accepts_roles(Arguments arguments)
{
    return accepts_keys(arguments, "a role such as org:admin, or a list of them");
}

std::optional<Denial> refuse_role(const token::Session& session, Arguments roles, Instant)
{
    const auto& org = session.organisation;
    if (!org || org->role.empty()) return Denial::role_missing;
    const bool found = std::any_of(roles.begin(), roles.end(),
        [&](const std::string& role) { return bare(role) == bare(org->role); });
    return found ? std::nullopt : std::optional(Denial::role_missing);
}

Expected accepts_permissions(Arguments arguments)
{
    return accepts_keys(arguments, "a permission such as org:exports:create, or a list of them");
}

std::optional<Denial> refuse_permission(
    const token::Session& session, Arguments permissions, Instant)
{
    if (!session.organisation) return Denial::permission_missing;
    const auto& held = session.organisation->permissions;
    const bool found =
        std::any_of(permissions.begin(), permissions.end(), [&](const std::string& wanted) {
            return std::any_of(held.begin(), held.end(),
                [&](const std::string& one) { return bare(one) == bare(wanted); });
        });
    return found ? std::nullopt : std::optional(Denial::permission_missing);
}

// plan, feature ------------------------------------------------------------------

// Bare names are the organisation's: what a member bought for themselves must not
// open what the organisation has not bought. Clerk's has() looks in both.
struct Scoped {
    enum class Owner { org, user } owner = Owner::org;
    std::string_view name;
};

std::optional<Scoped> parse_scoped(std::string_view text)
{
    const auto colon = text.find(':');
    if (colon == std::string_view::npos)
        return is_key(text) ? std::optional(Scoped{Scoped::Owner::org, text}) : std::nullopt;
    const auto scope = text.substr(0, colon);
    const auto name = text.substr(colon + 1);
    if (!is_key(name) || name.find(':') != std::string_view::npos) return std::nullopt;
    if (scope == "org" || scope == "o" || scope == "organization")
        return Scoped{Scoped::Owner::org, name};
    if (scope == "user" || scope == "u") return Scoped{Scoped::Owner::user, name};
    return std::nullopt;
}

Expected accepts_scoped(Arguments arguments)
{
    const bool good = !arguments.empty() && std::all_of(arguments.begin(), arguments.end(),
                                                [](const std::string& argument) {
                                                    return parse_scoped(argument).has_value();
                                                });
    if (good) return std::nullopt;
    return "a name such as pro (the organisation's) or user:pro (the user's), or a list of them";
}

bool has_scoped(const std::vector<std::string>& orgs, const std::vector<std::string>& users,
    Arguments arguments)
{
    return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& argument) {
        const auto wanted = parse_scoped(argument);
        return wanted && has(wanted->owner == Scoped::Owner::org ? orgs : users, wanted->name);
    });
}

// What an organisation bought counts only while it is the active one.
const std::vector<std::string>& of_active_org(
    const token::Session& session, const std::vector<std::string>& list)
{
    static const std::vector<std::string> none;
    return session.organisation ? list : none;
}

std::optional<Denial> refuse_plan(const token::Session& session, Arguments plans, Instant)
{
    const auto& orgs = of_active_org(session, session.org_plans);
    if (has_scoped(orgs, session.user_plans, plans)) return std::nullopt;
    return Denial::plan_missing;
}

std::optional<Denial> refuse_feature(const token::Session& session, Arguments features, Instant)
{
    const auto& orgs = of_active_org(session, session.org_features);
    if (has_scoped(orgs, session.user_features, features)) return std::nullopt;
    return Denial::feature_missing;
}

// scope --------------------------------------------------------------------------

Expected accepts_scopes(Arguments arguments)
{
    return accepts_keys(arguments, "an OAuth or machine scope, or a list of them");
}

// Sessions have no scopes; only machine tokens do.
std::optional<Denial> refuse_scope(const token::Session&, Arguments, Instant)
{
    return Denial::scope_missing;
}

// claim --------------------------------------------------------------------------

bool is_claim_path(std::string_view path)
{
    while (true) {
        const auto dot = path.find('.');
        const auto part = path.substr(0, dot);
        // Users write unsafe_metadata themselves.
        if (part.empty() || part == "unsafe_metadata") return false;
        if (dot == std::string_view::npos) return true;
        path.remove_prefix(dot + 1);
    }
}

Expected accepts_claims(Arguments arguments)
{
    const bool good =
        !arguments.empty() &&
        std::all_of(arguments.begin(), arguments.end(), [](std::string_view argument) {
            const auto equals = argument.find('=');
            return equals != std::string_view::npos && is_claim_path(argument.substr(0, equals));
        });
    if (good) return std::nullopt;
    return "dotted paths with the value wanted, such as { metadata.role: admin }, "
           "never through unsafe_metadata";
}

std::optional<Denial> refuse_claim(const token::Session& session, Arguments claims, Instant)
{
    const bool found = std::any_of(claims.begin(), claims.end(), [&](std::string_view claim) {
        const auto equals = claim.find('=');
        if (equals == std::string_view::npos || !is_claim_path(claim.substr(0, equals)))
            return false;
        const auto held = session.claims.find(claim.substr(0, equals));
        return held != session.claims.end() && held->second == claim.substr(equals + 1);
    });
    return found ? std::nullopt : std::optional(Denial::claim_missing);
}

// reverified ---------------------------------------------------------------------

// Whole minutes, above 0; 0 if the text is anything else.
std::int64_t parse_minutes(std::string_view text)
{
    std::int64_t minutes = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), minutes);
    return error == std::errc() && end == text.data() + text.size() && minutes > 0 ? minutes : 0;
}

Expected accepts_reverified(Arguments arguments)
{
    const bool good = arguments.size() == 2 &&
                      (arguments[0] == "first_factor" || arguments[0] == "second_factor" ||
                          arguments[0] == "multi_factor") &&
                      parse_minutes(arguments[1]) > 0;
    if (good) return std::nullopt;
    return "strict_mfa, strict, moderate or lax, or { within: 10m, level: first_factor, "
           "second_factor or multi_factor }";
}

bool is_age(double age)
{
    return std::isfinite(age) && (age >= 0 || age == -1);
}

// Clerk: a level whose factor nobody enrolled falls back to the first factor.
bool is_reverified(const token::FactorAges& ages, std::string_view level, double minutes)
{
    if (!is_age(ages.first) || !is_age(ages.second)) return false;
    const auto is_fresh = [minutes](double age) { return age != -1 && minutes > age; };
    const bool has_second = ages.second != -1;
    if (level == "first_factor") return is_fresh(ages.first);
    if (level == "second_factor") return is_fresh(has_second ? ages.second : ages.first);
    return is_fresh(ages.first) && (!has_second || is_fresh(ages.second));
}

std::optional<Denial> refuse_reverified(const token::Session& session, Arguments arguments, Instant)
{
    const bool good = session.factor_ages && !accepts_reverified(arguments) &&
                      is_reverified(*session.factor_ages, arguments[0],
                          static_cast<double>(parse_minutes(arguments[1])));
    return good ? std::nullopt : std::optional(Denial::reverification_needed);
}

// not_impersonated ---------------------------------------------------------------

Expected accepts_true(Arguments arguments)
{
    return arguments.size() == 1 && arguments[0] == "true" ? Expected() : Expected("true");
}

std::optional<Denial> refuse_impersonated(const token::Session& session, Arguments, Instant)
{
    return session.actor_id.empty() ? std::nullopt : std::optional(Denial::impersonation_refused);
}

constexpr std::array<Requirement, 8> rows{{
    {"role", accepts_roles, refuse_role},
    {"permission", accepts_permissions, refuse_permission},
    {"feature", accepts_scoped, refuse_feature},
    {"plan", accepts_scoped, refuse_plan},
    {"scope", accepts_scopes, refuse_scope},
    {"claim", accepts_claims, refuse_claim},
    {"reverified", accepts_reverified, refuse_reverified},
    {"not_impersonated", accepts_true, refuse_impersonated},
}};

}  // namespace

const Requirement* find_requirement(std::string_view keyword)
{
    const auto* found = std::find_if(
        rows.begin(), rows.end(), [&](const Requirement& row) { return row.keyword == keyword; });
    return found == rows.end() ? nullptr : found;
}

std::span<const Requirement> requirements()
{
    return rows;
}

std::optional<std::vector<std::string>> parse_reverification(std::string_view preset)
{
    using Strings = std::vector<std::string>;
    if (preset == "strict_mfa") return Strings{"multi_factor", "10"};
    if (preset == "strict") return Strings{"second_factor", "10"};
    if (preset == "moderate") return Strings{"second_factor", "60"};
    if (preset == "lax") return Strings{"second_factor", "1440"};
    return std::nullopt;
}

std::optional<std::string_view> org_scoped_name(std::string_view name)
{
    const auto scoped = parse_scoped(name);
    if (!scoped || scoped->owner != Scoped::Owner::org) return std::nullopt;
    return scoped->name;
}

}  // namespace orggate::policy
