// A verified caller. Both of Clerk's token versions end here.
// Plain values, immutable once published. Any thread.
// Source: Clerk session token reference (claims of version 1 and 2).

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::token {

struct Organisation {
    std::string id;    // org_…, checked
    std::string slug;  // empty if the token carries none
    std::string role;  // with its `org:` prefix; empty if the token carries none
    std::vector<std::string> permissions;  // org:<feature>:<permission>
};

// Minutes since a factor was last verified; -1: that factor group is not enrolled.
struct FactorAges {
    double first = -1;
    double second = -1;
};

enum class Status { active, pending };

struct Session {
    std::string user_id;     // user_…, checked
    std::string session_id;  // sess_…, checked
    std::string actor_id;    // who impersonates the user; empty: nobody
    std::optional<Organisation> organisation;
    std::vector<std::string> org_features, user_features;
    std::vector<std::string> org_plans, user_plans;
    std::optional<FactorAges> factor_ages;
    Status status = Status::active;
    // Unix seconds, fractions truncated. Absent nbf and iat pass, as in Clerk's SDK.
    std::int64_t expires = 0;
    std::optional<std::int64_t> not_before, issued_at;
    // Scalar claims by dotted path, as text (`true`, `42`, `text`), for `claim:`
    // requirements and `headers.claims`. Nothing below `unsafe_metadata`, which
    // users write themselves, and no key that itself holds a dot.
    std::map<std::string, std::string, std::less<>> claims;
};

}  // namespace orggate::token
