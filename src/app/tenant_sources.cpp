#include "app/tenant_sources.hpp"

#include "app/tenant_text.hpp"

#include <cstdint>

namespace orggate::app {

std::string_view name(TenantSource source)
{
    switch (source) {
        case TenantSource::config: return "config";
        case TenantSource::file: return "file";
        case TenantSource::fleet: return "fleet";
        case TenantSource::process: return "process";
    }
    return "unknown";
}

TenantDifference difference(const TenantMap& before, const TenantMap& after)
{
    TenantDifference result;
    for (const auto& [org, tenant] : after) {
        const auto found = before.find(org);
        if (found == before.end())
            ++result.added;
        else if (tenant_text(found->second) != tenant_text(tenant))
            ++result.changed;
    }
    for (const auto& [org, tenant] : before)
        if (!after.contains(org)) ++result.removed;
    return result;
}

// FNV-1a: for people to compare, no secret.
std::string hash_of(const TenantMap& tenants)
{
    std::uint64_t hash = 0xcbf29ce484222325;
    const auto add = [&](std::string_view text) {
        for (const char c : text)
            hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
        hash *= 0x100000001b3;  // a border
    };
    for (const auto& [org, tenant] : tenants) {
        add(org);
        add(tenant_text(tenant));
    }
    std::string text;
    for (int shift = 60; shift >= 0; shift -= 4)
        text.push_back("0123456789abcdef"[hash >> shift & 15]);
    return text;
}

void TenantSources::set(TenantSource source, TenantMap tenants)
{
    maps_[index(source)] = std::move(tenants);
}

TenantSource TenantSources::speaker(std::string_view org_id) const
{
    for (std::size_t i = tenant_sources; i-- > 0;)
        if (maps_[i].contains(org_id)) return static_cast<TenantSource>(i);
    return TenantSource::config;
}

}  // namespace orggate::app
