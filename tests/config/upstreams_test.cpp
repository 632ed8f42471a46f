#include "config/loading.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

using namespace orggate;
using namespace std::chrono_literals;
using test::clerk_line;
using test::loaded;
using test::mistakes;

TEST_CASE("an upstream's URL says how it is reached")
{
    struct Row {
        std::string url;
        bool is_tls;
        std::string host;
        int port;
        std::string path, authority;
    };
    for (const auto& row : std::vector<Row>{
             {"http://127.0.0.1:3000", false, "127.0.0.1", 3000, "", "127.0.0.1:3000"},
             {"http://app/", false, "app", 80, "", "app"},
             {"https://app.internal", true, "app.internal", 443, "", "app.internal"},
             {"http://[::1]:3000", false, "::1", 3000, "", "[::1]:3000"},
             {"unix:/run/app.sock", false, "", 0, "/run/app.sock", "localhost"},
         }) {
        CAPTURE(row.url);
        const auto config = loaded("upstream: '" + row.url + "'\n" + clerk_line);
        REQUIRE(config->upstreams.size() == 1);
        const auto& upstream = config->upstreams[0];
        CHECK(upstream.name == "default");
        CHECK(upstream.is_tls == row.is_tls);
        CHECK(upstream.address.host == row.host);
        CHECK(upstream.address.port == row.port);
        CHECK(upstream.address.unix_path == row.path);
        CHECK(upstream.authority == row.authority);
    }
}

TEST_CASE("several upstreams: the default stands first, wherever it was written")
{
    const auto config = loaded(
        clerk_line +
        "upstreams:\n"
        "  api: { url: 'https://api:8443', credentials: none,\n"
        "         health: { path: /healthz, status: 204, interval: 5s },\n"
        "         tls: { ca_file: /pub.pem, server_name: api.internal, cert_file: /pub.pem,\n"
        "                key_file: /key.pem } }\n"
        "  default: { url: 'http://web:3000' }\n");
    REQUIRE(config->upstreams.size() == 2);
    CHECK(config->upstreams[0].name == "default");
    const auto& api = config->upstreams[1];
    CHECK(api.name == "api");
    CHECK(api.credentials == http::Credentials::none);
    CHECK(api.health.path == "/healthz");
    CHECK(api.health.status_from == 204);
    CHECK(api.health.status_to == 204);
    CHECK(api.health.interval == 5s);
    CHECK(api.tls.ca_file == "/pub.pem");
    CHECK(api.tls.server_name == "api.internal");
    CHECK(api.tls.cert_file == "/pub.pem");
    CHECK(api.tls.key_file == "/key.pem");
    CHECK(config->names.upstreams == std::vector<std::string>{"default", "api"});
    CHECK_FALSE(config->upstreams[0].credentials.has_value());
}

TEST_CASE("the short form and the long one go together")
{
    const auto config = loaded("upstreams: { api: { url: 'http://api' } }\n" + test::minimal);
    CHECK(config->names.upstreams == std::vector<std::string>{"default", "api"});
}

TEST_CASE("an upstream that is our own listener is found, and one that is not is let be")
{
    struct Row {
        std::string listen, upstream;
        bool is_loop;
    };
    for (const auto& row : std::vector<Row>{
             {"0.0.0.0:8080", "http://127.0.0.1:8080", true},
             {"0.0.0.0:8080", "http://127.1.2.3:8080", true},
             {"0.0.0.0:8080", "http://localhost:8080", true},
             {"0.0.0.0:8080", "http://0.0.0.0:8080", true},
             {"[::]:8080", "http://[::1]:8080", true},
             {"127.0.0.1:8080", "http://127.0.0.1:8080", true},
             {"127.0.0.1:8080", "http://localhost:8080", true},
             {"10.0.0.1:8080", "http://10.0.0.1:8080", true},
             {"127.0.0.1:80", "http://127.0.0.1", true},
             {"unix:/run/a", "unix:/run/a", true},
             {"unix:/run/a", "unix:/run/b", false},
             {"unix:/run/a", "http://127.0.0.1:8080", false},
             {"0.0.0.0:8080", "http://127.0.0.1:8081", false},
             {"0.0.0.0:8080", "http://10.0.0.1:8080", false},
             {"127.0.0.1:8080", "http://127.0.0.2:8080", false},
             {"10.0.0.1:8080", "http://127.0.0.1:8080", false},
         }) {
        CAPTURE(row.listen);
        CAPTURE(row.upstream);
        const auto told = mistakes(
            "listen: '" + row.listen + "'\nupstream: '" + row.upstream + "'\n" + clerk_line);
        CHECK((told.find("our own listener") != std::string::npos) == row.is_loop);
    }
}
