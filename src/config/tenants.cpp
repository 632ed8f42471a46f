// What is special about some organisations.

#include "config/sections.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <utility>

namespace orggate::config {

namespace {

constexpr std::string_view id_form = "an organisation id, which starts with org_";

bool is_org_id(std::string_view text)
{
    return text.starts_with("org_") && text.size() > 4 && text.size() <= 128 &&
           text.find_first_not_of(
               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
               std::string_view::npos;
}

bool is_limit(const Config& config, std::string_view name)
{
    return std::any_of(config.limits.begin(), config.limits.end(),
        [&](const auto& limit) { return limit->name == name; });
}

void read_bypass(Reader& reader, const Value& at, const Config& config, policy::Tenant& tenant)
{
    constexpr std::string_view form = "all, or a list of limits";
    for (auto& text : reader.texts(at, form)) {
        if (at.node->kind == Node::Kind::scalar && text.text == "all")
            tenant.bypass_all = true;
        else if (is_limit(config, text.text))
            tenant.bypass.push_back(std::move(text.text));
        else
            reader.expected(text.where, "all, or the name of a limit");
    }
}

void read_own_limits(Reader& reader, const Value& at, const Config& config, policy::Tenant& tenant)
{
    for (const auto& entry : reader.entries(at, "a mapping of limit to rate")) {
        auto quotas = read_rates(reader, entry.value, entry.name);
        if (is_limit(config, entry.name))
            tenant.limits.emplace(entry.name, std::move(quotas));
        else
            reader.error(entry.place, at.key,
                "found " + shown(entry.name) + ", expected the name of a limit");
    }
}

policy::Tenant read_tenant(Reader& reader, const NamedValue& entry, const Config& config)
{
    policy::Tenant tenant;
    const Map map(reader, entry.value, "tenants.*");
    read_bypass(reader, map["bypass"], config, tenant);
    read_own_limits(reader, map["limits"], config, tenant);
    set(tenant.blocked, reader.boolean(map["blocked"]));
    set(tenant.reason, reader.text(map["reason"]));
    if (const auto text = reader.text(map["until"], "a time in UTC such as 2027-03-01T00:00:00Z")) {
        tenant.until = parse_utc_time(*text);
        if (!tenant.until)
            reader.expected(map["until"], "a time in UTC such as 2027-03-01T00:00:00Z");
    }
    return tenant;
}

}  // namespace

void read_tenants(Reader& reader, const Map& root, Draft& draft)
{
    std::map<std::string, policy::Tenant, std::less<>> all;
    for (const auto& entry :
        reader.entries(root["tenants"], "a mapping of organisation id to its settings")) {
        if (!is_org_id(entry.name))
            reader.error(entry.place, "tenants",
                "found " + shown(entry.name) + ", expected " + std::string(id_form));
        all[entry.name] = read_tenant(reader, entry, draft.config);
    }
    for (const auto& text : reader.texts(root["bypass"], "a list of organisation ids")) {
        if (!is_org_id(text.text)) {
            reader.expected(text.where, id_form);
            continue;
        }
        const auto [entry, is_new] = all.try_emplace(text.text);
        if (!is_new) reader.error(text.where, "this organisation is listed twice, or in tenants");
        entry->second.bypass_all = true;
    }
    draft.config.tenants = policy::Tenants(std::move(all));
}

}  // namespace orggate::config
