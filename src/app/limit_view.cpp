#include "app/limit_view.hpp"

#include "app/tenant_text.hpp"
#include "orggate/http/client_address.hpp"
#include "orggate/limit/key.hpp"
#include "orggate/observe/json_text.hpp"

#include <algorithm>
#include <cstdio>
#include <set>

namespace orggate::app {
namespace {

using limit::Limit;
using limit::Per;
using observe::append_json_string;

struct Subject {
    Per per;
    std::string_view id, member{};
};

// Whom of those asked about the limit counts.
std::vector<Subject> find_subjects(const Limit& limit, const Asked& asked)
{
    std::vector<Subject> subjects;
    const bool has_org = !asked.org.empty(), has_user = !asked.user.empty();
    switch (limit.per) {
        case Per::org:
            if (has_org) subjects.push_back({Per::org, asked.org});
            break;
        case Per::user:
            if (has_user) subjects.push_back({Per::user, asked.user});
            break;
        case Per::org_user:
            if (has_org && has_user) subjects.push_back({Per::org_user, asked.org, asked.user});
            break;
        case Per::ip: break;
    }
    const bool counts_addresses = limit.per == Per::ip || limit.otherwise == limit::Otherwise::ip;
    if (counts_addresses && !asked.ip.empty()) subjects.push_back({Per::ip, asked.ip});
    return subjects;
}

using QuotaList = std::vector<const limit::Quota*>;

void append_all(QuotaList& out, const std::vector<limit::Quota>& quotas)
{
    for (const auto& quota : quotas)
        out.push_back(&quota);
}

const std::vector<limit::Quota>* own_quotas(const policy::Tenant* tenant, const Limit& limit)
{
    if (tenant == nullptr) return nullptr;
    const auto found = tenant->limits.find(limit.name);
    return found == tenant->limits.end() ? nullptr : &found->second;
}

QuotaList quotas_in_force(
    const Limit& limit, const Subject& subject, const Asked& asked, const policy::Tenant* tenant)
{
    QuotaList out;
    const auto* own = own_quotas(tenant, limit);
    const auto plan = limit.plans.find(asked.plan);
    if (subject.per != Per::ip && own != nullptr)
        append_all(out, *own);
    else if (subject.per != Per::ip && plan != limit.plans.end())
        append_all(out, plan->second);
    else
        append_all(out, limit.quotas);
    return out;
}

QuotaList all_quotas(const Limit& limit, const policy::Tenants& tenants, const Asked& asked)
{
    QuotaList out;
    append_all(out, limit.quotas);
    for (const auto& [plan, quotas] : limit.plans)
        append_all(out, quotas);
    // Also one whose time is over: what it counted is there still.
    const auto tenant = tenants.all().find(asked.org);
    const auto* own = own_quotas(tenant == tenants.all().end() ? nullptr : &tenant->second, limit);
    if (own != nullptr) append_all(out, *own);
    return out;
}

std::string seconds_text(Microseconds duration)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", std::chrono::duration<double>(duration).count());
    return text;
}

std::int64_t most_of(const limit::Quota& quota, std::int64_t share)
{
    const auto terms = limit::terms_of(quota, share);
    return terms.algorithm == limit::Algorithm::bucket ? terms.burst : terms.units;
}

}  // namespace

boost::system::result<Asked, Fault> read_asked(const Query& query, const config::Config& config)
{
    Asked asked{.org = query.get("org"),
        .user = query.get("user"),
        .ip = query.get("ip"),
        .limit = query.get("limit"),
        .plan = query.get("plan")};
    if (asked.org.empty() && asked.user.empty() && asked.ip.empty())
        return Fault{400, "expected org, user or ip"};
    if (!asked.ip.empty()) {
        // A subject of limits is whatever they make of an address.
        const bool is_network = asked.ip.find('/') != asked.ip.npos;
        if (asked.ip != "unix" && (is_network || !http::parse_network(asked.ip)))
            return Fault{400, "ip: no address"};
        asked.ip = http::limited_address(asked.ip);
    }
    const bool is_known =
        asked.limit.empty() || std::ranges::any_of(config.limits,
                                   [&](const auto& limit) { return limit->name == asked.limit; });
    if (!is_known) return Fault{400, "limit: there is none of this name"};
    return asked;
}

std::vector<limit::Check> find_counters(const config::Config& config,
    const policy::Tenants& tenants, const Asked& asked, Quotas quotas, Instant now)
{
    std::vector<limit::Check> checks;
    std::set<std::string> seen;
    const auto* tenant = asked.org.empty() ? nullptr : tenants.find(asked.org, now);
    const auto add = [&](const Limit& limit, const Subject& subject, const limit::Quota& quota) {
        const limit::Check check{.limit = limit.name,
            .subject = subject.id,
            .quota = &quota,
            .per = subject.per,
            .member = subject.member};
        std::string key;
        limit::append_key(key, "", check);
        if (seen.insert(std::move(key)).second) checks.push_back(check);
    };
    for (const auto& limit : config.limits) {
        if (!asked.limit.empty() && limit->name != asked.limit) continue;
        for (const auto& subject : find_subjects(*limit, asked)) {
            const auto list = quotas == Quotas::all
                                  ? all_quotas(*limit, tenants, asked)
                                  : quotas_in_force(*limit, subject, asked, tenant);
            for (const auto* quota : list)
                add(*limit, subject, *quota);
            if (limit->concurrent.units > 0) add(*limit, subject, limit->concurrent);
        }
    }
    return checks;
}

void append_counter(std::string& out, const limit::Check& check,
    const std::optional<limit::Decision>& decision, std::int64_t share)
{
    const auto& quota = *check.quota;
    const auto most = most_of(quota, share);
    const auto remaining = decision ? decision->remaining : most;
    out.append("{\"limit\":");
    append_json_string(out, check.limit);
    out.append(",\"quota\":");
    append_json_string(out, quota.name);
    out.append(",\"per\":");
    append_json_string(out, name(check.per));
    out.append(",\"subject\":");
    append_json_string(out, check.subject);
    if (!check.member.empty()) {
        out.append(",\"user\":");
        append_json_string(out, check.member);
    }
    if (quota.algorithm != limit::Algorithm::concurrent) {
        out.append(",\"rate\":");
        append_json_string(out, rate_text(quota));
    }
    out.append(",\"units\":").append(std::to_string(most));
    out.append(",\"used\":").append(std::to_string(std::max<std::int64_t>(0, most - remaining)));
    out.append(",\"remaining\":").append(std::to_string(remaining));
    const auto next = decision ? decision->next_unit : Microseconds{0};
    if (next.count() > 0) out.append(",\"next_unit_seconds\":").append(seconds_text(next));
    out.push_back('}');
}

std::string_view name(limit::Per per)
{
    switch (per) {
        case Per::org: return "org";
        case Per::user: return "user";
        case Per::org_user: return "org_user";
        case Per::ip: return "ip";
    }
    return "unknown";
}

}  // namespace orggate::app
