#include "config/loading.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

using namespace orggate;
using namespace std::chrono_literals;
using policy::Access;
using test::loaded;
using test::minimal;
using test::mistakes;
using Strings = std::vector<std::string>;

namespace {

const std::string limits = "limits: { api: { rate: 100/1m }, exports: { rate: 5/1h } }\n";

std::string route(const std::string& keys)
{
    return "routes:\n  - { name: one, " + keys + " }\n";
}

// The first route's rule.
policy::Rule rule(const std::string& keys, const std::string& before = limits)
{
    return loaded(minimal + before + route(keys))->rules.rules().at(0);
}

const policy::Rule& find(const config::Config& config, std::string_view path,
    std::string_view method = "GET", std::string_view host = "h")
{
    return config.rules.find({.method = method, .host = host, .path = path});
}

Strings limit_names(const policy::Rule& rule)
{
    Strings names;
    for (const auto& entry : rule.limits)
        names.push_back(entry.limit->name + "*" + std::to_string(entry.weight));
    return names;
}

}  // namespace

TEST_CASE("without routes everything needs an organisation")
{
    const auto config = loaded(minimal);
    REQUIRE(config->rules.rules().size() == 1);
    const auto& only = config->rules.rules()[0];
    CHECK(only.access == Access::org);
    CHECK(only.name == "default");
    CHECK(only.limits.empty());
    CHECK(config->routes.size() == 1);
    CHECK(config->names.routes == Strings{"default", "(none)"});
}

TEST_CASE("rules, settings and names go by the same index, the default last")
{
    const auto config = loaded(
        minimal +
        "upstreams: { api: { url: 'http://api' } }\n"
        "routes:\n"
        "  - { name: a, paths: ['/a'], access: org, upstream: api, timeout: 120s, body: 10MiB }\n"
        "  - { name: b, paths: ['/b'], access: org,\n"
        "      timeouts: { body_gap: 1s, upstream_connect: 2s, upstream_head: 3s, stream_idle: 4s "
        "},\n"
        "      body: unlimited }\n"
        "http: { body: 1MiB, timeouts: { upstream_head: 7s, client_head: 8s } }\n");
    const auto& rules = config->rules.rules();
    REQUIRE(rules.size() == 3);
    REQUIRE(config->routes.size() == 3);
    CHECK(config->names.routes == Strings{"a", "b", "default", "(none)"});
    for (std::size_t i = 0; i < rules.size(); ++i)
        CHECK(rules[i].index == i);
    const auto &a = config->routes[0], &b = config->routes[1], &rest = config->routes[2];
    CHECK(a.upstream == 1);
    CHECK(a.timeouts.upstream_head == 120s);
    CHECK(a.timeouts.client_head == 8s);
    CHECK(a.max_body == 10 * 1024 * 1024);
    CHECK(b.upstream == 0);
    CHECK(b.timeouts.body_gap == 1s);
    CHECK(b.timeouts.upstream_connect == 2s);
    CHECK(b.timeouts.upstream_head == 3s);
    CHECK(b.timeouts.stream_idle == 4s);
    CHECK_FALSE(b.max_body.has_value());
    CHECK(rest.timeouts.upstream_head == 7s);
    CHECK(rest.max_body == 1024 * 1024);
}

TEST_CASE("the default's upstream is every route's that names none")
{
    const auto config = loaded(
        test::clerk_line + "upstreams: { a: { url: 'http://a' }, b: { url: 'http://b' } }\n"
                           "default: { upstream: b }\n"
                           "routes: [{ name: one, paths: ['/1'], access: org },\n"
                           "         { name: two, paths: ['/2'], access: org, upstream: a }]\n");
    CHECK(config->routes[0].upstream == 1);
    CHECK(config->routes[1].upstream == 0);
    CHECK(config->routes[2].upstream == 1);
}

TEST_CASE("a route that demands less than the default is matched exactly, any other widely")
{
    struct Row {
        std::string access, fallback;
        bool is_exact;
    };
    for (const auto& row : std::vector<Row>{
             {"public", "org", true},
             {"signed_in", "org", true},
             {"org", "org", false},
             {"public", "signed_in", true},
             {"signed_in", "signed_in", false},
             {"org", "signed_in", false},
             {"public", "public", false},
             {"org", "public", false},
         }) {
        CAPTURE(row.access);
        CAPTURE(row.fallback);
        const auto config = loaded(minimal + "default: { access: " + row.fallback + " }\n" +
                                   route("paths: ['/account(.*)'], access: " + row.access));
        CHECK(find(*config, "/account/x").name == "one");
        CHECK((find(*config, "/ACCOUNT/x").name == "default") == row.is_exact);
        CHECK((find(*config, "/accounting").name == "default") == row.is_exact);
    }
}

TEST_CASE("routes of access org inherit the default's limits unless they say so")
{
    const auto inherited = limits + "default: { limits: [api] }\n";
    CHECK(limit_names(rule("paths: ['/a'], access: org", inherited)) == Strings{"api*1"});
    CHECK(limit_names(rule("paths: ['/a'], access: org, limits: []", inherited)) == Strings{});
    CHECK(limit_names(rule("paths: ['/a'], access: org, limits: [exports]", inherited)) ==
          Strings{"exports*1"});
    CHECK(limit_names(rule("paths: ['/a'], access: org, limits: { api: 5, exports: 1 }")) ==
          Strings{"api*5", "exports*1"});
    CHECK(limit_names(rule("paths: ['/a'], access: signed_in", inherited)) == Strings{});
    CHECK(limit_names(rule("paths: ['/a'], access: public", inherited)) == Strings{});
    CHECK(rule("paths: ['/a'], access: org, limits: [exports]").limits[0].index == 1);
}

TEST_CASE("the preset opens what a page loads and nothing an app computes")
{
    const auto config = loaded(minimal + route("preset: nextjs, access: public"));
    for (const std::string_view path :
        {"/_next/static/chunks/main.js", "/favicon.ico", "/robots.txt", "/sitemap.xml",
            "/manifest.webmanifest", "/manifest.json", "/icon.png", "/apple-icon.png"}) {
        CAPTURE(std::string(path));
        CHECK(find(*config, path).name == "one");
    }
    for (const std::string_view path : {"/", "/_next/data/build/x.json", "/_next/image", "/_next",
             "/_next/statics/x", "/_NEXT/static/x", "/favicon.ico/x", "/api/icon.png"}) {
        CAPTURE(std::string(path));
        CHECK(find(*config, path).name == "default");
    }
    CHECK(find(*config, "/favicon.ico", "POST").name == "default");
    const auto both = loaded(minimal + route("paths: ['/'], preset: nextjs, access: public"));
    CHECK(both->rules.rules()[0].patterns.size() == config->rules.rules()[0].patterns.size() + 1);
}

TEST_CASE("a route's other words")
{
    const auto made = rule("paths: ['/t/:org(.*)'], access: org, hosts: [App.Example.com], "
                           "methods: [POST, GET], org_in_path: org, shadow: true, "
                           "tokens: [session], when_refused: redirect");
    CHECK(made.hosts == Strings{"app.example.com"});
    CHECK(made.methods == Strings{"POST", "GET"});
    CHECK(made.org_in_path == "org");
    CHECK(made.shadow);
    CHECK(made.when_refused == policy::WhenRefused::redirect);
    CHECK(rule("paths: ['/a'], access: org, when_refused: reject").when_refused ==
          policy::WhenRefused::reject);
    const auto open = rule("paths: ['/a'], access: public, websocket: true, server_actions: true");
    CHECK(open.access == Access::anyone);
    CHECK(open.websocket);
    CHECK(open.server_actions);
    const auto plain = rule("paths: ['/a'], access: public");
    CHECK_FALSE(plain.websocket);
    CHECK_FALSE(plain.server_actions);
    CHECK_FALSE(plain.shadow);
}

TEST_CASE("requirements become demands in the order of the file")
{
    const auto made = rule("paths: ['/a'], access: org, require: { plan: [pro, 'user:gold'], "
                           "role: org:admin, claim: { metadata.role: [a, b], level: 3 }, "
                           "reverified: { within: 2h, level: first_factor }, "
                           "not_impersonated: true, permission: 'org:a:b', feature: f, scope: s }");
    struct Row {
        std::string keyword;
        Strings arguments;
    };
    const std::vector<Row> wanted{
        {"plan", {"pro", "user:gold"}},
        {"role", {"org:admin"}},
        {"claim", {"metadata.role=a", "metadata.role=b"}},
        {"claim", {"level=3"}},
        {"reverified", {"first_factor", "120"}},
        {"not_impersonated", {"true"}},
        {"permission", {"org:a:b"}},
        {"feature", {"f"}},
        {"scope", {"s"}},
    };
    REQUIRE(made.demands.size() == wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        CAPTURE(wanted[i].keyword);
        CHECK(made.demands[i].requirement->keyword == wanted[i].keyword);
        CHECK(made.demands[i].arguments == wanted[i].arguments);
        // What is loaded is what the policy accepts.
        CHECK_FALSE(made.demands[i].requirement->accepts(made.demands[i].arguments).has_value());
    }
}

TEST_CASE("reverification by preset, and the level when none is said")
{
    const auto arguments = [](const std::string& value) {
        return rule("paths: ['/a'], access: org, require: { reverified: " + value + " }")
            .demands.at(0)
            .arguments;
    };
    CHECK(arguments("strict_mfa") == Strings{"multi_factor", "10"});
    CHECK(arguments("lax") == Strings{"second_factor", "1440"});
    CHECK(arguments("{ within: 10m }") == Strings{"second_factor", "10"});
    CHECK(arguments("{ within: 60s }") == Strings{"second_factor", "1"});
}

TEST_CASE("every claim of a mapping must hold, since keys are ANDed")
{
    const auto made = rule("paths: ['/a'], access: org, require: { claim: { a: 1, b: 2 } }");
    REQUIRE(made.demands.size() == 2);
    token::Session session;
    session.claims = {{"a", "1"}};
    CHECK_FALSE(made.demands[0].requirement->refuse(session, made.demands[0].arguments, {}));
    CHECK(made.demands[1].requirement->refuse(session, made.demands[1].arguments, {}) ==
          Denial::claim_missing);
}

TEST_CASE("routes have a greatest number")
{
    const auto with = [](int count) {
        auto yaml = minimal + "routes:\n";
        for (int i = 0; i < count; ++i)
            yaml += "  - { name: r" + std::to_string(i) + ", paths: ['/r" + std::to_string(i) +
                    "'], access: org }\n";
        return mistakes(yaml).find("at most 1000 routes") != std::string::npos;
    };
    CHECK_FALSE(with(1000));
    CHECK(with(1001));
}
