#include "app/redis_settings.hpp"

#include "net/certificates.hpp"

#include <doctest/doctest.h>

using namespace orggate;

TEST_CASE("the operator's name is expected of every Redis server, else each server's own")
{
    const test::Certificates made;
    config::Redis redis;
    redis.addresses.push_back({"redis.test", 6379, {}});
    CHECK(app::make_redis_tls(redis) == nullptr);
    redis.is_tls = true;
    redis.tls.ca_file = made.authority.cert_file;
    CHECK(app::make_redis_tls(redis)->server_name().empty());
    redis.tls.server_name = "all.test";
    CHECK(app::make_redis_tls(redis)->server_name() == "all.test");
}
