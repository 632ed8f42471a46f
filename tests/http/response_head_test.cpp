#include "orggate/http/response_head.hpp"

#include "http/verdict.hpp"
#include "orggate/http/head_scan.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace orggate::http {

namespace {

// The bytes hold still as long as the head that looks at them.
struct HeldHead : ResponseHead {
    std::string raw;
};

Result<void> read(const std::string& text, HeldHead& head, std::string_view method = "GET")
{
    head.raw = text;
    HeadScan scan(HeadKind::response, HeadLimits{});
    const auto length = scan.feed(head.raw);
    // The scan's own refusals are another test's: a row here must reach the parser.
    REQUIRE(word(length) == "accepted");
    REQUIRE(*length == text.size());
    return read_response_head(head.raw, method, head);
}

std::string answer(
    std::string_view status, std::string_view fields, std::string_view version = "1.1")
{
    return "HTTP/" + std::string(version) + " " + std::string(status) + "\r\n" +
           std::string(fields) + "\r\n";
}

std::string ok(std::string_view fields, std::string_view version = "1.1")
{
    return answer("200 OK", fields, version);
}

std::string framing_word(Framing framing)
{
    switch (framing) {
        case Framing::none: return "none";
        case Framing::sized: return "sized";
        case Framing::chunked: return "chunked";
        case Framing::until_close: return "until_close";
    }
    return {};
}

struct Sent {
    std::string text;
    ClientFraming framing;
};

Sent send(const std::string& raw, const ClientHead& client = {}, std::string_view method = "GET")
{
    HeldHead head;
    REQUIRE(word(read(raw, head, method)) == "accepted");
    Sent sent;
    sent.framing = write_client_head(sent.text, head, method, client);
    return sent;
}

std::size_t count(std::string_view text, std::string_view part)
{
    std::size_t times = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1))
        ++times;
    return times;
}

}  // namespace

TEST_CASE("an answer's head is read into views of its own bytes")
{
    HeldHead head;
    REQUIRE(word(read(answer("404 Not here", "Server: a\r\nX:\r\nContent-Length: 5\r\n"), head)) ==
            "accepted");
    CHECK(head.status == 404);
    CHECK(head.minor_version == 1);
    CHECK(head.reason == "Not here");
    REQUIRE(head.fields.size() == 3);
    CHECK(head.find("SERVER") == "a");
    CHECK(head.find("absent").empty());
    CHECK(head.framing == Framing::sized);
    CHECK(head.content_length == 5);

    REQUIRE(word(read(answer("200 ", "A: b\r\n"), head)) == "accepted");
    CHECK(head.reason.empty());
    CHECK(head.fields.size() == 1);
    CHECK(head.content_length == 0);
}

TEST_CASE("a status line may end at its status")
{
    HeldHead head;
    REQUIRE(word(read(answer("204", "A: b\r\n", "1.0"), head)) == "accepted");
    CHECK(head.status == 204);
    CHECK(head.minor_version == 0);
    CHECK(head.reason.empty());
    REQUIRE(head.fields.size() == 1);
    CHECK(head.fields[0].value == "b");
    REQUIRE(word(read(answer("204", ""), head)) == "accepted");
    CHECK(head.fields.empty());
}

TEST_CASE("the body's framing follows from status, method and fields")
{
    struct {
        const char* name;
        std::string raw;
        std::string_view method;
        Framing framing;
        bool keep_alive;
        bool has_length = false;
        std::uint64_t length = 0;
    } const rows[] = {
        {"sized", ok("Content-Length: 5\r\n"), "GET", Framing::sized, true, true, 5},
        {"empty", ok("Content-Length: 0\r\n"), "GET", Framing::sized, true, true, 0},
        {"chunked", ok("Transfer-Encoding: chunked\r\n"), "GET", Framing::chunked, true},
        {"CHUNKED", ok("Transfer-Encoding: CHUNKED\r\n"), "GET", Framing::chunked, true},
        {"until the close", ok(""), "GET", Framing::until_close, false},
        {"HEAD", ok("Content-Length: 5\r\n"), "HEAD", Framing::none, true, true, 5},
        {"HEAD, chunked", ok("Transfer-Encoding: chunked\r\n"), "HEAD", Framing::none, true},
        {"HEAD, silent", ok(""), "HEAD", Framing::none, true},
        {"304", answer("304 x", ""), "GET", Framing::none, true},
        {"304 with a length", answer("304 x", "Content-Length: 5\r\n"), "GET", Framing::none, true,
            true, 5},
        {"204", answer("204 x", ""), "GET", Framing::none, true},
        {"204 with no length", answer("204 x", "Content-Length: 0\r\n"), "GET", Framing::none, true,
            true, 0},
        {"204 with a length", answer("204 x", "Content-Length: 5\r\n"), "GET", Framing::none, false,
            true, 5},
        {"204 chunked", answer("204 x", "Transfer-Encoding: chunked\r\n"), "GET", Framing::none,
            false},
        {"205 with a body", answer("205 x", "Content-Length: 5\r\n"), "GET", Framing::sized, true,
            true, 5},
        {"100", answer("100 Continue", ""), "GET", Framing::none, true},
        {"103 with no length", answer("103 x", "Content-Length: 0\r\n"), "GET", Framing::none, true,
            true, 0},
        {"101", answer("101 x", ""), "GET", Framing::none, false},
        {"says close", ok("Content-Length: 5\r\nConnection: Close\r\n"), "GET", Framing::sized,
            false, true, 5},
        {"says close in a list", ok("Content-Length: 5\r\nConnection: foo, close\r\n"), "GET",
            Framing::sized, false, true, 5},
        {"HTTP/1.0", ok("Content-Length: 5\r\n", "1.0"), "GET", Framing::sized, false, true, 5},
        {"HTTP/1.0 keep-alive", ok("Content-Length: 5\r\nConnection: Keep-Alive\r\n", "1.0"), "GET",
            Framing::sized, true, true, 5},
        {"HTTP/1.0 keep-alive until the close", ok("Connection: keep-alive\r\n", "1.0"), "GET",
            Framing::until_close, false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        HeldHead head;
        REQUIRE(word(read(row.raw, head, row.method)) == "accepted");
        CHECK(framing_word(head.framing) == framing_word(row.framing));
        CHECK(head.keep_alive == row.keep_alive);
        CHECK(head.has_content_length == row.has_length);
        CHECK(head.content_length == row.length);
    }
}

TEST_CASE("an answer whose framing is unclear breaks the protocol")
{
    struct {
        const char* name;
        std::string raw;
        std::string_view method = "GET";
    } const rows[] = {
        {"length and coding", ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")},
        {"coding and length", ok("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")},
        {"unknown coding and length", ok("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n")},
        {"two lengths", ok("Content-Length: 5\r\nContent-Length: 6\r\n")},
        {"same length twice", ok("Content-Length: 5\r\nContent-Length: 5\r\n")},
        {"list of lengths", ok("Content-Length: 5, 5\r\n")},
        {"bad length", ok("Content-Length: +5\r\n")},
        {"empty length", ok("Content-Length:\r\n")},
        {"length of 2^63", ok("Content-Length: 9223372036854775808\r\n")},
        {"chunked twice", ok("Transfer-Encoding: chunked, chunked\r\n")},
        {"two codings", ok("Transfer-Encoding: gzip, chunked\r\n")},
        {"unknown coding", ok("Transfer-Encoding: gzip\r\n")},
        {"coding with junk", ok("Transfer-Encoding: chunked\xff\r\n")},
        {"two coding fields", ok("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")},
        {"coding in HTTP/1.0", ok("Transfer-Encoding: chunked\r\n", "1.0")},
        {"bad length on HEAD", ok("Content-Length: x\r\n"), "HEAD"},
        {"both on HEAD", ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "HEAD"},
        {"interim answer with a length", answer("103 x", "Content-Length: 5\r\n")},
        {"interim answer, chunked", answer("100 x", "Transfer-Encoding: chunked\r\n")},
        {"101 with a length", answer("101 x", "Content-Length: 5\r\n")},
        {"Connection that is no list", ok("Connection: a b\r\n")},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        HeldHead head;
        CHECK(word(read(row.raw, head, row.method)) == "upstream_protocol");
    }
    for (const std::string_view raw :
        {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200\r\nA: b\r\n",
            "HTTP/1.1 200 OK\r\n\r\nbehind", "HTTP/9.1 200 OK\r\n\r\n", "HTTP/9.1 200\r\n\r\n"}) {
        CAPTURE(raw);
        HeldHead head;
        CHECK(word(read_response_head(raw, "GET", head)) == "upstream_protocol");
    }
}

TEST_CASE("only a complete 101 switches to WebSocket")
{
    const std::string accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    const std::string upgrade = "Upgrade: WebSocket\r\n", connection = "Connection: upgrade\r\n";
    struct {
        const char* name;
        std::string raw;
        bool switches;
    } const rows[] = {
        {"complete", answer("101 x", upgrade + connection + accept), true},
        {"no Upgrade", answer("101 x", connection + accept), false},
        {"another protocol", answer("101 x", "Upgrade: h2c\r\n" + connection + accept), false},
        {"no Connection", answer("101 x", upgrade + accept), false},
        {"no accept", answer("101 x", upgrade + connection), false},
        {"accept twice", answer("101 x", upgrade + connection + accept + accept), false},
        {"200", answer("200 x", upgrade + connection + accept), false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        HeldHead head;
        REQUIRE(word(read(row.raw, head)) == "accepted");
        CHECK(head.switches_to_websocket == row.switches);
        CHECK(head.websocket_accept == (row.switches ? "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" : ""));
    }
}

TEST_CASE("a client gets the answer's fields under our own framing")
{
    struct {
        const char* name;
        std::string raw;
        ClientHead client;
        std::string text;
        Framing framing;
        bool keep_alive;
        std::string_view method = "GET";
    } const rows[] = {
        {"sized", ok("Server: a\r\nContent-Length: 005\r\n"), {},
            ok("Server: a\r\nContent-Length: 5\r\n"), Framing::sized, true},
        {"chunked", ok("A: b\r\nTransfer-Encoding: CHUNKED\r\nC: d\r\n"), {},
            ok("A: b\r\nC: d\r\nTransfer-Encoding: chunked\r\n"), Framing::chunked, true},
        {"until the close", ok("A: b\r\n"), {}, ok("A: b\r\nTransfer-Encoding: chunked\r\n"),
            Framing::chunked, true},
        {"chunked to HTTP/1.0", ok("Transfer-Encoding: chunked\r\n"), {.client_minor_version = 0},
            ok("Connection: close\r\n"), Framing::until_close, false},
        {"until the close to HTTP/1.0", ok(""), {.client_minor_version = 0},
            ok("Connection: close\r\n"), Framing::until_close, false},
        {"sized to HTTP/1.0", ok("Content-Length: 5\r\n"), {.client_minor_version = 0},
            ok("Content-Length: 5\r\nConnection: close\r\n"), Framing::sized, false},
        {"HTTP/1.0 from the upstream", ok("Content-Length: 5\r\n", "1.0"), {},
            ok("Content-Length: 5\r\n"), Framing::sized, true},
        {"we close", ok("Content-Length: 5\r\n"), {.keep_alive = false},
            ok("Content-Length: 5\r\nConnection: close\r\n"), Framing::sized, false},
        {"we close, chunked", ok(""), {.keep_alive = false},
            ok("Transfer-Encoding: chunked\r\nConnection: close\r\n"), Framing::chunked, false},
        {"HEAD keeps the length", ok("Content-Length: 5\r\n"), {}, ok("Content-Length: 5\r\n"),
            Framing::none, true, "HEAD"},
        {"HEAD without one", ok("Transfer-Encoding: chunked\r\n"), {}, ok(""), Framing::none, true,
            "HEAD"},
        {"204", answer("204 x", "Content-Length: 0\r\n"), {}, answer("204 x", ""), Framing::none,
            true},
        {"304", answer("304 x", "ETag: \"a\"\r\nContent-Length: 5\r\n"), {},
            answer("304 x", "ETag: \"a\"\r\n"), Framing::none, true},
        {"HEAD and 304", answer("304 x", "Content-Length: 5\r\n"), {}, answer("304 x", ""),
            Framing::none, true, "HEAD"},
        {"no reason", answer("200", "Content-Length: 0\r\n"), {},
            answer("200 ", "Content-Length: 0\r\n"), Framing::sized, true},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const Sent sent = send(row.raw, row.client, row.method);
        CHECK(sent.text == row.text);
        CHECK(framing_word(sent.framing.framing) == framing_word(row.framing));
        CHECK(sent.framing.keep_alive == row.keep_alive);
    }
}

TEST_CASE("what belongs to the upstream's connection goes no further")
{
    const std::string hops = "Connection: close, X-Hop, x-other\r\nKeep-Alive: timeout=5\r\n"
                             "Proxy-Connection: x\r\nProxy-Authenticate: x\r\nTE: x\r\n"
                             "Trailer: X\r\nUpgrade: h2c\r\nx-hop: 1\r\nX-Other: 2\r\n"
                             "Transfer_Encoding: chunked\r\n";
    const Sent sent = send(ok(hops + "Content-Length: 0\r\nKept: yes\r\n"));
    CHECK(sent.text == ok("Kept: yes\r\nContent-Length: 0\r\n"));

    const Sent unnamed = send(ok("X-Hop: 1\r\nContent-Length: 0\r\n"));
    CHECK(unnamed.text == ok("X-Hop: 1\r\nContent-Length: 0\r\n"));
}

TEST_CASE("our names are ours in answers too")
{
    const Sent sent = send(ok("X-Org-Id: org_1\r\nx-user-id: u\r\nX_Org_Role: r\r\n"
                              "X-Request-Id: theirs\r\nContent-Length: 0\r\n"),
        {.quota_fields = "RateLimit: x\r\n", .request_id = "ours"});
    CHECK(sent.text == ok("X-Request-Id: ours\r\nRateLimit: x\r\nContent-Length: 0\r\n"));

    HeaderNames names;
    names.renamed[Identity::org_id] = "X-Tenant";
    const std::string raw = ok("X-Tenant: t\r\nX-Org-Id: o\r\nContent-Length: 0\r\n");
    CHECK(send(raw, {.names = &names}).text == ok("Content-Length: 0\r\n"));
    CHECK(send(raw).text == ok("X-Tenant: t\r\nContent-Length: 0\r\n"));
}

TEST_CASE("the app's own word about limits stands beside ours, and is never loosened")
{
    const std::string ours = "RateLimit-Policy: \"api\";q=100;w=60\r\nRateLimit: \"api\";r=9\r\n"
                             "X-RateLimit-Limit: 100\r\nX-RateLimit-Remaining: 9\r\n"
                             "X-RateLimit-Reset: 1700000060\r\n";
    const Sent sent = send(ok("ratelimit: \"app\";r=3\r\nX-RateLimit-Limit: 50\r\n"
                              "x-ratelimit-remaining: 3\r\nX-RateLimit-Reset: 7\r\nA: b\r\n"
                              "Retry-After: 4\r\nContent-Length: 0\r\n"),
        {.quota_fields = ours});
    CHECK(sent.text == ok("A: b\r\nRetry-After: 4\r\nRateLimit-Policy: \"api\";q=100;w=60\r\n"
                          "RateLimit: \"app\";r=3\r\nRateLimit: \"api\";r=9\r\n"
                          "X-RateLimit-Limit: 50\r\nx-ratelimit-remaining: 3\r\n"
                          "X-RateLimit-Reset: 7\r\nContent-Length: 0\r\n"));
    // Without limits of ours, an answer passes as it is.
    const std::string raw = ok("RateLimit: what, ever\r\nContent-Length: 0\r\n");
    CHECK(send(raw).text == raw);
    // Removed where Connection says so, and then ours alone stand.
    CHECK(send(ok("Connection: RateLimit\r\nRateLimit: \"api\";r=3\r\nContent-Length: 0\r\n"),
              {.quota_fields = "RateLimit: \"api\";r=9\r\n"})
              .text == ok("RateLimit: \"api\";r=9\r\nContent-Length: 0\r\n"));
}

TEST_CASE("a redirect is not told that nothing is left, other answers are")
{
    const std::string_view ours = "RateLimit-Policy: \"a\";q=1;w=1\r\nRateLimit: \"a\";r=0;t=1\r\n";
    for (const auto& [status, is_told] : std::initializer_list<std::pair<std::string_view, bool>>{
             {"301 x", false}, {"302 x", false}, {"303 x", false}, {"307 x", false},
             {"308 x", false}, {"304 x", true}, {"200 x", true}, {"404 x", true}}) {
        CAPTURE(status);
        const Sent sent = send(answer(status, "Content-Length: 0\r\n"), {.quota_fields = ours});
        CHECK(count(sent.text, "RateLimit: ") == (is_told ? 1 : 0));
        CHECK(count(sent.text, "RateLimit-Policy: ") == 1);
    }
}

TEST_CASE("scripts may read our names where the app lets them read its answer")
{
    const std::string line = "Access-Control-Expose-Headers: X-Request-Id, RateLimit\r\n";
    const std::string cors = "access-control-allow-origin: https://a.example\r\n"
                             "Access-Control-Expose-Headers: X-Total\r\n";
    CHECK(send(ok(cors + "Content-Length: 0\r\n"), {.exposed_fields = line}).text ==
          ok(cors + line + "Content-Length: 0\r\n"));
    CHECK(send(ok("Content-Length: 0\r\n"), {.exposed_fields = line}).text ==
          ok("Content-Length: 0\r\n"));
}

TEST_CASE("each Set-Cookie stays a line of its own")
{
    const std::string cookies = "Set-Cookie: a=b; Path=/\r\nset-cookie: c=d\r\n";
    CHECK(
        send(ok(cookies + "Content-Length: 0\r\n")).text == ok(cookies + "Content-Length: 0\r\n"));
}

TEST_CASE("an answer made for an identity is private unless the app says otherwise")
{
    const std::string_view added = "Cache-Control: private\r\nVary: Authorization, Cookie\r\n";
    struct {
        const char* name;
        std::string fields;
        bool identity_was_sent, is_added;
    } const rows[] = {
        {"silent", "", true, true},
        {"nobody's", "", false, false},
        {"says how", "Cache-Control: public, max-age=60\r\n", true, false},
        {"says when", "Expires: 0\r\n", true, false},
        {"says it the old way", "Pragma: no-cache\r\n", true, false},
        {"says it to us alone", "Connection: Cache-Control\r\nCache-Control: public\r\n", true,
            true},
        {"varies by itself", "Vary: Accept\r\n", true, true},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const Sent sent = send(
            ok(row.fields + "Content-Length: 0\r\n"), {.identity_was_sent = row.identity_was_sent});
        CHECK(count(sent.text, added) == (row.is_added ? 1 : 0));
    }
    CHECK(send(ok("Vary: Accept\r\nContent-Length: 0\r\n"), {.identity_was_sent = true}).text ==
          ok("Vary: Accept\r\n" + std::string(added) + "Content-Length: 0\r\n"));
}

TEST_CASE("a switch to WebSocket is written as a handshake's answer")
{
    const std::string fields = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                               "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: x\r\n";
    const Sent sent =
        send(answer("101 Switching Protocols",
                 "Upgrade: websocket\r\nConnection: Upgrade\r\n" + fields + "X-Org-Id: o\r\n"),
            {.request_id = "r"});
    CHECK(sent.text ==
          answer("101 Switching Protocols", fields + "X-Request-Id: r\r\nConnection: Upgrade\r\n"
                                                     "Upgrade: websocket\r\n"));
    CHECK(framing_word(sent.framing.framing) == "none");
}

TEST_CASE("an interim answer carries its fields and no framing")
{
    HeldHead head;
    REQUIRE(word(read(answer("103 Early Hints", "Link: </a>\r\nConnection: x\r\nX-Org-Id: o\r\n"
                                                "Content-Length: 0\r\nX: y\r\n"),
                head)) == "accepted");
    std::string text = "before";
    write_interim_head(text, head);
    CHECK(text == "before" + answer("103 Early Hints", "Link: </a>\r\n"));
}

TEST_CASE("the accept value is RFC 6455's")
{
    CHECK(websocket_accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("an answer without a date gets one, as any that is passed on must have")
{
    const Instant now{.wall = std::chrono::system_clock::time_point(Seconds{784'111'777})};
    const ClientHead dated{.now = now};
    struct Row {
        std::string name, raw;
        std::size_t times;
        std::string value;
    };
    const std::string ours = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    const std::string theirs = "Date: Mon, 02 Jan 2006 15:04:05 GMT\r\n";
    for (const auto& row : std::vector<Row>{
             {"none", answer("200 OK", "A: b\r\n"), 1, ours},
             {"an error", answer("500 Oh", ""), 1, ours},
             {"without a body", answer("304 Same", ""), 1, ours},
             {"its own", answer("200 OK", theirs), 1, theirs},
             {"in lower case", answer("200 OK", "date: x\r\n"), 0, "date: x\r\n"},
             {"one that does not travel", answer("200 OK", theirs + "Connection: date\r\n"), 1,
                 ours},
             {"a name like it", answer("200 OK", "X-Date: y\r\n"), 2, ours},
             {"a handshake's",
                 answer("101 Go", "Connection: upgrade\r\nUpgrade: websocket\r\n"
                                  "Sec-WebSocket-Accept: x\r\n"),
                 0, ""},
         }) {
        CAPTURE(row.name);
        const auto sent = send(row.raw, dated).text;
        CHECK(count(sent, "Date: ") == row.times);
        CHECK(sent.find(row.value) != sent.npos);
    }
    CHECK(count(send(answer("200 OK", "")).text, "Date: ") == 0);
}

}  // namespace orggate::http
