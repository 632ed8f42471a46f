// How much an organisation, a user or an address may do.

#include "config/sections.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <utility>

namespace orggate::config {

namespace {

using namespace std::chrono_literals;
using limit::Algorithm;
using limit::OnError;
using limit::Otherwise;
using limit::Per;

// How long a worker may spend what it took. Longer saves little and strands more.
constexpr Microseconds lease = 1s;
constexpr double least_leased_per_second = 100;

RateTerms read_terms(Reader& reader, const Map& map)
{
    RateTerms terms;
    set(terms.algorithm, reader.choice<Algorithm>(map["algorithm"],
                             {{"window", Algorithm::window}, {"bucket", Algorithm::bucket},
                                 {"calendar", Algorithm::calendar}}));
    const auto burst = map["burst"];
    set(terms.burst, reader.integer(burst, {1, 1'000'000'000}));
    if (burst && terms.algorithm != Algorithm::bucket)
        reader.error(burst, "only algorithm: bucket has a burst");
    if (reader.choice<bool>(map["mode"], {{"exact", false}, {"leased", true}}).value_or(false))
        terms.lease = lease;
    if (terms.algorithm == Algorithm::calendar)
        reader.warn(map["algorithm"],
            "this count must outlive restarts: let Redis write it to disk (appendonly yes) and "
            "keep a replica; without Redis it ends with the process");
    return terms;
}

void read_subject(Reader& reader, const Map& map, limit::Limit& limit)
{
    set(limit.per,
        reader.choice<Per>(map["per"], {{"org", Per::org}, {"user", Per::user},
                                           {"org_user", Per::org_user}, {"ip", Per::ip}}));
    const auto otherwise = map["otherwise"];
    set(limit.otherwise,
        reader.choice<Otherwise>(otherwise, {{"ip", Otherwise::ip}, {"skip", Otherwise::skip}}));
    if (otherwise && limit.per == Per::ip)
        reader.error(otherwise, "every request has an address; this is for the other subjects");
}

void read_plans(Reader& reader, const Value& at, const RateTerms& terms, const Draft& draft,
    limit::Limit& limit)
{
    if (at && limit.per == Per::ip)
        return reader.error(at, "an address has no plan; this is for the other subjects");
    // One counter over organisations with other windows would forget at the shortest.
    if (at && limit.per == Per::user)
        return reader.error(at, "a user counts once over all organisations, whose plans can't "
                                "change that; this is for per: org or org_user");
    for (const auto& entry : reader.entries(at, "a mapping of plan to rate")) {
        const auto plan = policy::org_scoped_name(entry.name);
        auto rates = read_rates(reader, entry.value, limit.name, terms, draft.config.names.limits);
        if (!plan)
            reader.error(entry.place, at.key,
                "found the plan " + shown(entry.name) + ", expected a plan of organisations");
        else if (!limit.plans.emplace(*plan, std::move(rates)).second)
            reader.error(entry.place, at.key, "the plan " + shown(*plan) + " is named twice");
    }
}

void read_concurrent(Reader& reader, const Value& at, const Draft& draft, limit::Limit& limit)
{
    const auto most = reader.integer(at, {1, 1'000'000});
    if (!most) return;
    limit.concurrent = {
        .units = *most, .name = limit.name + "-concurrent", .algorithm = Algorithm::concurrent};
    const auto& names = draft.config.names.limits;
    if (std::find(names.begin(), names.end(), limit.concurrent.name) != names.end())
        reader.error(at, "in the answers this is called " + shown(limit.concurrent.name) +
                             ", as another limit is");
}

void read_on_error(Reader& reader, const Value& at, limit::Limit& limit)
{
    set(limit.on_error,
        reader.choice<OnError>(
            at, {{"local", OnError::local}, {"open", OnError::open}, {"closed", OnError::closed}}));
    if (limit.on_error != OnError::open) return;
    reader.warn(at, limit.concurrent.units > 0
                        ? "while the limiter is unavailable everything passes, any number at once"
                        : "while the limiter is unavailable everything passes");
}

// Requests per second that all of these let pass.
double sustained(const std::vector<limit::Quota>& quotas)
{
    double least = quotas.empty() ? 0 : 1e18;
    for (const auto& quota : quotas)
        least = std::min(least,
            static_cast<double>(quota.units) * 1e6 / static_cast<double>(quota.window.count()));
    return least;
}

void warn_vain_lease(Reader& reader, const Value& at, const limit::Limit& limit)
{
    if (limit.quotas.empty() || limit.quotas.front().lease <= Microseconds{0}) return;
    auto most = sustained(limit.quotas);
    for (const auto& [plan, quotas] : limit.plans)
        most = std::max(most, sustained(quotas));
    if (most < least_leased_per_second)
        reader.warn(at, "below 6000/1m leases save nothing: nearly every request still asks the "
                        "store; expected exact");
}

// Keys that say something about the rate, where there is none.
void check_rate(Reader& reader, const NamedValue& entry, const Map& map)
{
    if (!map || map["rate"]) return;
    if (!map["concurrent"])
        return reader.error(
            entry.place, entry.value.key, "rate is missing, such as 100/1m, or concurrent");
    for (const auto key : {"algorithm", "burst", "plans", "mode"})
        if (map[key]) reader.error(map[key], "this is about the rate, and there is none");
}

std::shared_ptr<limit::Limit> read_limit(Reader& reader, const NamedValue& entry, Draft& draft)
{
    auto limit = std::make_shared<limit::Limit>();
    limit->name = entry.name;
    const Map map(reader, entry.value, "limits.*");
    check_rate(reader, entry, map);
    const auto terms = read_terms(reader, map);
    read_subject(reader, map, *limit);
    limit->quotas = read_rates(reader, map["rate"], limit->name, terms, draft.config.names.limits);
    read_plans(reader, map["plans"], terms, draft, *limit);
    read_concurrent(reader, map["concurrent"], draft, *limit);
    read_on_error(reader, map["on_error"], *limit);
    set(limit->shadow, reader.boolean(map["shadow"]));
    warn_vain_lease(reader, map["mode"], *limit);
    draft.config.limit_terms.push_back(terms);
    return limit;
}

}  // namespace

void read_limits(Reader& reader, const Map& root, Draft& draft)
{
    const auto entries = reader.entries(root["limits"], "a mapping of name to limit");
    for (const auto& entry : entries)
        draft.config.names.limits.push_back(entry.name);
    for (const auto& entry : entries) {
        if (!is_plain_name(entry.name))
            reader.error(entry.place, "limits",
                "found the name " + shown(entry.name) + ", expected a name of a-z 0-9 _ -");
        draft.config.limits.push_back(read_limit(reader, entry, draft));
        draft.limit_places.emplace_back(entry.name, Value{entry.value.node, entry.value.key});
    }
}

}  // namespace orggate::config
