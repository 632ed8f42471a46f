#include "token/session_claims.hpp"

#include "support/mint.hpp"

#include <doctest/doctest.h>

using namespace orggate;
using namespace orggate::token;

namespace {

using Words = std::vector<std::string>;

Result<Session> read(const test::SessionClaims& claims)
{
    const auto payload = json::parse_object(test::session_claims(claims));
    REQUIRE(payload);
    return read_session(*payload);
}

// The default claims of a version with one of them changed.
Result<Session> read(int version, std::string name, std::string json)
{
    test::SessionClaims claims;
    claims.version = version;
    claims.raw.push_back({std::move(name), std::move(json)});
    return read(claims);
}

}  // namespace

TEST_CASE("a version 2 token becomes a session")
{
    test::SessionClaims claims;
    claims.features = "o:reports,u:beta,uo:exports";
    claims.plans = "o:pro,u:free";
    claims.permissions = "read,manage";
    claims.bitmaps = "3,2";
    claims.raw = {{"fva", "[3,-1]"}};
    const auto session = read(claims);
    REQUIRE(session.has_value());
    CHECK(session->user_id == "user_2alice");
    CHECK(session->session_id == "sess_2one");
    CHECK(session->actor_id.empty());
    REQUIRE(session->organisation);
    CHECK(session->organisation->id == "org_2acme");
    CHECK(session->organisation->slug == "acme");
    CHECK(session->organisation->role == "org:admin");
    CHECK(session->organisation->permissions ==
          Words{"org:reports:read", "org:reports:manage", "org:exports:manage"});
    CHECK(session->org_features == Words{"reports", "exports"});
    CHECK(session->user_features == Words{"beta", "exports"});
    CHECK(session->org_plans == Words{"pro"});
    CHECK(session->user_plans == Words{"free"});
    REQUIRE(session->factor_ages);
    CHECK(session->factor_ages->first == 3);
    CHECK(session->factor_ages->second == -1);
    CHECK(session->status == Status::active);
}

TEST_CASE("a version 1 token becomes the same kind of session")
{
    test::SessionClaims claims;
    claims.version = 1;
    claims.raw = {{"org_permissions", R"(["org:reports:read","org:reports:manage"])"},
        {"act", R"({"sub":"user_2support"})"}};
    const auto session = read(claims);
    REQUIRE(session.has_value());
    REQUIRE(session->organisation);
    CHECK(session->organisation->id == "org_2acme");
    CHECK(session->organisation->slug == "acme");
    CHECK(session->organisation->role == "org:admin");
    CHECK(session->organisation->permissions == Words{"org:reports:read", "org:reports:manage"});
    CHECK(session->actor_id == "user_2support");
    CHECK_FALSE(session->factor_ages);
}

TEST_CASE("the version decides, and neither falls back to the other's claims")
{
    struct Row {
        std::string_view name;
        std::vector<test::RawClaim> raw;
        std::string org;  // empty: none
    };
    const Row rows[] = {
        {"2 without o", {{"v", "2"}, {"o", ""}}, ""},
        {"2 with org_id only", {{"v", "2"}, {"o", ""}, {"org_id", R"("org_2evil")"}}, ""},
        {"2 with both", {{"v", "2"}, {"org_id", R"("org_2evil")"}}, "org_2acme"},
        {"absent with both", {{"v", ""}, {"org_id", R"("org_2old")"}}, "org_2old"},
        {"absent with o only", {{"v", ""}}, ""},
        {"1 with both", {{"v", "1"}, {"org_id", R"("org_2old")"}}, "org_2old"},
        {"1 with null org_id", {{"v", "1"}, {"org_id", "null"}}, ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        test::SessionClaims claims;
        claims.raw = row.raw;
        const auto session = read(claims);
        REQUIRE(session.has_value());
        CHECK((session->organisation ? session->organisation->id : "") == row.org);
    }
}

TEST_CASE("any other version is refused")
{
    for (const std::string text : {R"("2")", R"("1")", "2.0", "1.0", "2.5", "0", "3", "-1", "null",
             "true", "[2]", "{}", R"("")", "9223372036854775807"}) {
        CAPTURE(text);
        const auto session = read(2, "v", text);
        REQUIRE_FALSE(session.has_value());
        CHECK(session.error() == Denial::token_malformed);
    }
}

TEST_CASE("claims that become headers, quota keys or conditions are refused unless clean")
{
    const std::string longest = "\"org_" + std::string(64, 'a') + '"';
    const std::string too_long = "\"org_" + std::string(65, 'a') + '"';
    const std::string word_256 = '"' + std::string(256, 'a') + '"';
    const std::string word_257 = '"' + std::string(257, 'a') + '"';
    struct Row {
        int version;
        std::string_view claim, json;
        bool good;
    };
    const Row rows[] = {
        // The user.
        {2, "sub", R"("user_2a")", true},
        {2, "sub", "", false},
        {2, "sub", "null", false},
        {2, "sub", "7", false},
        {2, "sub", R"("")", false},
        {2, "sub", R"("user_")", false},
        {2, "sub", R"("User_2a")", false},
        {2, "sub", R"("org_2a")", false},
        {2, "sub", R"("user_2a\r\nX-Org-Id: evil")", false},
        {2, "sub", R"("user_2a\n")", false},
        {2, "sub", R"("user_2a\u0000")", false},
        {2, "sub", R"("user_2\u00e4")", false},
        {2, "sub", R"("user_2a ")", false},
        {2, "sub", R"(" user_2a")", false},
        {2, "sub", R"("user_2-a")", false},
        {2, "sub", R"("user_2_a")", false},
        {2, "sub", R"("user_2a,user_2b")", false},
        {2, "sub", R"("user_2\uff11")", false},
        // The session.
        {2, "sid", R"("sess_2a")", true},
        {2, "sid", "", false},
        {2, "sid", "null", false},
        {2, "sid", "1", false},
        {2, "sid", R"("sess_")", false},
        {2, "sid", R"("user_2a")", false},
        {2, "sid", R"("sess_2a;b")", false},
        {1, "sid", "", false},
        // The organisation of version 2.
        {2, "o", R"({"id":"org_2a"})", true},
        {2, "o", R"({"id":"org_2a","slg":"","rol":""})", true},
        {2, "o", R"({"id":"org_2a","slg":null,"rol":null})", true},
        {2, "o", R"({"id":"org_2a","slg":"a-b","rol":"admin","x":1})", true},
        {2, "o", "null", false},
        {2, "o", R"("org_2a")", false},
        {2, "o", "[]", false},
        {2, "o", "{}", false},
        {2, "o", "true", false},
        {2, "o", R"({"id":7})", false},
        {2, "o", R"({"id":null})", false},
        {2, "o", R"({"id":""})", false},
        {2, "o", R"({"id":"org_"})", false},
        {2, "o", R"({"id":"acme"})", false},
        {2, "o", R"({"id":"user_2a"})", false},
        {2, "o", R"({"id":"org_2a,org_2b"})", false},
        {2, "o", R"({"id":"org_2\u00e4"})", false},
        {2, "o", R"({"id":"org_2a\r\nX: y"})", false},
        {2, "o", R"({"id":"org_2a%"})", false},
        {2, "o", R"({"id":"org_2a*"})", false},
        {2, "o", R"({"slg":"acme","rol":"admin"})", false},
        {2, "o", R"({"id":"org_2a","slg":7})", false},
        {2, "o", R"({"id":"org_2a","slg":"a b"})", false},
        {2, "o", R"({"id":"org_2a","slg":"a\u0000"})", false},
        {2, "o", R"({"id":"org_2a","slg":"a\r\n"})", false},
        {2, "o", R"({"id":"org_2a","slg":"a,b"})", false},
        {2, "o", R"({"id":"org_2a","slg":"\u00e4"})", false},
        {2, "o", R"({"id":"org_2a","rol":["admin"]})", false},
        {2, "o", R"({"id":"org_2a","rol":"ad\nmin"})", false},
        {2, "o", R"({"id":"org_2a","rol":"admin "})", false},
        {2, "o", R"({"id":"org_2a","per":7})", false},
        {2, "o", R"({"id":"org_2a","per":["read"],"fpm":"1"})", false},
        {2, "o", R"({"id":"org_2a","per":"read","fpm":1})", false},
        {2, "o", R"({"id":"org_2a","per":"re\u0001ad","fpm":"1"})", false},
        // The organisation of version 1.
        {1, "org_id", longest, true},
        {1, "org_id", too_long, false},
        {1, "org_id", R"("")", false},
        {1, "org_id", "7", false},
        {1, "org_id", "{}", false},
        {1, "org_id", R"("org_2\u0000")", false},
        {1, "org_slug", word_256, true},
        {1, "org_slug", word_257, false},
        {1, "org_slug", "null", true},
        {1, "org_slug", R"("")", true},
        {1, "org_slug", "[]", false},
        {1, "org_slug", R"("a\tb")", false},
        {1, "org_role", R"("org:admin")", true},
        {1, "org_role", "7", false},
        {1, "org_role", R"("org:ad min")", false},
        {1, "org_role", R"("org:admin,org:owner")", false},
        {1, "org_permissions", "[]", true},
        {1, "org_permissions", "null", true},
        {1, "org_permissions", R"("org:a:b")", false},
        {1, "org_permissions", R"(["org:a:b",7])", false},
        {1, "org_permissions", R"(["org:a:b,org:c:d"])", false},
        {1, "org_permissions", R"([""])", false},
        {1, "org_permissions", R"(["org:a\r\n:b"])", false},
        // Features and plans of both.
        {2, "fea", "null", true},
        {2, "fea", "7", false},
        {2, "fea", R"(["o:a"])", false},
        {2, "fea", R"("reports")", false},
        {2, "fea", R"("o:a\u0000")", false},
        {2, "pla", R"("o:pro")", true},
        {2, "pla", R"("pro")", false},
        {2, "pla", R"("o:\u00e4")", false},
        {1, "pla", R"("pro")", false},
        {1, "fea", "{}", false},
        // The impersonator.
        {2, "act", "null", true},
        {2, "act", R"({"sub":"user_2b"})", true},
        {2, "act", R"({"sub":"agent-7","type":"agent"})", true},
        {2, "act", "{}", false},
        {2, "act", R"("user_2b")", false},
        {2, "act", R"({"sub":""})", false},
        {2, "act", R"({"sub":7})", false},
        {2, "act", R"({"sub":"user_2b\r\n"})", false},
        {2, "act", "false", false},
        // The status.
        {2, "sts", R"("active")", true},
        {2, "sts", R"("pending")", true},
        {2, "sts", "7", false},
        {2, "sts", "[]", false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.claim);
        CAPTURE(row.json);
        const auto session = read(row.version, std::string(row.claim), std::string(row.json));
        CHECK(session.has_value() == row.good);
        if (!session) CHECK(session.error() == Denial::token_malformed);
    }
}

TEST_CASE("a permission too long for a header is refused though its parts are not")
{
    test::SessionClaims claims;
    claims.features = "o:" + std::string(200, 'f');
    claims.permissions = std::string(200, 'p');
    claims.bitmaps = "0";
    CHECK(read(claims).has_value());
    claims.bitmaps = "1";
    CHECK_FALSE(read(claims).has_value());
}

TEST_CASE("only an active session is active")
{
    struct Row {
        std::string_view json;
        Status status;
    };
    const Row rows[] = {
        {"", Status::active},
        {"null", Status::active},
        {R"("active")", Status::active},
        {R"("pending")", Status::pending},
        {R"("Active")", Status::pending},
        {R"("expired")", Status::pending},
    };
    for (const auto& row : rows) {
        CAPTURE(row.json);
        const auto session = read(2, "sts", std::string(row.json));
        REQUIRE(session.has_value());
        CHECK(session->status == row.status);
    }
}

TEST_CASE("factor ages that are not two numbers are no factor ages")
{
    for (const std::string text :
        {"null", "[]", "[1]", "[1,2,3]", R"(["1","2"])", R"([1,"2"])", "[null,1]", "{}", "7"}) {
        CAPTURE(text);
        const auto session = read(2, "fva", text);
        REQUIRE(session.has_value());
        CHECK_FALSE(session->factor_ages);
    }
    const auto session = read(2, "fva", "[0.5,12]");
    REQUIRE(session.has_value());
    REQUIRE(session->factor_ages);
    CHECK(session->factor_ages->first == 0.5);
    CHECK(session->factor_ages->second == 12);
}

TEST_CASE("scalar claims are kept as text by path, and nothing a user wrote")
{
    test::SessionClaims claims;
    claims.raw = {{"metadata", R"({"role":"admin","level":3,"ratio":0.5,"on":true,"off":false,
                                   "none":null,"list":["a"],"deep":{"x":"y"},
                                   "unsafe_metadata":{"role":"root"}})"},
        {"unsafe_metadata", R"({"role":"root"})"}, {"email", R"("a@example.com")"},
        {"dotted.name", R"("x")"}, {"a", R"({"b.c":"x","":"y","b":{"c":"z"}})"}, {"big", "1e15"},
        {"hundred", "100000.0"}, {"tiny", "1e-7"}};
    const auto session = read(claims);
    REQUIRE(session.has_value());
    const auto& found = session->claims;
    struct Row {
        std::string_view path, text;
    };
    const Row rows[] = {
        {"metadata.role", "admin"},
        {"metadata.level", "3"},
        {"metadata.ratio", "0.5"},
        {"metadata.on", "true"},
        {"metadata.off", "false"},
        {"metadata.deep.x", "y"},
        {"email", "a@example.com"},
        {"sub", "user_2alice"},
        {"o.rol", "admin"},
        {"a.b.c", "z"},
        {"big", "1000000000000000"},
        {"hundred", "100000"},
        {"tiny", "0.0000001"},
        {"v", "2"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.path);
        REQUIRE(found.find(row.path) != found.end());
        CHECK(found.find(row.path)->second == row.text);
    }
    for (const std::string_view path :
        {"unsafe_metadata.role", "metadata.unsafe_metadata.role", "metadata.none", "metadata.list",
            "metadata.list.0", "metadata", "dotted.name", "a.", "o"}) {
        CAPTURE(path);
        CHECK(found.find(path) == found.end());
    }
}
