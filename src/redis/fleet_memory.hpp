// What Redis was seen to hold for the fleet, to tell a change from a loss: a restart without
// its data or with an older snapshot, a failover that forgot. Stamps only rise, and clearing
// the last tenant leaves one.
// Pure.

#pragma once

#include "redis/fleet_scripts.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace orggate::redis {

// Whether the stamp is from before the known one; what is no number is from before all.
bool is_older(std::string_view stamp, std::string_view known);

class FleetMemory {
public:
    enum class Loss {
        none,
        presence,  // we were a member and are none: perhaps only because we were away
        stamps,    // data is lost
    };
    // A round's answer: each loss is told once.
    Loss heard(const Pulse& pulse);

    // Changes with Redis's own and with each loss.
    std::uint64_t generation() const { return generation_ + losses_; }

private:
    std::string tenants_version_;
    std::uint64_t generation_ = 0, losses_ = 0;
    bool was_member_ = false;
};

}  // namespace orggate::redis
