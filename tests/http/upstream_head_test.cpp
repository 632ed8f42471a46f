#include "orggate/http/upstream_head.hpp"

#include "http/trust_support.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace orggate::http {

namespace {

using test::alice;
using test::field_of;
using test::head_with;
using test::pass_for;
using test::pass_for_nobody;

constexpr std::string_view client_parent =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

struct Case {
    RequestHead head = head_with({});
    policy::Pass pass = pass_for(alice());
    Target target{.path = "/reports", .query = "", .has_query = false, .is_asterisk = false};
    HeaderNames names{};
    Credentials credentials = Credentials::session;
    Hop hop{.forwarded_for = "203.0.113.9",
        .proto = "https",
        .forwarded_host = "app.example.com",
        .request_id = "req-1",
        .traceparent = "00-11111111111111111111111111111111-2222222222222222-01"};
    std::string_view assertion{};
};

Result<Written> write(std::string& out, const Case& c)
{
    return write_upstream_head(
        out, {c.head, c.target, c.pass, c.names, c.credentials, c.hop, c.assertion});
}

std::string written(const Case& c)
{
    std::string out;
    REQUIRE(write(out, c).has_value());
    return out;
}

std::string first_line(const std::string& text)
{
    return text.substr(0, text.find("\r\n"));
}

// Every line is `name: value` and the one blank line is the last.
bool is_well_formed(const std::string& text)
{
    if (!text.ends_with("\r\n\r\n") || text.find("\r\n\r\n") != text.size() - 4) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\r' && text[i + 1] != '\n') return false;
        if (c == '\n' && (i == 0 || text[i - 1] != '\r')) return false;
        if (c != '\r' && c != '\n' && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f))
            return false;
    }
    return true;
}

}  // namespace

TEST_CASE("the whole head, byte for byte")
{
    Case c;
    c.head = head_with({{"Host", "app.example.com:8443"}, {"Accept", "*/*"},
                           {"Connection", "keep-alive"}, {"X-Forwarded-For", "6.6.6.6"},
                           {"Authorization", "Bearer a.b.c"}, {"X-Custom", "\xc3\xa4 b"}},
        "POST");
    c.head.body = BodyKind::sized;
    c.head.content_length = 18446744073709551615u;
    c.target = {.path = "/a%20b", .query = "x=1&y", .has_query = true, .is_asterisk = false};
    auto session = alice();
    session.actor_id = "user_2bob";
    c.pass = pass_for(session);
    CHECK(written(c) == "POST /a%20b?x=1&y HTTP/1.1\r\n"
                        "Host: app.example.com:8443\r\n"
                        "Content-Length: 18446744073709551615\r\n"
                        "Accept: */*\r\n"
                        "Authorization: Bearer a.b.c\r\n"
                        "X-Custom: \xc3\xa4 b\r\n"
                        "X-Org-Id: org_2acme\r\n"
                        "X-Org-Slug: acme\r\n"
                        "X-Org-Role: org:admin\r\n"
                        "X-Org-Permissions: org:reports:read,org:reports:write\r\n"
                        "X-Org-Plan: pro\r\n"
                        "X-Org-Features: reports,export\r\n"
                        "X-User-Id: user_2alice\r\n"
                        "X-Session-Id: sess_2one\r\n"
                        "X-Actor-Id: user_2bob\r\n"
                        "X-Auth-Kind: session\r\n"
                        "X-Forwarded-For: 203.0.113.9\r\n"
                        "X-Forwarded-Proto: https\r\n"
                        "X-Forwarded-Host: app.example.com\r\n"
                        "X-Request-Id: req-1\r\n"
                        "traceparent: 00-11111111111111111111111111111111-2222222222222222-01\r\n"
                        "\r\n");
}

TEST_CASE("the request line says the target that was matched")
{
    struct Row {
        std::string_view name, method;
        Target target;
        std::string_view line;
    };
    for (const Row& row :
        std::initializer_list<Row>{{"path alone", "GET", {"/", "", false, false}, "GET / HTTP/1.1"},
            {"an empty query stays", "HEAD", {"/a", "", true, false}, "HEAD /a? HTTP/1.1"},
            {"a query", "DELETE", {"/a", "b=%20", true, false}, "DELETE /a?b=%20 HTTP/1.1"},
            {"the server itself", "OPTIONS", {"", "", false, true}, "OPTIONS * HTTP/1.1"}}) {
        CAPTURE(row.name);
        Case c;
        c.head.method = row.method;
        c.target = row.target;
        CHECK(first_line(written(c)) == row.line);
    }
}

TEST_CASE("a target that could break its line is never written")
{
    for (const std::string_view path : {std::string_view("/a b"), std::string_view("/a\r\nX: y"),
             std::string_view("/a\0b", 4), std::string_view("/\x7f")}) {
        Case c;
        c.target.path = path;
        std::string out = "kept";
        const auto result = write(out, c);
        REQUIRE(result.has_error());
        CHECK(result.error() == Denial::bad_target);
        CHECK(out == "kept");
    }
}

TEST_CASE("the body goes on in the framing it came in")
{
    struct Row {
        BodyKind body;
        std::uint64_t length;
        std::string_view content_length, transfer_encoding;
    };
    for (const Row& row :
        std::initializer_list<Row>{{BodyKind::none, 0, "-", "-"}, {BodyKind::sized, 0, "0", "-"},
            {BodyKind::sized, 42, "42", "-"}, {BodyKind::chunked, 0, "-", "chunked"}}) {
        Case c;
        // The client's own lines are never the ones that travel.
        c.head =
            head_with({{"Content-Length", "7"}, {"Transfer-Encoding", "gzip, chunked"}}, "POST");
        c.head.body = row.body;
        c.head.content_length = row.length;
        const auto text = written(c);
        CHECK(field_of(text, "Content-Length") == row.content_length);
        CHECK(field_of(text, "Transfer-Encoding") == row.transfer_encoding);
    }
}

TEST_CASE("fields of the connection stay behind")
{
    Case c;
    c.head = head_with({{"Connection", "close, X-Hop , keep-alive"}, {"connection", "x-other"},
        {"Keep-Alive", "timeout=5"}, {"Proxy-Connection", "keep-alive"},
        {"Proxy-Authorization", "Basic eDp5"}, {"Proxy-Authenticate", "Basic"}, {"TE", "trailers"},
        {"Trailer", "X-End"}, {"Upgrade", "h2c"}, {"HTTP2-Settings", "AAA"},
        {"Expect", "100-continue"}, {"X-Hop", "1"}, {"X-OTHER", "2"}, {"X-Stays", "3"}});
    const auto text = written(c);
    for (const auto& [name, value] : test::fields_of(text)) {
        CAPTURE(name);
        CHECK((name == "Host" || name == "X-Stays" || name == "traceparent" ||
               name.starts_with("X-Org") || name.starts_with("X-Forwarded") ||
               name == "X-User-Id" || name == "X-Session-Id" || name == "X-Auth-Kind" ||
               name == "X-Request-Id"));
    }
    CHECK(field_of(text, "X-Stays") == "3");
}

TEST_CASE("naming our fields in Connection takes nothing away from them")
{
    Case c;
    c.head = head_with(
        {{"Connection", "X-Org-Id, X-User-Id, X-Forwarded-For, Host"}, {"X-Org-Id", "org_evil"}});
    const auto text = written(c);
    CHECK(field_of(text, "X-Org-Id") == "org_2acme");
    CHECK(field_of(text, "X-User-Id") == "user_2alice");
    CHECK(field_of(text, "X-Forwarded-For") == "203.0.113.9");
    CHECK(field_of(text, "Host") == "app.example.com");
}

TEST_CASE("client copies of our names are removed and counted, for somebody and for nobody")
{
    const auto forged = head_with({{"X-Org-Id", "org_evil"}, {"x-org-slug", "evil"},
        {"X-ORG-ROLE", "org:admin"}, {"X-Org-Permissions", "all"}, {"X-Org-Plan", "free"},
        {"X-Org-Features", "all"}, {"X-User-Id", "user_evil"}, {"X-Session-Id", "sess_evil"},
        {"X-Actor-Id", "user_evil"}, {"X-Auth-Kind", "root"}, {"X-Org-Id", "org_evil2"},
        {"X-Forwarded-Host", "evil.example"}, {"Forwarded", "for=evil"},
        {"X-Original-URL", "/evil"}, {"x-clerk-auth-status", "evil"},
        {"x-middleware-subrequest", "evil"}, {"X-Request-Id", "evil"},
        {"X-Expected-Org", "org_2acme"}});
    token::Session bare;
    bare.user_id = "user_2alice";
    bare.session_id = "sess_2one";
    for (auto pass : {pass_for(alice()), pass_for(bare), pass_for_nobody()}) {
        Case c;
        c.head = forged;
        c.pass = pass;
        std::string out;
        const auto result = write(out, c);
        REQUIRE(result.has_value());
        CHECK(result->stripped == 11);
        CHECK(out.find("evil") == out.npos);
        CHECK(out.find("root") == out.npos);
        CHECK(field_of(out, "X-Expected-Org") == "-");
        CHECK((field_of(out, "X-User-Id") == "-") == (pass.session() == nullptr));
    }
}

TEST_CASE("nobody has no identity at all")
{
    Case c;
    c.pass = pass_for_nobody();
    const auto text = written(c);
    for (std::size_t i = 0; i < identities; ++i)
        CHECK(field_of(text, default_field_name(static_cast<Identity>(i))) == "-");
}

TEST_CASE("what a session lacks has no field")
{
    token::Session session;
    session.user_id = "user_2alice";
    session.session_id = "sess_2one";
    session.org_plans = {"pro"};  // of no organisation
    Case c;
    c.pass = pass_for(session);
    const auto text = written(c);
    for (const std::string_view name : {"X-Org-Id", "X-Org-Slug", "X-Org-Role", "X-Org-Permissions",
             "X-Org-Plan", "X-Org-Features", "X-Actor-Id"}) {
        CAPTURE(name);
        CHECK(field_of(text, name) == "-");
    }
    CHECK(field_of(text, "X-Auth-Kind") == "session");
}

TEST_CASE("an alias of ours, or of a name the operator chose, is refused")
{
    for (const std::string_view name : {"X_Org_Id", "X-Org-Id_", "content_length", "X_Tenant",
             "x.user.email", "X-Org_Assertion"}) {
        CAPTURE(name);
        Case c;
        c.head = head_with({{name, "1"}});
        c.names.renamed[Identity::org_id] = "X-Tenant";
        c.names.claims["X-User-Email"] = "email";
        c.names.assertion = "X-Org-Assertion";
        std::string out = "kept";
        const auto result = write(out, c);
        REQUIRE(result.has_error());
        CHECK(result.error() == Denial::field_alias);
        CHECK(out == "kept");
    }
}

TEST_CASE("odd names are dropped or refused, as the operator likes")
{
    Case c;
    c.head = head_with({{"X_Foo", "1"}, {"X-Foo", "2"}});
    CHECK(written(c).find("X_Foo") == std::string::npos);
    CHECK(field_of(written(c), "X-Foo") == "2");
    c.names.odd_names = HeaderNames::OddNames::refuse;
    std::string out;
    const auto result = write(out, c);
    REQUIRE(result.has_error());
    CHECK(result.error() == Denial::field_alias);
    CHECK(out.empty());
}

TEST_CASE("renamed identities, claims and the assertion travel under the operator's names")
{
    auto session = alice();
    session.claims = {{"email", "alice@example.com"}, {"metadata.tier", "gold"}, {"empty", ""}};
    Case c;
    c.pass = pass_for(session);
    c.names.renamed[Identity::org_id] = "X-Tenant";
    c.names.claims = {{"X-User-Email", "email"}, {"X-Tier", "metadata.tier"}, {"X-None", "absent"},
        {"X-Empty", "empty"}};
    c.names.assertion = "X-Org-Assertion";
    c.assertion = "aaa.bbb.ccc";
    c.head = head_with({{"X-Tenant", "evil"}, {"X-User-Email", "evil"}, {"X-None", "evil"},
        {"X-Empty", "evil"}, {"X-Org-Assertion", "evil"}, {"X-Org-Id", "evil"}});
    std::string out;
    const auto result = write(out, c);
    REQUIRE(result.has_value());
    CHECK(result->stripped == 6);
    CHECK(out.find("evil") == out.npos);
    CHECK(field_of(out, "X-Tenant") == "org_2acme");
    CHECK(field_of(out, "X-Org-Id") == "-");
    CHECK(field_of(out, "X-User-Email") == "alice@example.com");
    CHECK(field_of(out, "X-Tier") == "gold");
    CHECK(field_of(out, "X-None") == "-");
    CHECK(field_of(out, "X-Empty") == "-");
    CHECK(field_of(out, "X-Org-Assertion") == "aaa.bbb.ccc");
}

TEST_CASE("an assertion may be as long as the path it states, and no longer than a field")
{
    Case c;
    c.names.assertion = "X-Org-Assertion";
    const std::string longest(16 * 1024, 'a'), too_long(16 * 1024 + 1, 'a');
    c.assertion = longest;
    CHECK(field_of(written(c), "X-Org-Assertion").size() == longest.size());
    c.assertion = too_long;
    std::string out;
    CHECK(write(out, c).error() == Denial::token_malformed);
    CHECK(out.empty());
}

TEST_CASE("a hostile claim refuses the request, and nothing of it reaches the wire")
{
    const std::string ten_kib(10 * 1024, 'a'), just_over(4 * 1024 + 1, 'a');
    struct Row {
        std::string_view name, value;
    };
    const std::initializer_list<Row> rows{{"CRLF", "a\r\nX-Org-Role: org:admin"}, {"LF", "a\nb"},
        {"CR", "a\rb"}, {"NUL", std::string_view("a\0b", 3)}, {"tab", "a\tb"}, {"DEL", "a\x7f"},
        {"not ASCII", "\xc3\xa4"}, {"obs-text", "\xff"}, {"a leading blank", " a"},
        {"a trailing blank", "a "}, {"only a blank", " "}, {"10 KiB", ten_kib},
        {"just over 4 KiB", just_over}};
    using Put = void (*)(token::Session&, std::string);
    struct Place {
        std::string_view name;
        Put put;
    };
    const std::initializer_list<Place> places{
        {"org id", [](token::Session& s, std::string v) { s.organisation->id = v; }},
        {"org slug", [](token::Session& s, std::string v) { s.organisation->slug = v; }},
        {"org role", [](token::Session& s, std::string v) { s.organisation->role = v; }},
        {"user", [](token::Session& s, std::string v) { s.user_id = v; }},
        {"session", [](token::Session& s, std::string v) { s.session_id = v; }},
        {"actor", [](token::Session& s, std::string v) { s.actor_id = v; }},
    };
    for (const Row& row : rows) {
        for (const Place& place : places) {
            CAPTURE(row.name);
            CAPTURE(place.name);
            auto session = alice();
            place.put(session, std::string(row.value));
            Case c;
            c.pass = pass_for(session);
            std::string out = "kept";
            const auto result = write(out, c);
            REQUIRE(result.has_error());
            CHECK(result.error() == Denial::token_malformed);
            CHECK(out == "kept");
        }
    }
}

TEST_CASE("a claim that cannot stand in a field is left out, and the request goes on")
{
    for (const auto value : {std::string_view("a\r\nX-Org-Role: org:admin"),
             std::string_view("a\nb"), std::string_view("a\0b", 3), std::string_view("\xc3\xa4")}) {
        CAPTURE(value);
        auto session = alice();
        session.claims["email"] = value;
        Case c;
        c.pass = pass_for(session);
        c.names.claims["X-User-Email"] = "email";
        std::string out;
        REQUIRE(write(out, c).has_value());
        CHECK(out.find("X-User-Email") == std::string::npos);
        CHECK(out.find("org:admin\r\nX-Org-Role") == std::string::npos);
        CHECK(out.find(std::string(value)) == std::string::npos);
    }
}

TEST_CASE("a hostile list member refuses the request")
{
    for (const std::string& value : {std::string("a,org:admin:all"), std::string("a\r\nX: y"),
             std::string("a\0b", 3), std::string("\xc3\xa4"), std::string(" a"), std::string("")}) {
        CAPTURE(value);
        for (int place = 0; place < 3; ++place) {
            auto session = alice();
            if (place == 0) session.organisation->permissions.push_back(value);
            if (place == 1) session.org_plans.insert(session.org_plans.begin(), value);
            if (place == 2) session.org_features.push_back(value);
            Case c;
            c.pass = pass_for(session);
            std::string out;
            const auto result = write(out, c);
            REQUIRE(result.has_error());
            CHECK(result.error() == Denial::token_malformed);
            CHECK(out.empty());
        }
    }
}

TEST_CASE("a list of 4 KiB goes on whole, and one byte more is left out whole")
{
    for (int place = 0; place < 3; ++place) {
        for (const std::size_t extra : {0u, 1u}) {
            CAPTURE(place);
            CAPTURE(extra);
            const std::vector<std::string> list{
                std::string(2000, 'a'), std::string(2095 + extra, 'b')};
            auto session = alice();
            if (place == 0) session.organisation->permissions = list;
            if (place == 1) session.org_plans = list;
            if (place == 2) session.org_features = list;
            Case c;
            c.pass = pass_for(session);
            std::string out;
            const auto result = write(out, c);
            REQUIRE(result.has_value());
            CHECK(result->permissions_left_out == (extra == 1));
            const auto name = place == 0   ? "X-Org-Permissions"
                              : place == 1 ? "X-Org-Plan"
                                           : "X-Org-Features";
            const auto sent = field_of(out, name);
            CHECK(sent == (extra == 1 ? "-" : list[0] + "," + list[1]));
        }
    }
}

TEST_CASE("a value of 4 KiB is the longest that is sent")
{
    auto session = alice();
    session.claims["email"] = std::string(4 * 1024, 'a');
    Case c;
    c.pass = pass_for(session);
    c.names.claims["X-User-Email"] = "email";
    CHECK(field_of(written(c), "X-User-Email").size() == 4096);
}

TEST_CASE("what the connection says is written with the same care")
{
    const std::string_view bad = "a\r\nX-Org-Id: org_evil";
    using Put = void (*)(Hop&, std::string_view);
    for (const Put put :
        std::initializer_list<Put>{[](Hop&hop, std::string_view v) { hop.forwarded_for = v; },
            [](Hop&hop, std::string_view v) { hop.proto = v; },
            [](Hop&hop, std::string_view v) { hop.forwarded_host = v; },
            [](Hop&hop, std::string_view v) { hop.request_id = v; },
            [](Hop&hop, std::string_view v) { hop.traceparent = v; }}) {
        Case c;
        put(c.hop, bad);
        std::string out;
        CHECK(write(out, c).has_error());
        CHECK(out.empty());
    }
    Case none;
    none.hop = {};
    const auto text = written(none);
    CHECK(is_well_formed(text));
    CHECK(field_of(text, "X-Forwarded-For") == "-");
}

TEST_CASE("tracestate travels only beside the traceparent it came with")
{
    Case c;
    c.head = head_with({{"traceparent", client_parent}, {"tracestate", "vendor=1"}});
    CHECK(field_of(written(c), "tracestate") == "-");
    c.hop.traceparent = client_parent;
    CHECK(field_of(written(c), "tracestate") == "vendor=1");
    CHECK(field_of(written(c), "traceparent") == client_parent);
}

TEST_CASE("credentials: what the app sees of Clerk's")
{
    constexpr std::string_view all =
        "a=1; __session=s; __session_1Z8AzTQD=t; __refresh_1Z8AzTQD=r; __client_uat=5; "
        "__clerk_handshake=h; __clerk_db_jwt=d; __clerk_db_jwt_1Z8AzTQD=e; __orggate_loop=2; b=2";
    struct Row {
        std::string_view name;
        Credentials credentials;
        std::string_view authorization, cookies, sent_authorization, sent_cookies;
    };
    for (const Row& row : std::initializer_list<Row>{
             {"session", Credentials::session, "Bearer a.b.c", all, "Bearer a.b.c",
                 "a=1; __session=s; __session_1Z8AzTQD=t; __client_uat=5; b=2"},
             {"none", Credentials::none, "bEARER  a.b.c", all, "-", "a=1; b=2"},
             {"none, but not Clerk's", Credentials::none, "Basic eDp5", "a=1", "Basic eDp5", "a=1"},
             {"none, a bare word", Credentials::none, "Bearer", "", "-", "-"},
             {"none, and nothing left", Credentials::none, "Bearerx y", "__session=s", "Bearerx y",
                 "-"},
             {"all", Credentials::all, "Bearer a.b.c", all, "Bearer a.b.c",
                 "a=1; __session=s; __session_1Z8AzTQD=t; __refresh_1Z8AzTQD=r; __client_uat=5; "
                 "__clerk_handshake=h; __clerk_db_jwt=d; __clerk_db_jwt_1Z8AzTQD=e; b=2"}}) {
        CAPTURE(row.name);
        Case c;
        c.head = head_with({{"Authorization", row.authorization}, {"Cookie", row.cookies}});
        c.credentials = row.credentials;
        const auto text = written(c);
        CHECK(field_of(text, "Authorization") == row.sent_authorization);
        CHECK(field_of(text, "Cookie") == row.sent_cookies);
    }
}

TEST_CASE("the cookies that stay are not touched")
{
    struct Row {
        std::string_view name, sent, wanted;
    };
    for (const Row& row : std::initializer_list<Row>{
             {"nothing withheld: verbatim", "a=1;b = \"x y\" ;; c; =d", "a=1;b = \"x y\" ;; c; =d"},
             {"values keep their bytes", "a=%20\"; __orggate_loop=1; b = \xc3\xa4 ; c",
                 "a=%20\"; b = \xc3\xa4 ; c"},
             {"blanks around a name hide nothing", "a=1;\t __orggate_loop =1;b=2", "a=1; b=2"},
             {"each of several", "__orggate_loop=1; a=1; __orggate_loop=2", "a=1"},
             {"alone", "__orggate_loop=1", "-"},
             {"not ours", "__orggate_loops=1; x__orggate_loop=1",
                 "__orggate_loops=1; x__orggate_loop=1"},
             {"a name without a value is no cookie", "__orggate_loop; a=1",
                 "__orggate_loop; a=1"}}) {
        CAPTURE(row.name);
        Case c;
        c.head = head_with({{"Cookie", row.sent}});
        c.credentials = Credentials::all;
        CHECK(field_of(written(c), "Cookie") == row.wanted);
    }
}

TEST_CASE("several Cookie fields become one")
{
    Case c;
    c.head = head_with({{"Cookie", "a=1"}, {"X-Between", "x"}, {"cookie", "__refresh_1Z8AzTQD=r"}});
    c.head.joined_cookies = "a=1; __refresh_1Z8AzTQD=r";
    c.head.cookies = c.head.joined_cookies;
    const auto text = written(c);
    CHECK(field_of(text, "Cookie") == "a=1");
    CHECK(field_of(text, "cookie") == "-");
}

TEST_CASE("a WebSocket handshake is rebuilt")
{
    Case c;
    c.head = head_with({{"Connection", "keep-alive, Upgrade"}, {"Upgrade", "WebSocket"},
        {"Sec-WebSocket-Version", "13"}, {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="},
        {"Sec-WebSocket-Protocol", "chat, superchat"},
        {"Sec-WebSocket-Extensions", "permessage-deflate"}, {"Origin", "https://app.example.com"}});
    CHECK(field_of(written(c), "Upgrade") == "-");
    CHECK(field_of(written(c), "Sec-WebSocket-Protocol") == "-");

    c.head.is_websocket = true;
    c.head.websocket_key = "dGhlIHNhbXBsZSBub25jZQ==";
    const auto text = written(c);
    CHECK(field_of(text, "Connection") == "Upgrade");
    CHECK(field_of(text, "Upgrade") == "websocket");
    CHECK(field_of(text, "Sec-WebSocket-Version") == "13");
    CHECK(field_of(text, "Sec-WebSocket-Key") == "dGhlIHNhbXBsZSBub25jZQ==");
    CHECK(field_of(text, "sec-websocket-key") == "-");
    CHECK(field_of(text, "Sec-WebSocket-Protocol") == "chat, superchat");
    CHECK(field_of(text, "Sec-WebSocket-Extensions") == "permessage-deflate");
    CHECK(field_of(text, "Origin") == "https://app.example.com");
    CHECK(is_well_formed(text));
}

TEST_CASE("what was in the buffer before stays")
{
    Case c;
    std::string out = "before|";
    REQUIRE(write(out, c).has_value());
    CHECK(out.starts_with("before|GET /reports HTTP/1.1\r\n"));
}

}  // namespace orggate::http
