// What is special about some organisations.

#include "config/sections.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
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

std::optional<std::size_t> find_limit(const Config& config, std::string_view name)
{
    const auto found = std::find_if(config.limits.begin(), config.limits.end(),
        [&](const auto& limit) { return limit->name == name; });
    if (found == config.limits.end()) return std::nullopt;
    return static_cast<std::size_t>(found - config.limits.begin());
}

// Why settings of an organisation change nothing about this limit; empty: they do.
std::string_view why_not(const limit::Limit& limit)
{
    if (limit.per == limit::Per::ip) return "this limit counts addresses, of no organisation";
    if (limit.quotas.empty()) return "this limit has no rate, and what is held at once stays";
    return {};
}

// Why an organisation can't have a rate of its own under this limit; empty: it can.
std::string_view why_no_rate(const limit::Limit& limit)
{
    if (limit.per == limit::Per::user)
        return "this limit counts a user once over all organisations; its own rate holds";
    return why_not(limit);
}

void read_bypass(Reader& reader, const Value& at, const Config& config, UnknownLimits unknown,
    policy::Tenant& tenant)
{
    constexpr std::string_view form = "all, or a list of limits";
    for (auto& text : reader.texts(at, form)) {
        if (at.node->kind == Node::Kind::scalar && text.text == "all") {
            tenant.bypass_all = true;
            continue;
        }
        const auto limit = find_limit(config, text.text);
        if (unknown == UnknownLimits::refuse) {
            if (!limit)
                reader.expected(text.where, "all, or the name of a limit");
            else if (const auto why = why_not(*config.limits[*limit]); !why.empty())
                reader.error(text.where, why);
        }
        tenant.bypass.push_back(std::move(text.text));
    }
}

// A Config that nobody loaded may have limits without terms.
RateTerms inherited(const Config& config, std::size_t limit)
{
    return limit < config.limit_terms.size() ? config.limit_terms[limit] : RateTerms{};
}

void read_own_limits(Reader& reader, const Value& at, const Config& config, UnknownLimits unknown,
    policy::Tenant& tenant)
{
    for (const auto& entry : reader.entries(at, "a mapping of limit to rate")) {
        const auto found = find_limit(config, entry.name);
        const auto why = found ? why_no_rate(*config.limits[*found]) : std::string_view();
        if (found && why.empty()) {
            tenant.limits.emplace(entry.name, read_rates(reader, entry.value, entry.name,
                                                  inherited(config, *found), config.names.limits));
        } else if (unknown == UnknownLimits::refuse) {
            if (found)
                reader.error(entry.place, at.key, why);
            else
                reader.error(entry.place, at.key,
                    "found " + shown(entry.name) + ", expected the name of a limit");
        }
    }
}

void read_until(Reader& reader, const Value& at, policy::Tenant& tenant)
{
    constexpr std::string_view form = "a time in UTC such as 2027-03-01T00:00:00Z";
    const auto text = reader.text(at, form);
    if (!text) return;
    tenant.until = parse_utc_time(*text);
    if (!tenant.until) return reader.expected(at, form);
    if (*tenant.until <= reader.world().now)
        reader.warn(at, "this time is over: nothing of this organisation's settings holds");
}

// Beside the configuration, unless it says where.
std::string beside(const std::string& config_file, const std::string& path)
{
    return (std::filesystem::path(config_file).parent_path() / path).string();
}

void read_tenants_file(Reader& reader, const Value& at, Config& config)
{
    constexpr std::string_view form = "the path of a file";
    const auto path = reader.text(at, form);
    if (!path) return;
    if (path->empty()) return reader.expected(at, form);
    config.tenants_file = beside(config.file, *path);
    std::string why;
    if (!reader.world().read_file(config.tenants_file, why))
        reader.error(
            at, "cannot read the file " + shown(at.node->text) + (why.empty() ? "" : ": " + why));
}

}  // namespace

policy::Tenant read_tenant(
    Reader& reader, const Value& at, const Config& config, UnknownLimits unknown)
{
    policy::Tenant tenant;
    const Map map(reader, at, "tenants.*");
    read_bypass(reader, map["bypass"], config, unknown, tenant);
    read_own_limits(reader, map["limits"], config, unknown, tenant);
    set(tenant.blocked, reader.boolean(map["blocked"]));
    set(tenant.reason, reader.text(map["reason"]));
    read_until(reader, map["until"], tenant);
    return tenant;
}

TenantMap read_tenant_map(Reader& reader, const Map& top, const Config& config)
{
    TenantMap all;
    for (const auto& entry :
        reader.entries(top["tenants"], "a mapping of organisation id to its settings")) {
        if (!is_org_id(entry.name))
            reader.error(entry.place, "tenants",
                "found " + shown(entry.name) + ", expected " + std::string(id_form));
        all[entry.name] = read_tenant(reader, entry.value, config, UnknownLimits::refuse);
    }
    for (const auto& text : reader.texts(top["bypass"], "a list of organisation ids")) {
        if (!is_org_id(text.text)) {
            reader.expected(text.where, id_form);
            continue;
        }
        const auto [entry, is_new] = all.try_emplace(text.text);
        if (!is_new) reader.error(text.where, "this organisation is listed twice, or in tenants");
        entry->second.bypass_all = true;
    }
    return all;
}

void read_tenants(Reader& reader, const Map& root, Draft& draft)
{
    draft.config.tenants = policy::Tenants(read_tenant_map(reader, root, draft.config));
    read_tenants_file(reader, root["tenants_file"], draft.config);
}

}  // namespace orggate::config
