#include "config/loading.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace orggate;
using test::mistakes;

namespace {

const std::string quiet = "public_origin: https://app.example.com\n" + test::minimal +
                          "limits: { api: { rate: 100/1m } }\ndefault: { limits: [api] }\n";

std::string routes(const std::vector<std::string>& all)
{
    std::string yaml = "routes:\n";
    for (const auto& one : all)
        yaml += "  - { " + one + " }\n";
    return yaml;
}

}  // namespace

TEST_CASE("a sound configuration is not warned of")
{
    CHECK(mistakes(quiet) == "");
}

TEST_CASE("a route is told unreachable only when that is certain")
{
    struct Row {
        std::string name, earlier, later;
        bool wanted;
    };
    for (const auto& row : std::vector<Row>{
             {"same path", "paths: ['/a'], access: org", "paths: ['/a'], access: org", true},
             {"wider path", "paths: ['/(.*)'], access: org", "paths: ['/a/:b'], access: org", true},
             {"narrower first", "paths: ['/a/b'], access: org", "paths: ['/a(.*)'], access: org",
                 false},
             {"one of two paths", "paths: ['/a'], access: org", "paths: ['/a', '/b'], access: org",
                 false},
             {"all of two paths", "paths: ['/a', '/b'], access: org",
                 "paths: ['/b', '/a'], access: org", true},
             {"open first", "paths: ['/a(.*)'], access: public", "paths: ['/a/b'], access: org",
                 false},
             {"other methods", "paths: ['/a'], methods: [POST], access: org",
                 "paths: ['/a'], access: org", false},
             {"case", "paths: ['/a'], access: signed_in", "paths: ['/A'], access: org", false},
         }) {
        CAPTURE(row.name);
        const auto told =
            mistakes(quiet + routes({"name: one, " + row.earlier, "name: two, " + row.later}));
        CHECK((told.find("never matches: the route one before it") != std::string::npos) ==
              row.wanted);
    }
}

TEST_CASE("a route that inherits is not told apart from the default")
{
    const std::string unlimited = "public_origin: https://app.example.com\n" + test::minimal;
    const auto told = mistakes(unlimited + routes({"name: one, paths: ['/a'], access: org"}));
    CHECK(told == "warning: default: no limits: an organisation may send any number of requests\n");
    // With a default that cannot have limits there is nothing to inherit.
    const auto open = mistakes(unlimited + "default: { access: signed_in }\n" +
                               routes({"name: one, paths: ['/a'], access: org"}));
    CHECK(open.find("routes[0]: no limits") != std::string::npos);
}

TEST_CASE("a page on our own origin must let in those who are sent to it")
{
    struct Row {
        std::string key, access;
        bool is_warned;
    };
    for (const auto& row : std::vector<Row>{
             {"sign_in_url", "public", false},
             {"sign_in_url", "signed_in", true},
             {"sign_in_url", "org", true},
             {"tasks_url", "public", false},
             {"tasks_url", "signed_in", true},
             {"choose_org_url", "public", false},
             {"choose_org_url", "signed_in", false},
             {"choose_org_url", "org", true},
             {"forbidden_url", "org", false},
             {"forbidden_url", "org, require: { role: admin }", true},
         }) {
        CAPTURE(row.key);
        CAPTURE(row.access);
        const auto yaml = [&](const std::string& url) {
            return "public_origin: https://app.example.com\n" + test::upstream_line +
                   test::clerk_with(row.key + ": " + url) +
                   "limits: { api: { rate: 100/1m } }\ndefault: { limits: [api] }\n" +
                   routes({"name: page, paths: ['/page(.*)'], access: " + row.access});
        };
        const auto is_told = [&](const std::string& url) {
            return mistakes(yaml(url)).find("round in circles") != std::string::npos;
        };
        CHECK(is_told("https://app.example.com/page?x=1") == row.is_warned);
        // Somebody else's page is not ours to judge.
        CHECK_FALSE(is_told("https://other.example.com/page"));
    }
}
