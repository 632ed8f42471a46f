// How many share the limits: what is believed, and when to say again that we are there.
// Pure: time is an argument.

#pragma once

#include "redis/fleet_scripts.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace orggate::redis {

inline constexpr Seconds presence_period{5};
inline constexpr Seconds longest_silence{15};

class FleetCount {
public:
    using Time = std::chrono::steady_clock::time_point;
    enum class Source { presence, dns };  // of the number of processes

    FleetCount(int least_processes, int own_workers, Source source);

    // 5 s after the last that was answered; at once if that failed, or if members have come
    // or gone since.
    bool presence_due(Time now) const;

    // The answer to a round. Without one nothing is told and the last count stays.
    void heard(const Pulse& pulse, Time now);
    // Addresses of the fleet's name; none: keeps the last count.
    void resolved(std::int64_t addresses);

    std::int64_t processes() const;
    std::int64_t workers() const;

private:
    std::int64_t least_processes_, own_workers_;
    Source source_;
    std::int64_t present_ = 0, addresses_ = 0, workers_ = 0;
    std::optional<Time> told_at_;
    bool is_stale_ = false;
};

}  // namespace orggate::redis
