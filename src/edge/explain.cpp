#include "edge/explain.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace orggate::edge {
namespace {

std::string joined(const std::vector<std::string>& words)
{
    std::string text;
    for (const auto& word : words)
        text.append(text.empty() ? "" : ",").append(word);
    return text;
}

// `role=org:admin plan=pro,enterprise`
std::string demanded(const policy::Rule& rule)
{
    std::string text;
    for (const auto& demand : rule.demands)
        text.append(text.empty() ? "" : " ")
            .append(demand.requirement->keyword)
            .append("=")
            .append(joined(demand.arguments));
    return text;
}

const token::Session* session_of(const Exchange& x)
{
    const auto* signed_in = std::get_if<clerk::SignedIn>(&x.decision);
    return signed_in ? signed_in->session.get() : nullptr;
}

}  // namespace

void explain_refusal(const Exchange& x, Station& station)
{
    if (!station.log.is_on(observe::Level::debug) || !x.rule || !x.denial) return;
    const auto* session = session_of(x);
    const auto* organisation = session && session->organisation ? &*session->organisation : nullptr;
    const auto* out = std::get_if<clerk::SignedOut>(&x.decision);
    const auto* tenant =
        organisation ? x.serving->tenants_now().find(organisation->id, x.now) : nullptr;
    const auto wanted = demanded(*x.rule);
    const auto permissions = organisation ? joined(organisation->permissions) : std::string();
    const auto plans = session ? joined(session->org_plans) : std::string();
    using View = std::string_view;
    station.log.event(observe::Level::debug, "refused",
        {{"request_id", View(x.trace.request_id)}, {"reason", name(*x.denial)},
            {"clerk_reason", out ? out->reason : View()}, {"route", View(x.rule->name)},
            {"demanded", View(wanted)}, {"org_id", organisation ? View(organisation->id) : View()},
            {"org_role", organisation ? View(organisation->role) : View()},
            {"org_permissions", View(permissions)}, {"org_plans", View(plans)},
            {"tenant_reason", tenant ? View(tenant->reason) : View()},
            {"origin", x.head.find("origin")}});
}

}  // namespace orggate::edge
