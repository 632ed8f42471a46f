// What every connection of this process to Redis has in common.

#pragma once

#include "orggate/redis/store.hpp"

#include <string>
#include <string_view>

namespace orggate::app {

// `who`: the worker's number, or "control"; it ends the name that CLIENT LIST shows.
redis::Settings redis_settings(
    const config::Redis& redis, net::ClientContext* tls, std::string_view who);

// The real clock and randomness.
redis::Surroundings redis_surroundings();

// "single", "sentinel", "cluster"
std::string_view name(config::Redis::Topology topology);

// Null for clear text. The operator's name is verified against every server; without one, each
// must prove the host it was asked for by: the configured one, or what Sentinel or the Cluster
// announced. Throws as net::ClientContext does.
std::unique_ptr<net::ClientContext> make_redis_tls(const config::Redis& redis);

}  // namespace orggate::app
