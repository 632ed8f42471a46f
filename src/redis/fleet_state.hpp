// What a Fleet runs on: kept alive by whatever waits in it.

#pragma once

#include "orggate/redis/fleet.hpp"

#include "redis/fleet_advice.hpp"
#include "redis/fleet_count.hpp"
#include "redis/fleet_memory.hpp"
#include "redis/fleet_scripts.hpp"

#include <boost/asio/basic_waitable_timer.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::redis {

inline constexpr Milliseconds round_deadline{400};
// Well below what a reader of replies takes.
inline constexpr std::size_t most_tenant_bytes = 512 * 1024;

struct Fleet::State {
    using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
        boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

    explicit State(FleetParts p);

    Awaitable<void> beat();
    Awaitable<void> round();
    void heed_loss(const Pulse& pulse);
    Awaitable<void> read_tenants();
    // fleet_changes.cpp. Writes back the list we know, unless what is there is newer.
    Awaitable<void> restore_tenants();
    Awaitable<void> count_names();
    Awaitable<void> advise(Matters matters);
    // The reply's integer, or why there is none.
    struct Said {
        std::int64_t integer = 0;
        Told told = Told::done;
    };
    Awaitable<Said> ask(
        const Script& script, std::vector<std::string> with, std::vector<std::string> arguments);
    // Deletes keys of one slot.
    Awaitable<Told> forget(std::vector<std::string> some);
    void publish_count();
    void complain(std::string_view what, Failure failure);
    void hurry() { pause.cancel(); }

    FleetParts parts;
    FleetKeys keys;
    std::string member;
    FleetCount count;
    FleetMemory memory;
    Timer pause, name_pause;
    bool stopped = false;
    bool was_away = true;
    std::optional<Matters> advised_for;
    std::string tenants_version;
    TenantTexts tenants;
    std::optional<std::chrono::steady_clock::time_point> complained_at;
};

}  // namespace orggate::redis
