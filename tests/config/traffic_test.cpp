#include "config/loading.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

using namespace orggate;
using namespace std::chrono_literals;
using test::loaded;
using test::minimal;
using test::mistakes;

TEST_CASE("sizes and deadlines")
{
    const auto config = loaded(
        minimal +
        "http:\n"
        "  head: 64KiB\n"
        "  target: 4KiB\n"
        "  body: 2MiB\n"
        "  timeouts: { client_head: 1s, client_idle: 2s, body_gap: 3s, upstream_connect: 4ms,\n"
        "              upstream_head: 5s, stream_idle: 6m, upstream_idle: 7s }\n"
        "drain: { delay: 0s, timeout: 5s, unready: at_once }\n"
        "websocket: { max_age: 2h, idle: 3m }\n"
        "max_connections: 100\n");
    CHECK(config->head_limits.head == 64 * 1024);
    CHECK(config->head_limits.target == 4 * 1024);
    CHECK(config->routes.at(0).max_body == 2 * 1024 * 1024);
    CHECK(config->timeouts.client_head == 1s);
    CHECK(config->timeouts.client_idle == 2s);
    CHECK(config->timeouts.body_gap == 3s);
    CHECK(config->timeouts.upstream_connect == 4ms);
    CHECK(config->timeouts.upstream_head == 5s);
    CHECK(config->timeouts.stream_idle == 6min);
    CHECK(config->timeouts.upstream_idle == 7s);
    CHECK(config->routes.at(0).timeouts.upstream_head == 5s);
    CHECK(config->drain_delay == 0s);
    CHECK(config->drain_timeout == 5s);
    CHECK(config->unready_at_once);
    CHECK(config->websocket.max_age == 2h);
    CHECK(config->websocket.idle == 3min);
    CHECK(config->max_connections == 100);
}

TEST_CASE("sizes at their borders, and one past them")
{
    const auto is_good = [](const std::string& http) {
        return config::load(minimal + "http: { " + http + " }\n", "", test::World().surroundings())
                   .config != nullptr;
    };
    CHECK(is_good("head: 1MiB"));
    CHECK_FALSE(is_good("head: 1048577B"));
    CHECK(is_good("head: 1KiB, target: 1KiB"));
    CHECK_FALSE(is_good("head: 1023B, target: 512B"));
    CHECK(is_good("target: 256B"));
    CHECK_FALSE(is_good("target: 255B"));
    CHECK_FALSE(is_good("head: 1KiB, target: 1025B"));
    // The default target is longer than this head.
    CHECK_FALSE(is_good("head: 4KiB"));
    CHECK(is_good("body: 0B"));
    CHECK(is_good("timeouts: { client_idle: 24h }"));
    CHECK_FALSE(is_good("timeouts: { client_idle: 86400001ms }"));
}

TEST_CASE("CORS and rate limit fields")
{
    const auto config =
        loaded(minimal + "cors: { origins: ['https://Spa.example.com:443'], preflight: refuse }\n"
                         "rate_limit_headers: [ietf06]\n");
    CHECK(config->cors.allowed.origins == std::vector<std::string>{"https://spa.example.com"});
    CHECK(config->cors.preflight == config::Cors::Preflight::refuse);
    CHECK(config->rate_limit_headers.ietf06);
    CHECK_FALSE(config->rate_limit_headers.ietf);
    CHECK_FALSE(config->rate_limit_headers.legacy);
    const auto none = loaded(minimal + "rate_limit_headers: none\n")->rate_limit_headers;
    CHECK_FALSE((none.ietf || none.legacy || none.ietf06));
    CHECK(loaded(minimal + "cors: { preflight: answer }\n")->cors.preflight ==
          config::Cors::Preflight::answer);
}

TEST_CASE("the log and the metrics")
{
    const auto config = loaded(
        minimal + "log: { level: error, format: text, access: /var/log/access.log, path: route }\n"
                  "metrics: { org_labels: hashed, top: 7 }\n");
    CHECK(config->log.options.level == observe::Level::error);
    CHECK(config->log.options.format == observe::Format::text);
    CHECK(config->log.options.access_file == "/var/log/access.log");
    CHECK(config->log.access);
    CHECK_FALSE(config->log.full_path);
    CHECK(config->names.org_labels == observe::CounterNames::OrgLabels::hashed);
    CHECK(config->names.org_top == 7);
    CHECK_FALSE(loaded(minimal + "log: { access: off }\n")->log.access);
    CHECK(loaded(minimal + "log: { access: stdout }\n")->log.options.access_file.empty());
}

TEST_CASE("header names")
{
    const auto config =
        loaded(minimal + "headers:\n"
                         "  rename: { X-Org-Id: X-Tenant, x-user-id: X-User-Id }\n"
                         "  claims: { X-User-Email: email, X-Tier: metadata.tier }\n"
                         "  odd_names: refuse\n"
                         "assertion: { audience: my-app, key_file: /key.pem, lifetime: 30s }\n");
    REQUIRE(config->headers.renamed.size() == 1);
    CHECK(config->headers.renamed.at(http::Identity::org_id) == "X-Tenant");
    CHECK(config->headers.claims.at("X-Tier") == "metadata.tier");
    CHECK(config->headers.odd_names == http::HeaderNames::OddNames::refuse);
    CHECK(config->headers.assertion == "X-Org-Assertion");
    REQUIRE(config->assertion.has_value());
    CHECK(config->assertion->audience == "my-app");
    CHECK(config->assertion->lifetime == 30s);
    CHECK(config->assertion->key_pem == test::private_pem);
    CHECK(loaded(minimal)->headers.assertion.empty());
}

TEST_CASE("no value of ours goes into a field that means something else")
{
    for (const std::string name :
        {"Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Upgrade", "TE",
            "Trailer", "Expect", "Host", "Authorization", "Proxy-Authorization", "Cookie",
            "Set-Cookie", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host",
            "X-Request-Id", "traceparent", "X-Real-IP", "Forwarded", "X-Original-URL",
            "X-Rewrite-URL", "X-HTTP-Method-Override", "X-Clerk-Auth-Status", "Sec-WebSocket-Key",
            "content-length", "Content--Length-", "X_Org", "", "X Tenant", "X-Tenant:", "Ünder"}) {
        CAPTURE(name);
        CHECK_FALSE(config::load(minimal + "headers: { rename: { X-Org-Id: '" + name + "' } }\n",
            "", test::World().surroundings())
                        .config);
        CHECK_FALSE(config::load(minimal + "headers: { claims: { '" + name + "': email } }\n", "",
            test::World().surroundings())
                        .config);
    }
}

TEST_CASE("no two values go into one field")
{
    for (const std::string headers : {
             "headers: { rename: { X-Org-Id: X-T, X-User-Id: x-t } }\n",
             "headers: { rename: { X-Org-Id: X-T }, claims: { X-T: email } }\n",
             "headers: { claims: { X-T: email, x-t: name } }\n",
             "headers: { claims: { X-Org-Role: email } }\n",
             "headers: { claims: { X-Org-Assertion: email } }\n"
             "assertion: { audience: a, key_file: /key.pem }\n",
         }) {
        CAPTURE(headers);
        CHECK(
            mistakes(minimal + headers).find("already carries another value") != std::string::npos);
    }
}
