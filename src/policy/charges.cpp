#include "policy/charges.hpp"

#include "orggate/policy/authorize.hpp"

#include <algorithm>
#include <optional>

namespace orggate::policy {

namespace {

using limit::Per;
using token::Session;

struct Subject {
    Per per;
    std::string_view id, member{};
};

// Whom the limit counts. Nothing: the request has no such subject, and nobody instead.
std::optional<Subject> find_subject(const limit::Limit& limit, const Visitor& visitor)
{
    const auto* session = visitor.session;
    const std::string_view user = session != nullptr ? session->user_id : std::string_view();
    const std::string_view org = session != nullptr && session->organisation
                                     ? session->organisation->id
                                     : std::string_view();
    const bool needs_org = limit.per == Per::org || limit.per == Per::org_user;
    const bool needs_user = limit.per == Per::user || limit.per == Per::org_user;
    if ((!needs_org || !org.empty()) && (!needs_user || !user.empty())) {
        if (limit.per == Per::user) return Subject{Per::user, user};
        return Subject{limit.per, org, needs_user ? user : std::string_view()};
    }
    if (limit.otherwise == limit::Otherwise::ip) return Subject{Per::ip, visitor.address};
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
// then the limit's. An address belongs to no organisation, and a user to several: one of
// them with a shorter window would make the user's one counter forget what the others count.
Chosen choose_quotas(const limit::Limit& limit, const Subject& subject, const Visitor& visitor)
{
    Chosen best{&limit.quotas, {}};
    if (subject.per == Per::ip || subject.per == Per::user) return best;
    if (visitor.tenant != nullptr)
        if (const auto found = visitor.tenant->limits.find(limit.name);
            found != visitor.tenant->limits.end())
            return {&found->second, {}};
    for (const auto& plan : visitor.session->org_plans) {
        const auto found = limit.plans.find(plan);
        if (found == limit.plans.end()) continue;
        if (best.plan.empty() || generosity(found->second) > generosity(*best.quotas))
            best = {&found->second, found->first};
    }
    return best;
}

bool is_bypassed(const Tenant* tenant, const limit::Limit& limit)
{
    if (tenant == nullptr || limit.quotas.empty()) return false;
    return tenant->bypass_all || std::find(tenant->bypass.begin(), tenant->bypass.end(),
                                     limit.name) != tenant->bypass.end();
}

// One check for each rate, with the route's weight.
void write_rates(const Rule& rule, const WeightedLimit& entry, const Subject& subject,
    const std::vector<limit::Quota>& quotas, std::vector<limit::Check>& checks,
    std::vector<const WeightedLimit*>& limits)
{
    for (const auto& quota : quotas) {
        checks.push_back({.limit = entry.limit->name,
            .subject = subject.id,
            .quota = &quota,
            .weight = entry.weight,
            .enforced = !entry.limit->shadow && !rule.shadow,
            .per = subject.per,
            .member = subject.member,
            .on_error = entry.limit->on_error});
        limits.push_back(&entry);
    }
}

// What is held at once; a request is one, whatever it weighs.
void write_concurrent(const Rule& rule, const WeightedLimit& entry, const Subject& subject,
    std::vector<limit::Check>& checks, std::vector<const WeightedLimit*>& limits)
{
    if (entry.limit->concurrent.units <= 0) return;
    checks.push_back({.limit = entry.limit->name,
        .subject = subject.id,
        .quota = &entry.limit->concurrent,
        .weight = 1,
        .enforced = !entry.limit->shadow && !rule.shadow,
        .per = subject.per,
        .member = subject.member,
        .on_error = entry.limit->on_error});
    limits.push_back(&entry);
}

}  // namespace

Charges find_charges(const Rule& rule, const Visitor& visitor)
{
    Charges out;
    out.checks.reserve(rule.limits.size());
    out.limits.reserve(rule.limits.size());
    for (const auto& entry : rule.limits) {
        const auto& limit = *entry.limit;
        if (limit.per == Per::ip) continue;
        const auto subject = find_subject(limit, visitor);
        if (!subject) {
            if (limit.otherwise == limit::Otherwise::refuse) out.has_all_subjects = false;
            continue;
        }
        if (is_bypassed(visitor.tenant, limit)) {
            out.bypassed.push_back(&entry);
        } else {
            const auto chosen = choose_quotas(limit, *subject, visitor);
            if (out.plan.empty()) out.plan = chosen.plan;
            write_rates(rule, entry, *subject, *chosen.quotas, out.checks, out.limits);
        }
        // Held even by those a bypass frees: it protects the app, not a price list.
        write_concurrent(rule, entry, *subject, out.checks, out.limits);
    }
    return out;
}

void write_address_checks(const Rule& rule, std::string_view address,
    std::vector<limit::Check>& checks, std::vector<const WeightedLimit*>& limits)
{
    for (const auto& entry : rule.limits) {
        if (entry.limit->per != Per::ip) continue;
        const Subject subject{Per::ip, address};
        write_rates(rule, entry, subject, entry.limit->quotas, checks, limits);
        write_concurrent(rule, entry, subject, checks, limits);
    }
}

}  // namespace orggate::policy
