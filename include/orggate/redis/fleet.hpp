// What a process tells the fleet through Redis, and hears from it: that it is there, whose
// limits were changed for all, and that deny caches are to be emptied. One round every
// 500 ms, on the control thread.
//
// Four keys, NAMESPACE:f1:{fleet}: members, tenants, tenants-version and generation; they
// meet in one slot of a Cluster. The versions are stamps, not counts, so that a failover
// that forgets a write can't make two different states look alike.

#pragma once

#include "orggate/redis/limiter.hpp"
#include "orggate/redis/store.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace orggate::redis {

// The scripts its Store must load.
const std::vector<const Script*>& fleet_scripts();

// More organisations belong in a tenants file.
inline constexpr int most_fleet_tenants = 1'000;

// Organisation id to its settings as text (config::tenant_from_text).
using TenantTexts = std::map<std::string, std::string>;

struct FleetParts {
    Executor executor;
    Store& store;
    FleetView& view;
    const config::Redis& redis;
    std::string member;  // this process, unique in the fleet
    int workers = 1;     // of this process
    Clock clock;
    observe::Log& log;
    // Called when they changed. What Redis loses stays in force and is written back.
    std::function<void(TenantTexts)> tenants_changed;
    // A limit counts days or months: then what Redis forgets at a restart matters.
    bool has_calendar = false;
};

class Fleet {
public:
    explicit Fleet(FleetParts parts);
    ~Fleet();
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    // Until stop(): a round every 500 ms (presence every 5 s; members silent for 15 s do not
    // count; the last known count is kept while Redis is away; never below Redis::fleet).
    // After the first connection it asks what INFO says of eviction, persistence and
    // replicas, and logs advice once; without the permission it says nothing.
    Awaitable<void> run();
    // Says goodbye to the fleet if that can go out now.
    void stop();
    // Whether Redis can be asked now.
    bool is_up() const;

    enum class Told {
        done,
        nothing,      // there was nothing to clear
        full,         // most_fleet_tenants, or 512 KiB of text, are set already
        unavailable,  // Redis could not be asked; it may have been done all the same
        forbidden,    // Redis refused: Store::trouble() says what
    };
    // In force in every process within 1 s. `over`: organisations whose settings may be
    // dropped to make room, where nobody has changed them since.
    Awaitable<Told> set_tenant(
        std::string org_id, std::string text, std::vector<std::string> over = {});
    Awaitable<Told> clear_tenant(std::string org_id);
    // Deletes counters and empties all deny caches. What the other processes count for a
    // time without Redis stays.
    Awaitable<Told> reset(std::vector<std::string> keys);

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace orggate::redis
