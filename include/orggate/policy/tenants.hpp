// What is special about some organisations: bypass, other limits, blocked.
// Plain values; immutable once published.

#pragma once

#include "orggate/limit/quota.hpp"
#include "orggate/time.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::policy {

struct Tenant {
    bool blocked = false;
    bool bypass_all = false;
    std::vector<std::string> bypass;  // limit names
    std::map<std::string, std::vector<limit::Quota>, std::less<>>
        limits;  // instead of the limit's own; per org and org_user alone
    std::optional<std::chrono::system_clock::time_point> until;  // all of it ends then
    std::string reason;                                          // for humans
};

class Tenants {
public:
    // What several sources say together; where two name the same organisation the later
    // source replaces the earlier.
    static Tenants merge(const std::vector<std::map<std::string, Tenant, std::less<>>>& sources);

    Tenants() = default;
    explicit Tenants(std::map<std::string, Tenant, std::less<>> tenants);
    // What is in force for this organisation now, or null.
    const Tenant* find(std::string_view org_id, Instant now) const;
    std::size_t size() const { return tenants_.size(); }
    const std::map<std::string, Tenant, std::less<>>& all() const { return tenants_; }

private:
    std::map<std::string, Tenant, std::less<>> tenants_;
};

}  // namespace orggate::policy
