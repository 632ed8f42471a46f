#include "orggate/http/request_head.hpp"

#include "http/verdict.hpp"
#include "orggate/http/head_scan.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace orggate::http {

namespace {

// The bytes hold still as long as the head that looks at them.
struct HeldHead : RequestHead {
    std::string raw;
};

Result<void> read(const std::string& text, HeldHead& head)
{
    head.raw = text;
    HeadScan scan(HeadKind::request, HeadLimits{});
    const auto length = scan.feed(head.raw);
    // The scan's own refusals are another test's: a row here must reach the parser.
    REQUIRE(word(length) == "accepted");
    REQUIRE(*length == text.size());
    return read_request_head(head.raw, head);
}

std::string post(std::string_view fields, std::string_view version = "1.1")
{
    return "POST /1 HTTP/" + std::string(version) + "\r\nHost: a\r\n" + std::string(fields) +
           "\r\n";
}

std::string with_host(std::string_view host)
{
    return "GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n";
}

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";

std::string websocket(std::string_view more = "", std::string_view key_field = "",
    std::string_view version = "Sec-WebSocket-Version: 13\r\n",
    std::string_view connection = "Connection: Upgrade\r\n",
    std::string_view start = "GET /chat HTTP/1.1")
{
    const std::string good_key = "Sec-WebSocket-Key: " + std::string(key) + "\r\n";
    return std::string(start) + "\r\nHost: a\r\nUpgrade: websocket\r\n" + std::string(connection) +
           (key_field.empty() ? good_key : std::string(key_field)) + std::string(version) +
           std::string(more) + "\r\n";
}

struct Row {
    const char* name;
    std::string raw;
    Denial expected = accepted;
};

void check_rows(const std::vector<Row>& rows)
{
    HeldHead head;
    for (const Row& row : rows) {
        CAPTURE(row.name);
        CHECK(word(read(row.raw, head)) == word(row.expected));
    }
}

}  // namespace

TEST_CASE("a request is read into views of its own bytes")
{
    HeldHead head;
    const std::string raw = "PUT /a?b=c HTTP/1.1\r\nhost:  Example.com:8080 \r\nX:\r\n"
                            "Authorization: Bearer t\r\nCookie: a=b\r\nContent-Length: 5\r\n\r\n";
    REQUIRE(word(read(raw, head)) == "accepted");
    CHECK(head.method == "PUT");
    CHECK(head.target == "/a?b=c");
    CHECK(head.minor_version == 1);
    CHECK(head.host == "Example.com:8080");
    CHECK(head.authorization == "Bearer t");
    CHECK(head.cookies == "a=b");
    CHECK(head.body == BodyKind::sized);
    CHECK(head.content_length == 5);
    CHECK(head.keep_alive);
    CHECK_FALSE(head.expects_continue);
    CHECK_FALSE(head.is_websocket);
    REQUIRE(head.fields.size() == 5);
    CHECK(head.fields[0].name == "host");
    CHECK(head.fields[1].value.empty());
    CHECK(head.find("COOKIE") == "a=b");
    CHECK(head.find("absent").empty());
    CHECK(head.has("x"));
    CHECK_FALSE(head.has("y"));
    for (const Field& field : head.fields) {
        CHECK(field.name.data() >= head.raw.data());
        CHECK(field.value.data() <= head.raw.data() + head.raw.size());
    }
}

TEST_CASE("a head that is used again keeps nothing of the last request")
{
    HeldHead head;
    REQUIRE(word(read(websocket("Cookie: a\r\nCookie: b\r\nAuthorization: x\r\n"), head)) ==
            "accepted");
    REQUIRE(word(read(post("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n"), head)) ==
            "accepted");
    CHECK(head.expects_continue);
    CHECK_FALSE(head.is_websocket);
    CHECK(head.websocket_key.empty());
    REQUIRE(word(read("GET / HTTP/1.0\r\nHost: b\r\n\r\n", head)) == "accepted");
    CHECK(head.fields.size() == 1);
    CHECK(head.minor_version == 0);
    CHECK(head.body == BodyKind::none);
    CHECK_FALSE(head.authorization);
    CHECK(head.cookies.empty());
    CHECK(head.joined_cookies.empty());
    CHECK_FALSE(head.keep_alive);
    CHECK_FALSE(head.expects_continue);
}

TEST_CASE("the methods of the web pass and all others are refused")
{
    for (const std::string_view method :
        {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
        CAPTURE(method);
        HeldHead head;
        CHECK(
            word(read(std::string(method) + " / HTTP/1.1\r\nHost: a\r\n\r\n", head)) == "accepted");
        CHECK(head.is_get_or_head() == (method == "GET" || method == "HEAD"));
    }
    for (const std::string_view method : {"get", "SLUDGE", "PROPFIND", "GETT", "GE", "!"}) {
        CAPTURE(method);
        HeldHead head;
        CHECK(word(read(std::string(method) + " / HTTP/1.1\r\nHost: a\r\n\r\n", head)) ==
              "method_refused");
    }
}

TEST_CASE("Host is exactly one and names one host")
{
    check_rows({
        {"none", "GET / HTTP/1.1\r\n\r\n", Denial::bad_host},
        {"none in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", Denial::bad_host},
        {"two", with_host("a\r\nHost: b"), Denial::bad_host},
        {"the same twice", with_host("a\r\nhost: a"), Denial::bad_host},
        {"empty", with_host(""), Denial::bad_host},
        {"blanks", with_host(" \t"), Denial::bad_host},
        {"a list", with_host("a, b"), Denial::bad_host},
        {"user information", with_host("a@b"), Denial::bad_host},
        {"a path", with_host("a/b"), Denial::bad_host},
        {"bad port", with_host("a:99999"), Denial::bad_host},
        {"obs-text", with_host("caf\xc3\xa9"), Denial::bad_host},
        {"a name", with_host("app.example.com")},
        {"a name and a port", with_host("app.example.com:8443")},
        {"IPv6", with_host("[::1]:8080")},
    });
}

TEST_CASE("Content-Length is one field of digits below 2^63")
{
    const auto length = [](std::string_view value) {
        return post("Content-Length: " + std::string(value) + "\r\n");
    };
    check_rows({
        {"zero", length("0")},
        {"leading zeros", length("005")},
        {"many leading zeros", length(repeat("0", 60) + "5")},
        {"largest", length("9223372036854775807")},
        {"2^63", length("9223372036854775808"), Denial::bad_content_length},
        {"2^64", length("18446744073709551616"), Denial::bad_content_length},
        {"100 digits", length(repeat("9", 100)), Denial::bad_content_length},
        {"same twice", post("Content-Length: 5\r\nContent-Length: 5\r\n"),
            Denial::bad_content_length},
        {"two", post("Content-Length: 0\r\nContent-Length: 31\r\n"), Denial::bad_content_length},
        {"empty then one", post("Content-Length:\r\nContent-Length: 5\r\n"),
            Denial::bad_content_length},
        {"list of equals", length("5, 5"), Denial::bad_content_length},
        {"plus", length("+5"), Denial::bad_content_length},
        {"minus", length("-5"), Denial::bad_content_length},
        {"minus zero", length("-0"), Denial::bad_content_length},
        {"hex", length("0x5"), Denial::bad_content_length},
        {"two numbers", length("5 5"), Denial::bad_content_length},
        {"letter", length("5a"), Denial::bad_content_length},
        {"empty", length(""), Denial::bad_content_length},
        {"quoted", length("\"5\""), Denial::bad_content_length},
        {"parameter", length("5;q=1"), Denial::bad_content_length},
        {"comma behind", length("5,"), Denial::bad_content_length},
        {"comma before", length(",5"), Denial::bad_content_length},
        {"fraction", length("5.0"), Denial::bad_content_length},
        {"underscore", length("1_0"), Denial::bad_content_length},
        {"no-break space", length("5\xa0"), Denial::bad_content_length},
    });
}

TEST_CASE("Transfer-Encoding is exactly one chunked, on HTTP/1.1, without a length")
{
    const auto coding = [](std::string_view value, std::string_view version = "1.1") {
        return post("Transfer-Encoding: " + std::string(value) + "\r\n", version);
    };
    const Denial bad = Denial::bad_transfer_encoding;
    const Denial unsupported = Denial::coding_unsupported;
    check_rows({
        {"chunked", coding("chunked")},
        {"CHUNKED", coding("CHUNKED")},
        {"blanks around", coding("\t chunked \t")},
        {"with a length behind", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
            Denial::bad_content_length},
        {"with a length before", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), bad},
        {"unknown with a length behind",
            post("Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n"), bad},
        {"chunked twice with a length behind",
            post("Transfer-Encoding: chunked, chunked\r\nContent-Length: 5\r\n"), bad},
        {"in HTTP/1.0", coding("chunked", "1.0"), bad},
        {"in HTTP/1.0, kept alive",
            post("Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n", "1.0"), bad},
        {"unknown in HTTP/1.0", coding("gzip", "1.0"), bad},
        {"two fields", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), bad},
        {"gzip, then chunked", post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
            bad},
        {"chunked, then identity",
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), bad},
        {"identity", coding("identity"), unsupported},
        {"unknown", coding("xchunked"), unsupported},
        {"gzip and chunked", coding("gzip, chunked"), unsupported},
        {"chunked and identity", coding("chunked, identity"), unsupported},
        {"chunked twice", coding("chunked, chunked"), bad},
        {"empty", coding(""), bad},
        {"quoted", coding("\"chunked\""), bad},
        {"no comma", coding("gzip chunked"), bad},
        {"junk first", coding("@ chunked"), bad},
        {"obs-text behind", coding("chunked\xff"), bad},
        {"no-break space before",
            coding("\xa0"
                   "chunked"),
            bad},
        {"word behind", coding("chunked foo"), bad},
        {"parameter", coding("chunked;a=b"), bad},
        {"equals", coding("chunked=1"), bad},
        {"empty parameters", coding("chunked;;"), bad},
        {"leading comma", coding(", chunked"), bad},
        {"trailing comma", coding("chunked,"), bad},
        {"junk last", coding("chunked, @"), bad},
        {"other coding and a trailing comma", coding("gzip,"), bad},
    });
}

TEST_CASE("the body's kind follows from the fields alone, whatever the method")
{
    HeldHead head;
    REQUIRE(
        word(read("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", head)) == "accepted");
    CHECK(head.body == BodyKind::sized);
    CHECK(head.content_length == 5);
    REQUIRE(word(read("HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", head)) ==
            "accepted");
    CHECK(head.body == BodyKind::chunked);
    REQUIRE(word(read(post(""), head)) == "accepted");
    CHECK(head.body == BodyKind::none);
    REQUIRE(word(read(post("Content-Length: 007\r\n", "1.0"), head)) == "accepted");
    CHECK(head.content_length == 7);
}

TEST_CASE("other spellings of our fields and of framing fields are refused")
{
    check_rows({
        {"our own name", post("X-Org-Id: evil\r\nx-user-ID: evil\r\n")},
        {"underscores", post("X_Org_Id: evil\r\n"), Denial::field_alias},
        {"dots", post("X.Org.Id: evil\r\n"), Denial::field_alias},
        {"other characters", post("X|Org~Id: evil\r\n"), Denial::field_alias},
        {"framing", post("Transfer-Encoding: chunked\r\nContent_Length: 5\r\n"),
            Denial::field_alias},
        {"framing the other way", post("Transfer_Encoding: chunked\r\nContent-Length: 5\r\n"),
            Denial::field_alias},
        {"an alias of nothing", post("My_Field: x\r\n")},
    });
}

TEST_CASE("Connection may not name what the app relies on")
{
    const auto connection = [](std::string_view value) {
        return post("Connection: " + std::string(value) + "\r\n");
    };
    const Denial refused = Denial::protected_in_connection;
    check_rows({
        {"keep-alive", connection("keep-alive")},
        {"any other field", connection("close, X-Whatever, Accept")},
        {"hop-by-hop names", connection("Keep-Alive, TE, Upgrade, HTTP2-Settings")},
        {"empty members", connection(", close,")},
        {"our field", connection("close, X-Org-Id, X-User-Id"), refused},
        {"our field in other case", connection("x-oRG-iD"), refused},
        {"an alias of it", connection("x_org_id"), refused},
        {"Authorization", connection("Authorization"), refused},
        {"Cookie", connection("close,Cookie"), refused},
        {"Host", connection("host"), refused},
        {"Content-Length", post("Connection: Content-Length\r\nContent-Length: 5\r\n"), refused},
        {"Transfer-Encoding", connection("transfer-encoding"), refused},
        {"X-Forwarded-For", connection("X-Forwarded-For"), refused},
        {"in a second field", post("Connection: close\r\nConnection: X-Org-Role\r\n"), refused},
        {"no list", connection("keep alive"), Denial::bad_field_value},
        {"a quoted name", connection("\"X-Org-Id\""), Denial::bad_field_value},
    });
}

TEST_CASE("a connection stays open on HTTP/1.1 unless it says close")
{
    struct {
        const char* name;
        std::string raw;
        bool keep_alive;
    } const rows[] = {
        {"HTTP/1.1", post(""), true},
        {"HTTP/1.1 keep-alive", post("Connection: keep-alive\r\n"), true},
        {"HTTP/1.1 close", post("Connection: Close\r\n"), false},
        {"both", post("Connection: keep-alive, close\r\n"), false},
        {"close in a second field", post("Connection: foo\r\nConnection: close\r\n"), false},
        {"HTTP/1.0", post("", "1.0"), false},
        {"HTTP/1.0 keep-alive", post("Connection: keep-alive\r\n", "1.0"), false},
        {"another field", post("Proxy-Connection: close\r\n"), true},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        HeldHead head;
        REQUIRE(word(read(row.raw, head)) == "accepted");
        CHECK(head.keep_alive == row.keep_alive);
    }
}

TEST_CASE("credentials stand once, and cookies are joined")
{
    check_rows({
        {"Authorization once", post("Authorization: Bearer a\r\n")},
        {"twice", post("Authorization: Bearer a\r\nauthorization: Bearer a\r\n"),
            Denial::authorization_repeated},
        {"empty twice", post("Authorization:\r\nAuthorization:\r\n"),
            Denial::authorization_repeated},
    });
    HeldHead head;
    REQUIRE(word(read(post("Authorization:\r\n"), head)) == "accepted");
    CHECK(head.authorization == "");
    REQUIRE(
        word(read(post("Cookie: a=b\r\ncookie: c=d; e=f\r\nCOOKIE: g=h\r\n"), head)) == "accepted");
    CHECK(head.cookies == "a=b; c=d; e=f; g=h");
}

TEST_CASE("the one expectation is 100-continue")
{
    struct {
        const char* name;
        std::string raw;
        Denial expected;
        bool expects = false;
    } const rows[] = {
        {"with a length", post("Expect: 100-continue\r\nContent-Length: 5\r\n"), accepted, true},
        {"in other case", post("expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n"), accepted,
            true},
        {"nothing to wait for", post("Expect: 100-continue\r\n"), accepted, false},
        {"an empty body", post("Expect: 100-continue\r\nContent-Length: 0\r\n"), accepted, false},
        {"another", post("Expect: foo\r\n"), Denial::expectation_failed},
        {"obfuscated", post("Expect: y 100-continue\r\n"), Denial::expectation_failed},
        {"empty", post("Expect:\r\n"), Denial::expectation_failed},
        {"a list", post("Expect: 100-continue, 100-continue\r\n"), Denial::expectation_failed},
        {"twice", post("Expect: 100-continue\r\nExpect: 100-continue\r\n"),
            Denial::expectation_failed},
        {"in HTTP/1.0", post("Expect: 100-continue\r\nContent-Length: 5\r\n", "1.0"), accepted,
            false},
        {"another in HTTP/1.0", post("Expect: foo\r\n", "1.0"), accepted, false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        HeldHead head;
        CHECK(word(read(row.raw, head)) == word(row.expected));
        if (row.expected == accepted) CHECK(head.expects_continue == row.expects);
    }
}

TEST_CASE("a WebSocket handshake is complete or refused")
{
    const Denial bad = Denial::bad_upgrade;
    const std::string_view version = "Sec-WebSocket-Version: 13\r\n";
    const std::string_view connection = "Connection: Upgrade\r\n";
    const auto keyed = [](std::string_view value) {
        return websocket("", "Sec-WebSocket-Key: " + std::string(value) + "\r\n");
    };
    check_rows({
        {"complete", websocket()},
        {"lower-case token in a list",
            websocket("", "", version, "Connection: keep-alive, upgrade\r\n")},
        {"an empty body", websocket("Content-Length: 0\r\n")},
        {"with a body", websocket("Content-Length: 5\r\n"), bad},
        {"with a chunked body", websocket("Transfer-Encoding: chunked\r\n"), bad},
        {"POST", websocket("", "", version, connection, "POST / HTTP/1.1"), bad},
        {"HEAD", websocket("", "", version, connection, "HEAD / HTTP/1.1"), bad},
        {"Connection without upgrade", websocket("", "", version, "Connection: keep-alive\r\n"),
            bad},
        {"no Connection", websocket("", "", version, ""), bad},
        {"no version", websocket("", "", ""), bad},
        {"version 8", websocket("", "", "Sec-WebSocket-Version: 8\r\n"), bad},
        {"two versions", websocket("Sec-WebSocket-Version: 13\r\n"), bad},
        {"no key", websocket("", "X: y\r\n"), bad},
        {"two keys", websocket("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), bad},
        {"key of zero bytes", keyed("AAAAAAAAAAAAAAAAAAAAAA==")},
        {"key with plus and slash", keyed("+/+/+/+/+/+/+/+/+/+/+w==")},
        {"short key", keyed("dGhlIHNhbXBsZSBub25j"), bad},
        {"key of 17 bytes", keyed("dGhlIHNhbXBsZSBub25jZSE="), bad},
        {"key without padding", keyed("dGhlIHNhbXBsZSBub25jZQAA"), bad},
        {"key of another alphabet", keyed("dGhlIHNhbXBsZSBub2-_ZQ=="), bad},
        {"key with left-over bits", keyed("dGhlIHNhbXBsZSBub25jZR=="), bad},
    });

    HeldHead head;
    REQUIRE(word(read(websocket(), head)) == "accepted");
    CHECK(head.is_websocket);
    CHECK(head.websocket_key == key);
}

TEST_CASE("any other upgrade is served as if it had not been asked for")
{
    struct {
        const char* name;
        std::string raw;
    } const rows[] = {
        {"h2c",
            post(
                "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMA\r\n")},
        {"TLS", post("Upgrade: TLS/1.2\r\nConnection: Upgrade\r\n")},
        {"with a body", post("Upgrade: foo\r\nConnection: Upgrade\r\nContent-Length: 5\r\n")},
        {"a word like websocket", post("Upgrade: websockets\r\nConnection: Upgrade\r\n")},
        {"websocket on HTTP/1.0", websocket("", "", "Sec-WebSocket-Version: 13\r\n",
                                      "Connection: Upgrade\r\n", "GET / HTTP/1.0")},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        HeldHead head;
        REQUIRE(word(read(row.raw, head)) == "accepted");
        CHECK_FALSE(head.is_websocket);
    }
}

TEST_CASE("what is no head at all is refused without the scan too")
{
    for (const std::string_view raw :
        {"", "GET", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nbehind", "\n\n", "GET / HTTP/3.1\r\n\r\n"}) {
        CAPTURE(raw);
        HeldHead head;
        CHECK(word(read_request_head(raw, head)) == "bad_request_line");
    }
}

}  // namespace orggate::http
