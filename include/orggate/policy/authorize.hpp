// May they? The only producer of a Pass, and nothing is forwarded without one.
// Pure.

#pragma once

#include "orggate/clerk/decision.hpp"
#include "orggate/denial.hpp"
#include "orggate/limit/quota.hpp"
#include "orggate/policy/rule.hpp"
#include "orggate/policy/tenants.hpp"
#include "orggate/time.hpp"
#include "orggate/token/session.hpp"

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace orggate::policy {

// Evidence of admission: who, under which rule, charged to which limits. Only
// authorize() can make one.
class Pass {
public:
    const Rule& rule() const { return *rule_; }
    // Null: nobody (a public route). Only a verified, active session is ever here.
    const token::Session* session() const { return session_.get(); }
    // What the limiter is asked; the views live as long as this Pass.
    const std::vector<limit::Check>& checks() const { return checks_; }
    // The rule's limit behind each check.
    const std::vector<const WeightedLimit*>& check_limits() const { return check_limits_; }
    // The rule's limits a tenant's bypass waived.
    const std::vector<const WeightedLimit*>& bypassed() const { return bypassed_; }
    // What a rule in shadow would have refused.
    std::optional<Denial> shadowed() const { return shadowed_; }
    // The organisation plan whose quotas apply; empty: the limit's own rate.
    std::string_view plan() const { return plan_; }

private:
    friend struct Admission;  // authorize.cpp
    Pass() = default;
    const Rule* rule_ = nullptr;
    std::shared_ptr<const token::Session> session_;
    std::vector<limit::Check> checks_;
    std::vector<const WeightedLimit*> check_limits_, bypassed_;
    std::optional<Denial> shadowed_;
    std::string_view plan_;
};

struct Question {
    const Rule& rule;
    const clerk::Decision& decision;               // SignedIn or SignedOut
    std::string_view path;                         // canonical, for org_in_path
    std::optional<std::string_view> expected_org;  // X-Expected-Org; no organisation is called ""
    const Tenants& tenants;
    std::string_view address;   // of the client, as limits per ip count it; outlives the Pass
    bool is_preflight = false;  // a true CORS preflight goes on as nobody (Fetch section 3.2)
};

// Order: signed out, pending, organisation missing, blocked, X-Expected-Org,
// organisation in the path, requirements in the order of the file.
// On a public rule everything but a good, active session is nobody, never a refusal; so
// is a session of a blocked organisation, and X-Expected-Org is not asked.
//
// Charged, in the order of the rule: each rate of a limit with the rule's weight, then what
// it holds at once with weight 1. Plans and a tenant's own rates change what an organisation
// and its users in it (org, org_user) may do; a user's or an address's counter is one for all
// organisations, and the limit's own rate holds. A request without the subject of a limit counts for its
// address (otherwise: ip) or not at all (skip). A bypass waives rates alone: not what is
// held at once, nor limits per address.
// Refuses: what the decision said, session_pending, org_missing, blocked,
//          org_changed, org_mismatch, what a requirement says.
Result<Pass> authorize(const Question& question, Instant now);

// The rule's limits per address, charged before the token is read; not in Pass::checks().
// No plan, no tenant and no bypass changes them.
// `limits` gets the rule's limit behind each check.
void write_address_checks(const Rule& rule, std::string_view address,
    std::vector<limit::Check>& checks, std::vector<const WeightedLimit*>& limits);

}  // namespace orggate::policy
