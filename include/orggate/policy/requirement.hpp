// The table of named checks a rule can demand of a session.
// Adding one is a row and a function here; a new reason also enters denial.hpp.
// Pure. Source: Clerk has(), reverification.

#pragma once

#include "orggate/denial.hpp"
#include "orggate/time.hpp"
#include "orggate/token/session.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::policy {

struct Requirement {
    std::string_view
        keyword;  // role permission feature plan scope claim reverified not_impersonated
    // Asked once, when the configuration is loaded: what was expected, or nothing.
    std::optional<std::string> (*accepts)(std::span<const std::string> arguments);
    // The arguments are any-of. Nothing means satisfied.
    std::optional<Denial> (*refuse)(
        const token::Session& session, std::span<const std::string> arguments, Instant now);
};

// One demand of a rule: a row and its arguments. For `claim` each argument is
// "dotted.path=value"; for `reverified` they are {level, minutes}, as
// parse_reverification returns them.
struct Demand {
    const Requirement* requirement = nullptr;
    std::vector<std::string> arguments;
};

const Requirement* find_requirement(std::string_view keyword);
std::span<const Requirement> requirements();

// One of Clerk's presets (strict_mfa, strict, moderate, lax) as the arguments of
// `reverified`: {level, minutes}. Nothing if there is no such preset.
std::optional<std::vector<std::string>> parse_reverification(std::string_view preset);

// The organisation plan or feature that a name stands for: `pro` and `org:pro` are `pro`.
// Nothing if it names a user's, or is no name at all.
std::optional<std::string_view> org_scoped_name(std::string_view name);

}  // namespace orggate::policy
