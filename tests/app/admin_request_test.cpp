#include "app/admin_request.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace orggate::app;

namespace {

AdminRequest ask(std::vector<std::string_view> words)
{
    const auto parsed = parse_options(words);
    REQUIRE(parsed.error == "");
    return admin_request(parsed.options);
}

}  // namespace

TEST_CASE("each command is one request")
{
    struct Row {
        std::vector<std::string_view> words;
        std::string_view method, target;
    };
    const Row rows[] = {
        {{"tenant", "list"}, "GET", "/tenants"},
        {{"tenant", "clear", "org_1"}, "DELETE", "/tenants/org_1"},
        {{"tenant", "set", "org_1", "--blocked"}, "POST", "/tenants/org_1?blocked=true"},
        {{"tenant", "set", "org_1", "--bypass", "a,b", "--limit", "api=2/1m", "--limit", "x=1/1s",
             "--reason", "a & b"},
            "POST",
            "/tenants/org_1?bypass=a%2Cb&limit=api%3D2%2F1m&limit=x%3D1%2F1s&reason=a%20%26%20b"},
        {{"tenant", "clear", "a/../b?c"}, "DELETE", "/tenants/a%2F..%2Fb%3Fc"},
        {{"limit", "show", "--org", "org_1", "--limit", "api"}, "GET",
            "/limits?org=org_1&limit=api"},
        {{"limit", "reset", "--ip", "::1"}, "POST", "/limits/reset?ip=%3A%3A1"},
        {{"limit", "denied"}, "GET", "/limits/denied"},
        {{"limit", "denied", "--within", "5m"}, "GET", "/limits/denied?within=5m"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.target);
        const auto request = ask(row.words);
        CHECK(request.method == row.method);
        CHECK(request.target == row.target);
    }
}

TEST_CASE("the token is sent only where there is one")
{
    CHECK(
        to_bytes({"GET", "/tenants"}, "localhost", "").find("Authorization") == std::string::npos);
    CHECK(to_bytes({"GET", "/tenants"}, "localhost", "t0k")
              .find("\r\nAuthorization: Bearer t0k\r\n") != std::string::npos);
}

TEST_CASE("answers become lines")
{
    CHECK(readable(Command::limit_show,
              R"({"from":"redis","limits":[{"limit":"api","quota":"api","per":"org","rate":"5/1m",)"
              R"("units":5,"used":2,"remaining":3,"next_unit_seconds":12.5}]})") ==
          "api: 2 of 5 used, 3 left, more in 12.5 s (per org, 5/1m)\n");
    const std::string rows = R"("limits":[]})";
    const auto shown = [&](const std::string& from) {
        return readable(Command::limit_show, "{" + from + "," + rows);
    };
    CHECK(shown(R"("from":"process")") == "of this process alone:\nno limit counts that\n");
    CHECK(shown(R"("from":"process","share":3,"redis":"away","trouble":"")") ==
          "redis is away: this process holds 1/3\nno limit counts that\n");
    CHECK(shown(R"("from":"process","share":3,"redis":"forbids","trouble":"NOPERM x")") ==
          "Redis forbids this: this process holds 1/3 (NOPERM x)\nno limit counts that\n");
    CHECK(readable(Command::limit_denied, R"({"denied":[]})") == "nobody\n");
    CHECK(readable(Command::tenant_list, R"({"tenants":{}})") == "none\n");
    CHECK(
        readable(Command::tenant_list,
            R"({"tenants":{"org_1":{"source":"file","in_force":false,"settings":{"blocked":true}}}})") ==
        "org_1 {\"blocked\":true} (file, its time is over)\n");
    CHECK(readable(Command::tenant_set, R"({"org":"org_1","in":"fleet","done":"set"})") ==
          "org_1: set in the whole fleet\n");
    CHECK(readable(Command::tenant_set, R"({"error":"limit: no"})") == "limit: no\n");
    CHECK(readable(Command::tenant_set, "no json at all") == "no json at all");
}
