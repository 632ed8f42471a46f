// What is allowed but probably not meant.

#include "config/sections.hpp"
#include "config/text.hpp"

#include "orggate/http/target.hpp"

#include <algorithm>
#include <limits>
#include <optional>

namespace orggate::config {

namespace {

using policy::Access;

// A route's name as it stands in the file, never what a variable made of it.
std::string name_in_file(const RulePlace& place)
{
    if (place.route)
        for (const auto& entry : place.route.node->entries)
            if (entry.key == "name") return entry.value->text;
    return "default";
}

void warn_unlimited(Reader& reader, const Draft& draft)
{
    const auto& fallback = draft.rules.back();
    for (std::size_t i = 0; i < draft.rules.size(); ++i) {
        const auto& rule = draft.rules[i];
        if (rule.access != Access::org || !rule.limits.empty()) continue;
        const auto& at = draft.rule_places[i].route;
        // A route that inherits is told of once, at the default.
        const bool inherits = &rule != &fallback && fallback.access == Access::org &&
                              std::none_of(at.node->entries.begin(), at.node->entries.end(),
                                  [](const Entry& entry) { return entry.key == "limits"; });
        if (inherits) continue;
        reader.warn(at.place(), at ? at.key : "default",
            "no limits: an organisation may send any number of requests");
    }
}

void warn_unreachable(Reader& reader, const Draft& draft)
{
    for (std::size_t later = 0; later + 1 < draft.rules.size(); ++later) {
        for (std::size_t earlier = 0; earlier < later; ++earlier) {
            if (!policy::shadows(draft.rules[earlier], draft.rules[later])) continue;
            reader.warn(draft.rule_places[later].route,
                "never matches: the route " + name_in_file(draft.rule_places[earlier]) +
                    " before it takes all its requests");
            break;
        }
    }
}

void warn_foreign_hosts(Reader& reader, const Draft& draft)
{
    const auto& known = draft.config.hosts;
    if (known.empty()) return;
    const auto is_known = [&](const std::string& host) {
        return std::find(known.begin(), known.end(), host) != known.end();
    };
    for (std::size_t i = 0; i < draft.rules.size(); ++i) {
        const auto& hosts = draft.rules[i].hosts;
        if (!hosts.empty() && std::none_of(hosts.begin(), hosts.end(), is_known))
            reader.warn(draft.rule_places[i].route, "never matches: none of its hosts is in hosts");
    }
    const auto& origins = draft.config.public_origins;
    for (std::size_t i = 0; i < origins.size(); ++i)
        if (!is_known(parse_url(origins[i])->host))
            reader.warn(draft.origin_places[i],
                "its host is not in hosts; requests for it would be refused");
}

// The heaviest request that all of the quotas let pass.
std::int64_t heaviest(const std::vector<limit::Quota>& quotas)
{
    auto least = std::numeric_limits<std::int64_t>::max();
    for (const auto& quota : quotas)
        least = std::min(least, most_at_once(quota));
    return least;
}

void warn_heavy(Reader& reader, const Draft& draft)
{
    for (std::size_t i = 0; i < draft.rules.size(); ++i) {
        for (const auto& entry : draft.rules[i].limits) {
            const auto at = draft.rule_places[i].limits.find(entry.limit->name);
            if (at == draft.rule_places[i].limits.end()) continue;
            if (entry.weight > heaviest(entry.limit->quotas))
                reader.warn(at->second, "this weight is above the limit; no request can pass");
            for (const auto& [plan, quotas] : entry.limit->plans)
                if (entry.weight > heaviest(quotas))
                    reader.warn(at->second, "this weight is above the limit of the plan " + plan +
                                                "; no request can pass");
        }
    }
}

// While Redis is away each process holds a quota to its part, and at least to 1.
void warn_large_fleet(Reader& reader, const Draft& draft)
{
    if (!draft.config.redis) return;
    const auto fleet = draft.config.redis->fleet;
    for (std::size_t i = 0; i < draft.config.limits.size(); ++i) {
        const auto& limit = *draft.config.limits[i];
        if (limit.on_error != limit::OnError::local) continue;
        auto least = std::numeric_limits<std::int64_t>::max();
        const auto consider = [&](const limit::Quota& quota) {
            least = std::min(least, quota.units);
        };
        std::for_each(limit.quotas.begin(), limit.quotas.end(), consider);
        for (const auto& [plan, quotas] : limit.plans)
            std::for_each(quotas.begin(), quotas.end(), consider);
        if (limit.concurrent.units > 0) consider(limit.concurrent);
        if (fleet > least)
            reader.warn(draft.limit_places[i].second,
                "while Redis is away each process lets at least 1 pass: " + std::to_string(fleet) +
                    " in all instead of " + std::to_string(least));
    }
}

// A process that has never heard from Redis knows of no others.
void warn_unknown_fleet(Reader& reader, const Draft& draft)
{
    const auto& limits = draft.config.limits;
    const bool any_local = std::any_of(limits.begin(), limits.end(),
        [](const auto& limit) { return limit->on_error == limit::OnError::local; });
    if (draft.redis_without_fleet && any_local)
        reader.warn(draft.redis_without_fleet,
            "neither fleet nor fleet_dns: at a start without Redis each process lets the whole "
            "limit pass until it has heard from Redis once");
}

void warn_unknown_plans(Reader& reader, const Draft& draft)
{
    const auto& limits = draft.config.limits;
    const bool any_plans = std::any_of(
        limits.begin(), limits.end(), [](const auto& limit) { return !limit->plans.empty(); });
    if (!any_plans) return;
    for (const auto& place : draft.rule_places)
        for (const auto& [at, plan] : place.required_plans)
            if (std::none_of(limits.begin(), limits.end(),
                    [&](const auto& limit) { return limit->plans.contains(plan); }))
                reader.warn(
                    at, "no limit names the plan " + shown(at.node->text) + "; is it spelt right?");
}

void warn_unused_limits(Reader& reader, const Draft& draft)
{
    for (std::size_t i = 0; i < draft.limit_places.size(); ++i) {
        const bool is_used =
            std::any_of(draft.rules.begin(), draft.rules.end(), [&](const policy::Rule& rule) {
                return std::any_of(rule.limits.begin(), rule.limits.end(),
                    [&](const policy::WeightedLimit& entry) { return entry.index == i; });
            });
        if (!is_used) reader.warn(draft.limit_places[i].second, "no route uses this limit");
    }
}

// Who is sent to a page must be able to open it.
enum class Visitor { nobody, no_org, refused };

bool may_open(const policy::Rule& rule, Visitor visitor)
{
    switch (visitor) {
        case Visitor::nobody: return rule.access == Access::anyone;
        case Visitor::no_org: return rule.access != Access::org && rule.demands.empty();
        case Visitor::refused: return rule.demands.empty() && rule.org_in_path.empty();
    }
    return false;
}

// Whether it has warned.
bool warn_gated(Reader& reader, const Draft& draft, const policy::RuleTable& table,
    const PagePlace& page, Visitor visitor)
{
    const auto url = parse_url(page.url);
    const auto& origins = draft.config.public_origins;
    if (!url || std::find(origins.begin(), origins.end(), url->origin()) == origins.end())
        return false;
    const auto authority = url->authority();
    const auto path = url->path.empty() ? "/" : url->path;
    const auto target = http::parse_target("GET", path, authority);
    if (!target) {
        reader.warn(page.where, "our own path rules refuse this page");
        return true;
    }
    const auto& rule = table.find({.method = "GET", .host = authority, .path = target->path});
    if (may_open(rule, visitor)) return false;
    reader.warn(page.where, "the route " + name_in_file(draft.rule_places[rule.index]) +
                                " does not let in those who are sent here: they would go "
                                "round in circles");
    return true;
}

}  // namespace

void find_warnings(Reader& reader, const Draft& draft)
{
    const policy::RuleTable table(draft.rules);
    warn_unlimited(reader, draft);
    warn_unreachable(reader, draft);
    warn_foreign_hosts(reader, draft);
    warn_heavy(reader, draft);
    warn_large_fleet(reader, draft);
    warn_unknown_fleet(reader, draft);
    warn_unknown_plans(reader, draft);
    warn_unused_limits(reader, draft);
    // The tasks page may be a part of the sign-in page; told once is enough.
    if (!warn_gated(reader, draft, table, draft.sign_in, Visitor::nobody))
        warn_gated(reader, draft, table, draft.tasks, Visitor::nobody);
    warn_gated(reader, draft, table, draft.choose_org, Visitor::no_org);
    warn_gated(reader, draft, table, draft.forbidden, Visitor::refused);
}

}  // namespace orggate::config
