#include "app/redis_settings.hpp"

#include "app/clock.hpp"
#include "app/surroundings.hpp"

namespace orggate::app {

redis::Settings redis_settings(
    const config::Redis& redis, net::ClientContext* tls, std::string_view who)
{
    redis::Settings settings;
    settings.redis = redis;
    settings.tls = tls;
    settings.client_name = "orggate-" + host_name() + "-" + std::string(who);
    return settings;
}

redis::Surroundings redis_surroundings()
{
    return {&now, &random_fraction};
}

std::string_view name(config::Redis::Topology topology)
{
    switch (topology) {
        case config::Redis::Topology::single: return "single";
        case config::Redis::Topology::sentinel: return "sentinel";
        case config::Redis::Topology::cluster: return "cluster";
    }
    return "unknown";
}

std::unique_ptr<net::ClientContext> make_redis_tls(const config::Redis& redis)
{
    if (!redis.is_tls) return nullptr;
    const auto& tls = redis.tls;
    if (!tls.server_name.empty())
        return std::make_unique<net::ClientContext>(
            tls.ca_file, tls.server_name, tls.cert_file, tls.key_file);
    return std::make_unique<net::ClientContext>(
        net::ClientContext::for_many_names(tls.ca_file, tls.cert_file, tls.key_file));
}

}  // namespace orggate::app
