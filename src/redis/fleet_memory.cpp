#include "redis/fleet_memory.hpp"

#include <charconv>

namespace orggate::redis {
namespace {

std::uint64_t number_of(std::string_view stamp)
{
    std::uint64_t number = 0;
    const auto* end = stamp.data() + stamp.size();
    const auto [stop, error] = std::from_chars(stamp.data(), end, number);
    return error == std::errc() && stop == end ? number : 0;
}

}  // namespace

bool is_older(std::string_view stamp, std::string_view known)
{
    return number_of(stamp) < number_of(known);
}

FleetMemory::Loss FleetMemory::heard(const Pulse& pulse)
{
    const bool is_earlier =
        is_older(pulse.tenants_version, tenants_version_) || pulse.generation < generation_;
    const bool is_forgotten = pulse.is_new && was_member_;
    tenants_version_ = pulse.tenants_version;
    generation_ = pulse.generation;
    // With the stamps our membership is gone: that we are new afterwards is the same loss.
    was_member_ = (was_member_ && !is_earlier) || pulse.workers.has_value();
    if (!is_earlier && !is_forgotten) return Loss::none;
    ++losses_;
    return is_earlier ? Loss::stamps : Loss::presence;
}

}  // namespace orggate::redis
