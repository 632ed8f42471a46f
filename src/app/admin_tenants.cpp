// What is special about organisations, from whom, and changing it.

#include "app/admin.hpp"
#include "app/admin_answers.hpp"
#include "app/tenant_text.hpp"
#include "orggate/config/load.hpp"
#include "orggate/observe/json_text.hpp"

#include <algorithm>

namespace orggate::app {
namespace {

bool is_org_id(std::string_view text)
{
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    };
    return text.starts_with("org_") && text.size() > 4 && text.size() <= 128 &&
           std::ranges::all_of(text, is_letter);
}

// The reader passes over limits that other processes may have; here it is a typo.
std::string unknown_limit(const TenantWords& words, const config::Config& config)
{
    const auto is_known = [&](std::string_view name) {
        return std::ranges::any_of(
            config.limits, [&](const auto& limit) { return limit->name == name; });
    };
    for (const auto& limit : words.limits)
        if (const auto name = limit.substr(0, limit.find('=')); !is_known(name)) return name;
    std::string_view rest = words.bypass == "all" ? std::string_view() : words.bypass;
    while (!rest.empty()) {
        const auto name = rest.substr(0, rest.find(','));
        if (!is_known(name)) return name.empty() ? "without a name" : std::string(name);
        rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    }
    return {};
}

// So that they do not count to the most the fleet may hold.
std::vector<std::string> over(const TenantMap& tenants, Instant now)
{
    std::vector<std::string> orgs;
    for (const auto& [org, tenant] : tenants)
        if (tenant.until && now.wall >= *tenant.until) orgs.push_back(org);
    return orgs;
}

Page done(std::string_view org, std::string_view where, std::string_view what)
{
    std::string body = "{";
    append_pair(body, "org", org);
    body.push_back(',');
    append_pair(body, "in", where);
    body.push_back(',');
    append_pair(body, "done", what);
    body.push_back('}');
    return json_page(std::move(body));
}

}  // namespace

Page Admin::tenants() const
{
    const auto all = parts_.tenants.merged();
    const auto now = parts_.clock();
    std::string rows;
    for (const auto& [org, settings] : all.all()) {
        rows.append(rows.empty() ? "" : ",");
        observe::append_json_string(rows, org);
        rows.append(":{");
        append_pair(rows, "source", name(parts_.tenants.speaker(org)));
        rows.append(",\"in_force\":").append(all.find(org, now) ? "true" : "false");
        rows.append(",\"settings\":").append(tenant_text(settings)).push_back('}');
    }
    return json_page("{\"tenants\":{" + rows + "}}");
}

Awaitable<Page> Admin::tenant(PageRequest request)
{
    constexpr std::string_view clear = "/clear";
    auto segment = std::string_view(request.path).substr(tenants_path.size());
    const bool says_clear = segment.ends_with(clear);
    if (says_clear) segment.remove_suffix(clear.size());
    auto org = percent_decode(segment);
    if (!org || !is_org_id(*org))
        co_return refusal(400, "expected an organisation id, which starts with org_");
    const bool is_post = request.method == "POST", is_delete = request.method == "DELETE";
    if (is_post && !says_clear)
        co_return co_await set_tenant(std::move(*org), std::move(request.query));
    const bool clears = is_post || (is_delete && !says_clear);
    if (!clears) co_return refusal(405, "POST or DELETE");
    if (!request.query.empty()) co_return refusal(400, "no parameters are expected");
    co_return co_await clear_tenant(std::move(*org));
}

Awaitable<Page> Admin::set_tenant(std::string org, std::string text)
{
    const auto query = Query::parse(text, {"bypass", "blocked", "until", "reason"}, {"limit"});
    if (!query) co_return refusal(query.error());
    const TenantWords words{.bypass = query->get("bypass"),
        .limits = query->all("limit"),
        .blocked = query->get("blocked"),
        .until = query->get("until"),
        .reason = query->get("reason")};
    auto settings = tenant_text(words);
    if (!settings) co_return refusal(settings.error());
    auto parsed = config::tenant_from_text(*settings, parts_.config);
    if (!parsed) co_return refusal(400, parsed.error());
    if (const auto unknown = unknown_limit(words, parts_.config); !unknown.empty())
        co_return refusal(400, "there is no limit " + unknown);
    const auto now = parts_.clock();
    if (parsed->until && now.wall >= *parsed->until)
        co_return refusal(400, "until: this time is over already: it is " + utc_text(now.wall));

    if (parts_.fleet) {
        auto may_go = over(parts_.tenants.of(TenantSource::fleet), now);
        const auto told = co_await parts_.fleet->set_tenant(org, *settings, std::move(may_go));
        if (told == redis::Fleet::Told::full)
            co_return refusal(409, "the fleet holds as many as it may: use a tenants file");
        if (told != redis::Fleet::Told::done) co_return undone(told);
    } else {
        auto all = parts_.tenants.of(TenantSource::process);
        all.insert_or_assign(org, std::move(*parsed));
        parts_.tell_process(std::move(all));
    }
    parts_.log.event(observe::Level::info, "tenant set",
        {{"org_id", std::string_view(org)}, {"settings", std::string_view(*settings)}});
    co_return done(org, parts_.fleet ? "fleet" : "process", "set");
}

Awaitable<Page> Admin::clear_tenant(std::string org)
{
    bool was_set = true;
    if (parts_.fleet) {
        const auto told = co_await parts_.fleet->clear_tenant(org);
        was_set = told == redis::Fleet::Told::done;
        if (!was_set && told != redis::Fleet::Told::nothing) co_return undone(told);
    } else {
        auto all = parts_.tenants.of(TenantSource::process);
        was_set = all.erase(org) != 0;
        if (was_set) parts_.tell_process(std::move(all));
    }
    if (was_set)
        parts_.log.event(
            observe::Level::info, "tenant cleared", {{"org_id", std::string_view(org)}});
    co_return done(
        org, parts_.fleet ? "fleet" : "process", was_set ? "cleared" : "nothing was set");
}

}  // namespace orggate::app
