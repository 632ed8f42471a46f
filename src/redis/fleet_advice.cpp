#include "redis/fleet_advice.hpp"

#include <algorithm>
#include <iterator>

namespace orggate::redis {
namespace {

// `name:value` on a line of its own; empty: not there.
std::string_view find_value(std::string_view info, std::string_view name)
{
    while (!info.empty()) {
        const auto line = info.substr(0, info.find('\n'));
        info.remove_prefix(std::min(line.size() + 1, info.size()));
        if (!line.starts_with(name) || line.substr(name.size(), 1) != ":") continue;
        auto value = line.substr(name.size() + 1);
        while (value.ends_with('\r') || value.ends_with(' '))
            value.remove_suffix(1);
        return value;
    }
    return {};
}

constexpr std::string_view known_policies[] = {"allkeys-lru", "allkeys-lfu", "allkeys-random"};

}  // namespace

std::vector<Advice> advice_on_tenants(std::string_view info)
{
    if (find_value(info, "aof_enabled") != "0") return {};
    return {{observe::Level::warn,
        "redis keeps no append-only file: the fleet's tenants are lost if it and all processes "
        "restart; set appendonly yes"}};
}

std::vector<Advice> advice_on(std::string_view info, Matters matters)
{
    auto advice = matters.tenants ? advice_on_tenants(info) : std::vector<Advice>();
    const auto policy = find_value(info, "maxmemory_policy");
    if (policy.starts_with("allkeys-")) {
        // Only words we know are repeated: the text is somebody else's.
        const auto known = std::ranges::find(known_policies, policy);
        const std::string_view shown =
            known == std::end(known_policies) ? std::string_view("allkeys-*") : *known;
        advice.push_back({observe::Level::warn,
            "redis may evict counters, which resets limits silently (maxmemory-policy " +
                std::string(shown) + "): use noeviction or volatile-ttl, or a Redis of its own"});
    }
    if (matters.calendar && find_value(info, "aof_enabled") == "0")
        advice.push_back({observe::Level::warn,
            "redis keeps no append-only file: a restart forgets what was used of the day or "
            "month; set appendonly yes"});
    if (find_value(info, "role") == "master" && find_value(info, "connected_slaves") == "0")
        advice.push_back({observe::Level::info,
            "redis has no replica: while it is away each process holds limits alone"});
    return advice;
}

}  // namespace orggate::redis
