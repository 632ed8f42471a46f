#include "orggate/policy/rule.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace orggate::policy;

namespace {

Rule rule(std::string name, std::string_view path, Access access = Access::org)
{
    Rule made;
    made.name = std::move(name);
    made.access = access;
    if (!path.empty()) {
        const bool is_open = access != Access::org;
        auto pattern = Pattern::compile(path, {.ignore_case = !is_open, .segment_border = is_open});
        REQUIRE(pattern.has_value());
        made.patterns.push_back(*pattern);
    }
    return made;
}

template <class Change>
Rule with(Rule made, Change change)
{
    change(made);
    return made;
}

RequestView get(std::string_view path)
{
    return {.method = "GET", .host = "app.example.com", .path = path};
}

}  // namespace

TEST_CASE("the first rule that matches decides, and the default takes what is left")
{
    const RuleTable table({rule("admin", "/admin(.*)"), rule("admin again", "/admin/x"),
        rule("pages", "/(a|b)", Access::anyone), rule("default", "")});
    CHECK(table.find(get("/admin/x")).name == "admin");
    CHECK(table.find(get("/ADMIN")).name == "admin");
    CHECK(table.find(get("/a")).name == "pages");
    CHECK(table.find(get("/A")).name == "default");
    CHECK(table.find(get("/else")).name == "default");
}

TEST_CASE("an empty table demands an organisation of everything")
{
    CHECK(RuleTable().find(get("/")).access == Access::org);
}

TEST_CASE("the default decides whatever the method, the host or the kind of request")
{
    auto last = with(rule("default", "", Access::anyone), [](Rule& r) { r.hosts = {"other"}; });
    const RuleTable table({last});
    CHECK(table.find({.method = "POST", .host = "x", .path = "/", .is_websocket = true}).name ==
          "default");
}

TEST_CASE("hosts are compared without port and case")
{
    const auto hosted = with(rule("r", "/x"), [](Rule& r) {
        r.hosts = {"app.example.com", "[::1]"};
    });
    struct Row {
        std::string_view host;
        bool wanted;
    };
    for (const auto& row : std::vector<Row>{
             {"app.example.com", true},
             {"APP.example.com", true},
             {"app.example.com:8443", true},
             {"[::1]", true},
             {"[::1]:80", true},
             {"other.example.com", false},
             {"app.example.com.evil", false},
             {"xapp.example.com", false},
             {"", false},
             {":80", false},
         }) {
        CAPTURE(std::string(row.host));
        CHECK(matches(hosted, {.method = "GET", .host = row.host, .path = "/x"}) == row.wanted);
    }
}

TEST_CASE("methods: GET includes HEAD, and an open rule without methods takes only these")
{
    const auto closed = rule("closed", "/x");
    const auto open = rule("open", "/x", Access::anyone);
    const auto posts = [](Rule& r) { r.methods = {"POST"}; };
    const auto gets = [](Rule& r) { r.methods = {"GET"}; };
    struct Row {
        std::string name;
        Rule rule;
        std::string_view method;
        bool wanted;
    };
    for (const auto& row : std::vector<Row>{
             {"closed, any method", closed, "DELETE", true},
             {"signed in, any method", rule("s", "/x", Access::signed_in), "POST", true},
             {"closed, listed", with(closed, posts), "POST", true},
             {"closed, not listed", with(closed, posts), "GET", false},
             {"closed, GET listed, HEAD asked", with(closed, gets), "HEAD", true},
             {"closed, POST listed, HEAD asked", with(closed, posts), "HEAD", false},
             {"methods mind the case", with(closed, gets), "get", false},
             {"open, GET", open, "GET", true},
             {"open, HEAD", open, "HEAD", true},
             {"open, POST", open, "POST", false},
             {"open, OPTIONS", open, "OPTIONS", false},
             {"open, listed", with(open, posts), "POST", true},
             {"open, listed, GET asked", with(open, posts), "GET", false},
         }) {
        CAPTURE(row.name);
        CHECK(matches(row.rule, {.method = row.method, .host = "h", .path = "/x"}) == row.wanted);
    }
}

TEST_CASE("an open rule takes server actions and WebSockets only where it says so")
{
    const auto open = rule("open", "/x", Access::anyone);
    const auto posts = [](Rule& r) { r.methods = {"POST"}; };
    const auto actions = [](Rule& r) { r.server_actions = true; };
    const auto sockets = [](Rule& r) { r.websocket = true; };
    struct Row {
        std::string name;
        Rule rule;
        std::string_view method;
        bool is_action, is_socket, wanted;
    };
    for (const auto& row : std::vector<Row>{
             {"action, not said", open, "POST", true, false, false},
             {"action by GET, not said", open, "GET", true, false, false},
             {"action, POST listed only", with(open, posts), "POST", true, false, false},
             {"action, said", with(open, actions), "POST", true, false, true},
             {"no action, said", with(open, actions), "POST", false, false, false},
             {"PUT action, said", with(open, actions), "PUT", true, false, false},
             {"action, said and POST listed", with(with(open, posts), actions), "POST", true, false,
                 true},
             {"socket, not said", open, "GET", false, true, false},
             {"socket, said", with(open, sockets), "GET", false, true, true},
             {"closed rule, action", rule("c", "/x"), "POST", true, false, true},
             {"closed rule, socket", rule("c", "/x"), "GET", false, true, true},
             {"signed in, socket", rule("c", "/x", Access::signed_in), "GET", false, true, true},
         }) {
        CAPTURE(row.name);
        const RequestView request{.method = row.method,
            .host = "h",
            .path = "/x",
            .is_server_action = row.is_action,
            .is_websocket = row.is_socket};
        CHECK(matches(row.rule, request) == row.wanted);
    }
}

TEST_CASE("what an open rule does not take, the next one decides")
{
    const RuleTable table(
        {rule("open", "/x", Access::anyone), rule("user", "/x", Access::signed_in), rule("d", "")});
    CHECK(table.find(get("/x")).name == "open");
    CHECK(table.find({.method = "POST", .host = "h", .path = "/x"}).name == "user");
    CHECK(table.find({.method = "POST", .host = "h", .path = "/X"}).name == "d");
}

TEST_CASE("the organisation in the path is the segment of the pattern that matched")
{
    auto scoped = rule("r", "/orgs/:slug(.*)");
    scoped.patterns.push_back(*Pattern::compile("/t/x/:slug", {}));
    CHECK(org_in_path(scoped, "/orgs/acme/x").empty());
    scoped.org_in_path = "slug";
    CHECK(org_in_path(scoped, "/orgs/acme/x") == "acme");
    CHECK(org_in_path(scoped, "/t/x/acme") == "acme");
    CHECK(org_in_path(scoped, "/other").empty());
}

TEST_CASE("one rule shadows another only where that is certain")
{
    const auto hosts = [](std::vector<std::string> list) {
        return [list](Rule& r) { r.hosts = list; };
    };
    const auto methods = [](std::vector<std::string> list) {
        return [list](Rule& r) { r.methods = list; };
    };
    const auto all = rule("all", "/(.*)");
    const auto open = rule("open", "/x(.*)", Access::anyone);
    const auto exact = rule("exact", "/x/y");
    struct Row {
        std::string name;
        Rule earlier, later;
        bool wanted;
    };
    for (const auto& row : std::vector<Row>{
             {"everything before one", all, exact, true},
             {"one before everything", exact, all, false},
             {"the same twice", exact, exact, true},
             {"an open rule leaves other methods", open, exact, false},
             {"an open rule leaves sockets", open, with(exact, methods({"GET"})), false},
             {"an open rule before an open rule", open, rule("o", "/x/y", Access::anyone), true},
             {"an open rule before one with sockets", open,
                 with(rule("o", "/x/y", Access::anyone), [](Rule& r) { r.websocket = true; }),
                 false},
             {"an open rule before one with actions", open,
                 with(rule("o", "/x/y", Access::anyone), [](Rule& r) { r.server_actions = true; }),
                 false},
             {"narrower hosts", with(all, hosts({"a"})), exact, false},
             {"narrower hosts before the same", with(all, hosts({"a", "b"})),
                 with(exact, hosts({"b"})), true},
             {"other hosts", with(all, hosts({"a"})), with(exact, hosts({"b"})), false},
             {"narrower methods", with(all, methods({"GET"})), exact, false},
             {"wider methods", with(all, methods({"GET", "POST"})), with(exact, methods({"POST"})),
                 true},
             {"GET covers HEAD", with(all, methods({"GET"})), with(exact, methods({"HEAD"})), true},
         }) {
        CAPTURE(row.name);
        CHECK(shadows(row.earlier, row.later) == row.wanted);
    }
}
