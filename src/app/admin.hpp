// What the admin listener answers, in JSON:
//   GET    /limits?org=|user=|ip=[&limit=][&plan=]   what counters hold
//   POST   /limits/reset?org=|user=|ip=[&limit=]     forgets it, deny caches too
//   GET    /limits/denied?within=60s                 whom this process refused
//   GET    /tenants                                  what is special, and who says so
//   POST   /tenants/ORG?bypass=&limit=&blocked=&until=&reason=
//   DELETE /tenants/ORG (also POST /tenants/ORG/clear)
// Parameters stand in the query alone. Control thread only.
//
// With Redis tenants are told to the whole fleet and live as long as its data; without, to
// this process until it ends. The answer says which ("in": "fleet" or "process").

#pragma once

#include "app/admin_guard.hpp"
#include "app/limit_view.hpp"
#include "app/page_server.hpp"
#include "app/tenant_sources.hpp"
#include "orggate/limit/denied_list.hpp"
#include "orggate/limit/local.hpp"
#include "orggate/redis/fleet.hpp"
#include "orggate/redis/store.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace orggate::app {

inline constexpr std::string_view tenants_path = "/tenants/";

// The script its Store must load.
const redis::Script& inspect_script();

struct AdminParts {
    const config::Config& config;
    observe::Log& log;
    Clock clock;
    AdminGuard guard;
    limit::LocalTable& limits;
    limit::DeniedList& denied;
    redis::Store* store = nullptr;  // null: without Redis, like the next two
    redis::Fleet* fleet = nullptr;
    const redis::FleetView* view = nullptr;
    const TenantSources& tenants;
    // What this process is told without Redis: all of it, each time it changes.
    std::function<void(TenantMap)> tell_process;
};

class Admin {
public:
    explicit Admin(AdminParts parts) : parts_(std::move(parts)) {}

    Awaitable<Page> answer(PageRequest request);

private:
    Awaitable<Page> limits(std::string query);
    Awaitable<Page> reset(std::string query);
    Page denied(const std::string& query) const;
    Page tenants() const;
    Awaitable<Page> tenant(PageRequest request);
    Awaitable<Page> set_tenant(std::string org, std::string query);
    Awaitable<Page> clear_tenant(std::string org);
    using Decisions = std::vector<std::optional<limit::Decision>>;
    Awaitable<redis::Failure> inspect(
        const limit::Check& check, std::optional<limit::Decision>& decision);
    void inspect_here(
        const std::vector<limit::Check>& checks, Decisions& decisions, std::int64_t share) const;
    // Why Redis did not do it.
    Page undone(redis::Fleet::Told told) const;
    std::string key_of(const limit::Check& check) const;

    AdminParts parts_;
};

}  // namespace orggate::app
