#include "orggate/policy/authorize.hpp"

#include "policy/charges.hpp"

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
    const bool needs_org = question.rule.access == Access::org;
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

}  // namespace

// The one friend of Pass.
struct Admission {
    // The charges' views point into what the pass keeps and the question outlives.
    static Pass of(const Rule& rule, std::shared_ptr<const Session> session, Charges charges)
    {
        Pass pass;
        pass.rule_ = &rule;
        pass.session_ = std::move(session);
        pass.checks_ = std::move(charges.checks);
        pass.check_limits_ = std::move(charges.limits);
        pass.bypassed_ = std::move(charges.bypassed);
        pass.plan_ = charges.plan;
        return pass;
    }

    static void shadow(Pass& pass, Denial denial) { pass.shadowed_ = denial; }
};

namespace {

Charges charges_of(const Question& question, const Session* session, const Tenant* tenant)
{
    return find_charges(question.rule, {session, tenant, question.address});
}

// Limits that count addresses instead hold for nobody too.
Pass admit_nobody(const Question& question)
{
    return Admission::of(question.rule, nullptr, charges_of(question, nullptr, nullptr));
}

// A public rule never refuses: who is not a good, active session is nobody, and so is
// a member of a blocked organisation.
Pass admit_anyone(const Question& question, Instant now)
{
    const auto* in = std::get_if<clerk::SignedIn>(&question.decision);
    if (in == nullptr || in->session->status != token::Status::active)
        return admit_nobody(question);
    const auto* tenant = find_tenant(question, *in->session, now);
    if (tenant != nullptr && tenant->blocked) return admit_nobody(question);
    return Admission::of(
        question.rule, in->session, charges_of(question, in->session.get(), tenant));
}

}  // namespace

Result<Pass> authorize(const Question& question, Instant now)
{
    const auto& rule = question.rule;
    if (question.is_preflight) return admit_nobody(question);
    if (rule.access == Access::anyone) return admit_anyone(question, now);
    if (const auto* out = std::get_if<clerk::SignedOut>(&question.decision)) return out->denial;
    const auto* in = std::get_if<clerk::SignedIn>(&question.decision);
    // Still a question: nobody has said who this is.
    if (in == nullptr) return Denial::token_key_unknown;
    if (const auto denial = refuse_access(question, *in->session, now)) return *denial;
    const auto unmet = refuse_demands(question, *in->session, now);
    if (unmet && !rule.shadow) return *unmet;
    auto charges =
        charges_of(question, in->session.get(), find_tenant(question, *in->session, now));
    // A limit that cannot be held must not let pass. The configuration allows no such rule.
    if (!charges.has_all_subjects) return Denial::org_missing;
    auto pass = Admission::of(rule, in->session, std::move(charges));
    if (unmet) Admission::shadow(pass, *unmet);
    return pass;
}

}  // namespace orggate::policy
