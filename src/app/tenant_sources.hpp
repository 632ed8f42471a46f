// Where it is said what is special about organisations: the configuration, the tenants file,
// the fleet (Redis), this process (without Redis). A later source replaces what an earlier
// one says of the same organisation.
// Pure.

#pragma once

#include "orggate/policy/tenants.hpp"

#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::app {

using TenantMap = std::map<std::string, policy::Tenant, std::less<>>;

enum class TenantSource { config, file, fleet, process };
inline constexpr std::size_t tenant_sources = 4;
std::string_view name(TenantSource source);

// How two lists differ, for the log.
struct TenantDifference {
    std::size_t added = 0, changed = 0, removed = 0;
    bool is_none() const { return added + changed + removed == 0; }
};
TenantDifference difference(const TenantMap& before, const TenantMap& after);

// 16 hex digits: the same list has the same in every process.
std::string hash_of(const TenantMap& tenants);

class TenantSources {
public:
    // What the source says from now on.
    void set(TenantSource source, TenantMap tenants);
    const TenantMap& of(TenantSource source) const { return maps_[index(source)]; }

    // What they say together.
    policy::Tenants merged() const { return policy::Tenants::merge({maps_.begin(), maps_.end()}); }
    // Who speaks last of this organisation; somebody does.
    TenantSource speaker(std::string_view org_id) const;

private:
    static std::size_t index(TenantSource source) { return static_cast<std::size_t>(source); }
    std::array<TenantMap, tenant_sources> maps_;
};

}  // namespace orggate::app
