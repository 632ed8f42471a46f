#include "config/loading.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace orggate;
using test::loaded;
using test::minimal;

TEST_CASE("without a word about listeners the defaults hold")
{
    const auto config = loaded(minimal);
    REQUIRE(config->listen.size() == 1);
    CHECK(config->listen[0].host == "0.0.0.0");
    CHECK(config->listen[0].port == 8080);
    REQUIRE(config->telemetry.has_value());
    CHECK(config->telemetry->port == 9090);
    CHECK_FALSE(config->tls.has_value());
    CHECK(config->hosts.empty());
    CHECK(config->trusted_proxies.empty());
    CHECK(config->max_connections == 16384);
}

TEST_CASE("listeners may be several, a socket among them, and telemetry may be off")
{
    const auto config =
        loaded(minimal + "listen: ['127.0.0.1:80', '[::1]:80', 'unix:/run/a']\ntelemetry: off\n");
    REQUIRE(config->listen.size() == 3);
    CHECK(config->listen[1].host == "::1");
    CHECK(config->listen[2].unix_path == "/run/a");
    CHECK_FALSE(config->telemetry.has_value());
    // A port chosen by the system is a new one each time.
    CHECK(loaded(minimal + "listen: ['127.0.0.1:0', '127.0.0.1:0']\n")->listen.size() == 2);
}

TEST_CASE("workers follow the processors, but no further than four, unless said")
{
    struct Row {
        int processors;
        std::string text;
        int wanted;
    };
    for (const auto& row : std::vector<Row>{{1, "auto", 1}, {3, "auto", 3}, {4, "auto", 4},
             {64, "auto", 4}, {0, "auto", 1}, {2, "1", 1}, {2, "64", 64}}) {
        CAPTURE(row.processors);
        test::World world;
        world.processors = row.processors;
        CHECK(loaded(minimal + "workers: " + row.text + "\n", world)->workers == row.wanted);
    }
}

TEST_CASE("origins are kept as browsers write them")
{
    const auto config = loaded(
        minimal + "public_origin: ['HTTPS://App.example.com:443', 'http://localhost:3000']\n");
    CHECK(config->public_origins ==
          std::vector<std::string>{"https://app.example.com", "http://localhost:3000"});
    CHECK(loaded(minimal + "hosts: [App.Example.com]\n")->hosts ==
          std::vector<std::string>{"app.example.com"});
}

TEST_CASE("TLS on the listener names files that can be read")
{
    const auto config = loaded(
        minimal + "tls: { cert_file: /pub.pem, key_file: /key.pem, client_ca_file: /pub.pem }\n");
    REQUIRE(config->tls.has_value());
    CHECK(config->tls->cert_file == "/pub.pem");
    CHECK(config->tls->key_file == "/key.pem");
    CHECK(config->tls->client_ca_file == "/pub.pem");
}

TEST_CASE("trust is warned of above a /16, and at a /16 it is not")
{
    const auto is_warned = [](const std::string& network) {
        return test::mistakes(minimal + "trusted_proxies: ['" + network + "']\n")
                   .find("wider than") != std::string::npos;
    };
    CHECK_FALSE(is_warned("10.0.0.0/16"));
    CHECK(is_warned("10.0.0.0/15"));
    CHECK(is_warned("0.0.0.0/0"));
    CHECK_FALSE(is_warned("10.1.2.3"));
    CHECK_FALSE(is_warned("fd00::/32"));
    CHECK(is_warned("fd00::/31"));
    CHECK(is_warned("::/0"));
}
