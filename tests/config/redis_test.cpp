#include "config/loading.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

using namespace orggate;
using namespace std::chrono_literals;
using config::Redis;
using test::loaded;
using test::minimal;

namespace {

Redis redis_of(const std::string& keys)
{
    const auto config = loaded(minimal + "redis: { " + keys + " }\n");
    REQUIRE(config->redis.has_value());
    return *config->redis;
}

std::string mistakes_of(const std::string& keys)
{
    const auto result =
        config::load(minimal + "redis: { " + keys + " }\n", "", test::World().surroundings());
    return result.config ? "" : test::joined(result.problems);
}

std::string spoken(const std::vector<config::Address>& addresses)
{
    std::string out;
    for (const auto& address : addresses)
        out += (out.empty() ? "" : " ") +
               (address.is_unix() ? address.unix_path
                                  : address.host + "|" + std::to_string(address.port));
    return out;
}

}  // namespace

TEST_CASE("a redis that says nothing of the fleet is warned of where a limit counts on it")
{
    struct Row {
        std::string name, limit, keys;
        bool is_warned;
    };
    for (const auto& row : std::vector<Row>{
             {"local by default", "rate: 9/1m", "url: redis://h", true},
             {"local", "rate: 9/1m, on_error: local", "url: redis://h", true},
             {"closed", "rate: 9/1m, on_error: closed", "url: redis://h", false},
             {"open", "rate: 9/1m, on_error: open", "url: redis://h", false},
             {"fleet", "rate: 9/1m", "url: redis://h, fleet: 1", false},
             {"fleet_dns", "rate: 9/1m", "url: redis://h, fleet_dns: gates", false},
         }) {
        CAPTURE(row.name);
        const auto told = test::mistakes(
            minimal + "limits: { api: { " + row.limit + " } }\nredis: { " + row.keys + " }\n");
        CHECK((told.find("redis: neither fleet nor fleet_dns") != std::string::npos) ==
              row.is_warned);
    }
    // Nothing is limited, nothing can pass too often.
    CHECK(
        test::mistakes(minimal + "redis: { url: redis://h }\n").find("fleet") == std::string::npos);
}

TEST_CASE("a password that is written out is warned of, and never shown")
{
    const auto told = [](const std::string& keys) {
        return test::mistakes(minimal + "redis: { url: redis://127.0.0.1, " + keys + " }\n");
    };
    CHECK(told("password: s3cret").find("it is written out in this file") != std::string::npos);
    CHECK(told("password: s3cret").find("s3cret") == std::string::npos);
    CHECK(told("password: \"${PASSWORD}\"").find("written out") == std::string::npos);
    CHECK(told("password_file: /password").find("written out") == std::string::npos);
}

TEST_CASE("without redis, or with an empty one, every process counts for itself")
{
    CHECK_FALSE(loaded(minimal)->redis.has_value());
    CHECK_FALSE(loaded(minimal + "redis: {}\n")->redis.has_value());
}

TEST_CASE("what is not said of Redis has its default")
{
    const auto redis = redis_of("url: redis://127.0.0.1");
    CHECK(redis.topology == Redis::Topology::single);
    CHECK(spoken(redis.addresses) == "127.0.0.1|6379");
    CHECK(redis.database == 0);
    CHECK(redis.username.empty());
    CHECK(redis.password.empty());
    CHECK_FALSE(redis.is_tls);
    CHECK(redis.name_space == "og:clerk.example.com");
    CHECK(redis.deadline == 25ms);
    CHECK(redis.fleet == 1);
    CHECK(redis.fleet_dns.empty());
}

TEST_CASE("a URL says where the server is, whether TLS, and which database")
{
    struct Row {
        std::string url, address;
        bool is_tls;
        int database;
    };
    for (const auto& row : std::vector<Row>{
             {"redis://h", "h|6379", false, 0},
             {"redis://h/", "h|6379", false, 0},
             {"redis://H:7000/15", "h|7000", false, 15},
             {"redis://[::1]:7000/0", "::1|7000", false, 0},
             {"redis://[::1]", "::1|6379", false, 0},
             {"redis://10.0.0.7/65535", "10.0.0.7|6379", false, 65535},
             {"rediss://redis.example.com:6380/2", "redis.example.com|6380", true, 2},
             {"unix:/run/redis.sock", "/run/redis.sock", false, 0},
             {"unix:/run/redis.sock?db=3", "/run/redis.sock", false, 3},
         }) {
        CAPTURE(row.url);
        const auto redis = redis_of("url: \"" + row.url + "\"");
        CHECK(spoken(redis.addresses) == row.address);
        CHECK(redis.is_tls == row.is_tls);
        CHECK(redis.database == row.database);
    }
    for (const std::string url : {"", "h:6379", "redis:h", "redis://", "redis:///0",
             "redis://h:65536", "redis://h:", "redis://h//0", "redis://h/0/1", "redis://h/-1",
             "redis://h/0#x", "redis://::1", "redis+tls://h", "REDIS://h",
             "unix:/run/a?db=", "unix:/run/a?db=x", "unix:/", "valkey://h"}) {
        CAPTURE(url);
        CHECK(mistakes_of("url: \"" + url + "\"").find("redis.url") != std::string::npos);
    }
}

TEST_CASE("Sentinels are asked for their primary, with their own credentials")
{
    const auto redis = redis_of(
        "sentinel: { master: mymaster, addresses: [s1, \"s2:7000\", \"[::1]:7001\"], username: "
        "watcher, password: \"${PASSWORD}\" }, username: orggate, password_file: /password, tls: "
        "{}");
    CHECK(redis.topology == Redis::Topology::sentinel);
    CHECK(redis.master == "mymaster");
    CHECK(spoken(redis.addresses) == "s1|26379 s2|7000 ::1|7001");
    CHECK(redis.sentinel_username == "watcher");
    CHECK(redis.sentinel_password == "hunter2 with blanks");
    CHECK(redis.username == "orggate");
    CHECK(redis.password == "hunter2");
    CHECK(redis.is_tls);
    CHECK_FALSE(redis_of("sentinel: { master: m, addresses: s1 }").is_tls);
}

TEST_CASE("a Cluster is found by some of its nodes")
{
    const auto redis = redis_of(
        "cluster: { addresses: [n1, \"n2:7000\"] }, tls: { ca_file: /pub.pem, server_name: "
        "redis.example.com, cert_file: /pub.pem, key_file: /key.pem }");
    CHECK(redis.topology == Redis::Topology::cluster);
    CHECK(spoken(redis.addresses) == "n1|6379 n2|7000");
    CHECK(redis.is_tls);
    CHECK(redis.tls.ca_file == "/pub.pem");
    CHECK(redis.tls.server_name == "redis.example.com");
    CHECK(redis.tls.cert_file == "/pub.pem");
    CHECK(redis.tls.key_file == "/key.pem");
}

TEST_CASE("two Clerk instances never share a namespace unless told to")
{
    const auto production = loaded(test::upstream_line +
                                   "clerk: { publishable_key: " + "pk_live_Y2xlcmsub3RoZXIuY29tJA" +
                                   " }\n" + "redis: { url: redis://127.0.0.1 }\n");
    CHECK(production->redis->name_space == "og:clerk.other.com");
    CHECK(redis_of("url: redis://127.0.0.1").name_space == "og:clerk.example.com");
    CHECK(redis_of("url: redis://127.0.0.1, namespace: \"A.z_0:-\"").name_space == "A.z_0:-");
    CHECK(mistakes_of("url: redis://h, namespace: " + std::string(128, 'a')) == "");
    CHECK(mistakes_of("url: redis://h, namespace: " + std::string(129, 'a')) != "");
    for (const std::string name : {"a b", "a{b", "a}b", "a*", "é", "a/b"}) {
        CAPTURE(name);
        CHECK(mistakes_of("url: redis://h, namespace: \"" + name + "\"") != "");
    }
}

TEST_CASE("what Redis is given, at the limit and one past it")
{
    struct Row {
        std::string keys;
        bool good;
    };
    std::string nodes = "n0";
    for (int i = 1; i < 64; ++i)
        nodes += ", n" + std::to_string(i);
    for (const auto& row : std::vector<Row>{
             {"url: redis://h, deadline: 5ms", true},
             {"url: redis://h, deadline: 4ms", false},
             {"url: redis://h, deadline: 250ms", true},
             {"url: redis://h, deadline: 251ms", false},
             {"url: redis://h, fleet: 1", true},
             {"url: redis://h, fleet: 0", false},
             {"url: redis://h, fleet: 100000", true},
             {"url: redis://h, fleet: 100001", false},
             {"cluster: { addresses: [" + nodes + "] }", true},
             {"cluster: { addresses: [" + nodes + ", n64] }", false},
             {"url: redis://h, password: x, username: " + std::string(128, 'u'), true},
             {"url: redis://h, password: x, username: " + std::string(129, 'u'), false},
             {"sentinel: { addresses: s, master: " + std::string(128, 'm') + " }", true},
             {"sentinel: { addresses: s, master: " + std::string(129, 'm') + " }", false},
         }) {
        CAPTURE(row.keys);
        CHECK((mistakes_of(row.keys) == "") == row.good);
    }
}

TEST_CASE("the fleet is a number at least, and may be counted by a name")
{
    CHECK(redis_of("url: redis://127.0.0.1, fleet: 12").fleet == 12);
    CHECK(redis_of("url: redis://127.0.0.1, fleet_dns: Pods.example").fleet_dns ==
          "pods.example:6379");
    const auto both = redis_of("url: redis://127.0.0.1, fleet: 3, fleet_dns: \"pods:8080\"");
    CHECK(both.fleet == 3);
    CHECK(both.fleet_dns == "pods:8080");
}

TEST_CASE("a password is worth a warning only where it travels in clear text")
{
    struct Row {
        std::string keys;
        bool is_warned;
    };
    for (const auto& row :
        std::vector<Row>{
            {"url: redis://redis.example.com, password_file: /password", true},
            {"url: redis://10.0.0.7, password_file: /password", true},
            {"sentinel: { master: m, addresses: [127.0.0.1, s2] }, password_file: /password", true},
            {"url: rediss://redis.example.com, password_file: /password", false},
            {"cluster: { addresses: [n1] }, tls: {}, password_file: /password", false},
            {"url: redis://127.0.0.1, password_file: /password", false},
            {"url: redis://localhost, password_file: /password", false},
            {"url: \"unix:/run/redis.sock\", password_file: /password", false},
            {"url: redis://redis.example.com", false},
        }) {
        CAPTURE(row.keys);
        const auto told = test::mistakes(minimal + "redis: { " + row.keys + " }\n");
        CHECK((told.find("in clear text") != std::string::npos) == row.is_warned);
    }
}
