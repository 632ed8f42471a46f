#include "redis/fleet_count.hpp"

#include <algorithm>

namespace orggate::redis {

FleetCount::FleetCount(int least_processes, int own_workers, Source source)
    : least_processes_(std::max(1, least_processes)),
      own_workers_(std::max(1, own_workers)),
      source_(source)
{
}

bool FleetCount::presence_due(Time now) const
{
    return !told_at_ || is_stale_ || now - *told_at_ >= presence_period;
}

void FleetCount::heard(const Pulse& pulse, Time now)
{
    is_stale_ = !pulse.workers && pulse.processes != present_;
    if (!pulse.workers) return;
    told_at_ = now;
    present_ = pulse.processes;
    workers_ = *pulse.workers;
}

void FleetCount::resolved(std::int64_t addresses)
{
    if (addresses > 0) addresses_ = addresses;
}

std::int64_t FleetCount::processes() const
{
    return std::max(least_processes_, source_ == Source::dns ? addresses_ : present_);
}

std::int64_t FleetCount::workers() const
{
    return std::max(own_workers_, workers_);
}

}  // namespace orggate::redis
