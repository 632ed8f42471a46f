#include "orggate/policy/tenants.hpp"

#include <utility>

namespace orggate::policy {

Tenants::Tenants(std::map<std::string, Tenant, std::less<>> tenants) : tenants_(std::move(tenants))
{
}

Tenants Tenants::merge(const std::vector<std::map<std::string, Tenant, std::less<>>>& sources)
{
    std::map<std::string, Tenant, std::less<>> all;
    for (const auto& source : sources)
        for (const auto& [org, tenant] : source)
            all.insert_or_assign(org, tenant);
    return Tenants(std::move(all));
}

const Tenant* Tenants::find(std::string_view org_id, Instant now) const
{
    if (tenants_.empty()) return nullptr;
    const auto found = tenants_.find(org_id);
    if (found == tenants_.end()) return nullptr;
    const auto& tenant = found->second;
    return tenant.until && now.wall >= *tenant.until ? nullptr : &tenant;
}

}  // namespace orggate::policy
