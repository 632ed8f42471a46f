#include "orggate/policy/authorize.hpp"

#include <algorithm>
#include <utility>

namespace orggate::policy {

namespace {

using token::Session;

// An id or slug that an organisation goes by, byte for byte. An escape never equals
// anything: the app behind us would decode it to another name.
bool is_called(const token::Organisation& org, std::string_view name)
{
    if (name.empty() || name.find('%') != std::string_view::npos) return false;
    return name == org.id || name == org.slug;
}

const Tenant* find_tenant(const Question& question, const Session& session, Instant now)
{
    return session.organisation ? question.tenants.find(session.organisation->id, now) : nullptr;
}

// What no shadow covers.
std::optional<Denial> refuse_access(const Question& question, const Session& session, Instant now)
{
    if (session.status != token::Status::active) return Denial::session_pending;
    const auto& org = session.organisation;
    // A limit is an organisation's; without one it could not be held.
    const bool needs_org = question.rule.access == Access::org || !question.rule.limits.empty();
    if (needs_org && (!org || org->id.empty())) return Denial::org_missing;
    const auto* tenant = find_tenant(question, session, now);
    if (tenant != nullptr && tenant->blocked) return Denial::blocked;
    if (question.expected_org && (!org || !is_called(*org, *question.expected_org)))
        return Denial::org_changed;
    return std::nullopt;
}

// What a rule in shadow only reports.
std::optional<Denial> refuse_demands(const Question& question, const Session& session, Instant now)
{
    const auto& rule = question.rule;
    if (!rule.org_in_path.empty()) {
        const auto named = org_in_path(rule, question.path);
        if (!session.organisation || !is_called(*session.organisation, named))
            return Denial::org_mismatch;
    }
    for (const auto& demand : rule.demands)
        if (const auto denial = demand.requirement->refuse(session, demand.arguments, now))
            return denial;
    return std::nullopt;
}

// Units per second of the first window, the one a plan is known by.
long double generosity(const std::vector<limit::Quota>& quotas)
{
    if (quotas.empty() || quotas.front().window.count() <= 0) return 0;
    const auto& first = quotas.front();
    return static_cast<long double>(first.units) / static_cast<long double>(first.window.count());
}

struct Chosen {
    const std::vector<limit::Quota>* quotas;
    std::string_view plan;
};

// The organisation's own numbers first, then the highest of the plans in its token,
// then the limit's.
Chosen choose_quotas(const limit::Limit& limit, const Session& session, const Tenant* tenant)
{
    if (tenant != nullptr)
        if (const auto found = tenant->limits.find(limit.name); found != tenant->limits.end())
            return {&found->second, {}};
    Chosen best{&limit.quotas, {}};
    for (const auto& plan : session.org_plans) {
        const auto found = limit.plans.find(plan);
        if (found == limit.plans.end()) continue;
        if (best.plan.empty() || generosity(found->second) > generosity(*best.quotas))
            best = {&found->second, found->first};
    }
    return best;
}

bool is_bypassed(const Tenant* tenant, const std::string& limit)
{
    if (tenant == nullptr) return false;
    return tenant->bypass_all ||
           std::find(tenant->bypass.begin(), tenant->bypass.end(), limit) != tenant->bypass.end();
}

}  // namespace

// The one friend of Pass.
struct Admission {
    static Pass nobody(const Rule& rule)
    {
        Pass pass;
        pass.rule_ = &rule;
        return pass;
    }

    static Pass of(const Rule& rule, std::shared_ptr<const Session> session)
    {
        auto pass = nobody(rule);
        pass.session_ = std::move(session);
        return pass;
    }

    static void charge(Pass& pass, const Tenant* tenant)
    {
        for (const auto& entry : pass.rule_->limits) {
            if (is_bypassed(tenant, entry.limit->name))
                pass.bypassed_.push_back(&entry);
            else
                charge(pass, entry, tenant);
        }
    }

    static void shadow(Pass& pass, Denial denial) { pass.shadowed_ = denial; }

private:
    static void charge(Pass& pass, const WeightedLimit& entry, const Tenant* tenant)
    {
        const auto& limit = *entry.limit;
        const auto chosen = choose_quotas(limit, *pass.session_, tenant);
        if (pass.plan_.empty()) pass.plan_ = chosen.plan;
        for (const auto& quota : *chosen.quotas) {
            pass.checks_.push_back({.limit = limit.name,
                .subject = pass.session_->organisation->id,
                .quota = &quota,
                .weight = entry.weight,
                .enforced = !limit.shadow && !pass.rule_->shadow});
            pass.check_limits_.push_back(&entry);
        }
    }
};

namespace {

// A public rule never refuses: who is not a good, active session is nobody, and so is
// a member of a blocked organisation.
Pass admit_anyone(const Question& question, Instant now)
{
    const auto* in = std::get_if<clerk::SignedIn>(&question.decision);
    if (in == nullptr || in->session->status != token::Status::active)
        return Admission::nobody(question.rule);
    const auto* tenant = find_tenant(question, *in->session, now);
    if (tenant != nullptr && tenant->blocked) return Admission::nobody(question.rule);
    return Admission::of(question.rule, in->session);
}

}  // namespace

Result<Pass> authorize(const Question& question, Instant now)
{
    const auto& rule = question.rule;
    if (question.is_preflight) return Admission::nobody(rule);
    if (rule.access == Access::anyone) return admit_anyone(question, now);
    if (const auto* out = std::get_if<clerk::SignedOut>(&question.decision)) return out->denial;
    const auto* in = std::get_if<clerk::SignedIn>(&question.decision);
    // Still a question: nobody has said who this is.
    if (in == nullptr) return Denial::token_key_unknown;
    if (const auto denial = refuse_access(question, *in->session, now)) return *denial;
    const auto unmet = refuse_demands(question, *in->session, now);
    if (unmet && !rule.shadow) return *unmet;
    auto pass = Admission::of(rule, in->session);
    if (unmet) Admission::shadow(pass, *unmet);
    Admission::charge(pass, find_tenant(question, *in->session, now));
    return pass;
}

}  // namespace orggate::policy
