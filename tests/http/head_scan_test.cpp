#include "orggate/http/head_scan.hpp"

#include "http/verdict.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace orggate::http {

namespace {

struct Scanned {
    Denial denial = accepted;
    std::size_t length = 0;  // 0: not complete

    bool operator==(const Scanned&) const = default;
};

Scanned scan(HeadScan& scan, const std::vector<std::string_view>& pieces)
{
    for (const auto piece : pieces) {
        const auto result = scan.feed(piece);
        if (!result) return {result.error(), 0};
        if (*result) return {accepted, **result};
    }
    return {};
}

std::vector<std::string_view> split_at(std::string_view text, std::size_t offset)
{
    return {text.substr(0, offset), text.substr(offset)};
}

std::vector<std::string_view> single_bytes(std::string_view text)
{
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < text.size(); ++i)
        bytes.push_back(text.substr(i, 1));
    return bytes;
}

// Whole, byte by byte and split at each offset: one verdict, or the test fails.
Scanned scan_every_way(HeadKind kind, std::string_view text, const HeadLimits& limits = {})
{
    HeadScan machine(kind, limits);
    const Scanned whole = scan(machine, {text});
    const auto check = [&](const std::vector<std::string_view>& pieces) {
        machine.reset();
        const Scanned again = scan(machine, pieces);
        CHECK(word(again.denial) == word(whole.denial));
        CHECK(again.length == whole.length);
    };
    check(single_bytes(text));
    for (std::size_t offset = 0; offset <= text.size(); ++offset)
        check(split_at(text, offset));
    return whole;
}

struct Row {
    const char* name;
    std::string head;
    Denial expected = accepted;
};

void check_rows(HeadKind kind, const std::vector<Row>& rows, const HeadLimits& limits = {})
{
    for (const Row& row : rows) {
        CAPTURE(row.name);
        const Scanned alone = scan_every_way(kind, row.head, limits);
        CHECK(word(alone.denial) == word(row.expected));
        if (row.expected == accepted) CHECK(alone.length == row.head.size());
    }
}

const std::string nul(1, '\0');

std::string get(std::string_view fields)
{
    return "GET / HTTP/1.1\r\n" + std::string(fields) + "\r\n";
}

}  // namespace

TEST_CASE("a well-formed request head is accepted with its exact length")
{
    check_rows(HeadKind::request,
        {
            {"no fields", "GET / HTTP/1.1\r\n\r\n"},
            {"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"},
            {"one field", get("Host: a\r\n")},
            {"many fields", get("Host: a\r\nAccept: */*\r\nCookie: a=b; c=d\r\n")},
            {"empty value", get("X:\r\n")},
            {"value of blanks", get("X: \t \r\n")},
            {"tab inside a value", get("X: a\tb\r\n")},
            {"obs-text in a value", get("X: caf\xc3\xa9\r\n")},
            {"every tchar in a name", get("!#$%&'*+-.^_`|~09azAZ: x\r\n")},
            {"unknown method", "SLUDGE / HTTP/1.1\r\n\r\n"},
            {"odd target characters", "GET /a\"<>[]^`{|}\\#? HTTP/1.1\r\n\r\n"},
            {"asterisk", "OPTIONS * HTTP/1.1\r\n\r\n"},
            {"a method that begins as TRACE", "TRACER / HTTP/1.1\r\n\r\n"},
            {"lower-case trace is another method", "trace / HTTP/1.1\r\n\r\n"},
            {"method of 32 bytes", repeat("M", 32) + " / HTTP/1.1\r\n\r\n"},
        });
}

TEST_CASE("a request line that two parsers could read differently is refused")
{
    check_rows(HeadKind::request,
        {
            {"TLS hello", "\x16\x03\x01\x02" + nul + "\x01" + nul, Denial::not_http},
            {"TLS hello's first byte", "\x16", Denial::not_http},
            {"PROXY v2", "\r\n\r\n" + nul + "\r\nQUIT\n", Denial::not_http},
            {"empty line first", "\r\nGET / HTTP/1.1\r\n\r\n", Denial::not_http},
            {"line feed first", "\nGET / HTTP/1.1\r\n\r\n", Denial::not_http},
            {"blank first", " GET / HTTP/1.1\r\n\r\n", Denial::not_http},
            {"NUL first", nul, Denial::not_http},
            {"obs-text first", "\xff", Denial::not_http},
            {"PROXY v1", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", Denial::bad_request_line},
            {"equals sign in the method", "G=T / HTTP/1.1\r\n\r\n", Denial::bad_request_line},
            {"NUL in the method", "G" + nul + "T / HTTP/1.1\r\n\r\n", Denial::bad_request_line},
            {"two blanks", "GET  / HTTP/1.1\r\n\r\n", Denial::bad_request_line},
            {"empty target", "GET  HTTP/1.1\r\n\r\n", Denial::bad_request_line},
            {"two blanks before the version", "GET /  HTTP/1.1\r\n\r\n", Denial::bad_request_line},
            {"tabs", "GET\t/\tHTTP/1.1\r\n\r\n", Denial::bad_request_line},
            {"tab after the target", "GET /\tHTTP/1.1\r\n\r\n", Denial::bad_request_line},
            {"blank in the target", "GET /a b HTTP/1.1\r\n\r\n", Denial::bad_request_line},
            {"blank after the version", "GET / HTTP/1.1 \r\n\r\n", Denial::bad_request_line},
            {"NUL in the target", "GET /" + nul + " HTTP/1.1\r\n\r\n", Denial::bad_request_line},
            {"DEL in the target", "GET /\x7f HTTP/1.1\r\n\r\n", Denial::bad_request_line},
            {"obs-text in the target", "GET /\xc3\xa9 HTTP/1.1\r\n\r\n", Denial::bad_request_line},
            {"no version", "GET /\r\n\r\n", Denial::bad_request_line},
            {"method alone", "GET\r\n\r\n", Denial::bad_request_line},
            {"line feed ends the method", "GET\n", Denial::bare_lf},
            {"line feed ends the target", "GET /\n", Denial::bare_lf},
            {"line feed in the version", "GET / HTTP/\n", Denial::bare_lf},
            {"line feed ends the line", "GET / HTTP/1.1\nHost: a\n\n", Denial::bare_lf},
            {"carriage return alone", "GET / HTTP/1.1\rHost: a\r\n\r\n", Denial::bare_cr},
            {"two carriage returns", "GET / HTTP/1.1\r\r\n\r\n", Denial::bare_cr},
            {"method of 33 bytes", repeat("M", 33) + " / HTTP/1.1\r\n\r\n", Denial::method_refused},
            {"method that never ends", repeat("M", 9000), Denial::method_refused},
        });
}

TEST_CASE("other versions and refused methods have answers of their own")
{
    check_rows(HeadKind::request,
        {
            {"HTTP/2.0", "GET / HTTP/2.0\r\n\r\n", Denial::version_unsupported},
            {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Denial::version_unsupported},
            {"HTTP/1.2", "GET / HTTP/1.2\r\n\r\n", Denial::version_unsupported},
            {"HTTP/0.9", "GET / HTTP/0.9\r\n\r\n", Denial::version_unsupported},
            {"HTTP/0.1", "GET / HTTP/0.1\r\n\r\n", Denial::version_unsupported},
            {"HTTP/1.10", "GET / HTTP/1.10\r\n\r\n", Denial::bad_request_line},
            {"HTTP/11", "GET / HTTP/11\r\n\r\n", Denial::bad_request_line},
            {"lower case", "GET / http/1.1\r\n\r\n", Denial::bad_request_line},
            {"letters", "GET / HTTP/x.y\r\n\r\n", Denial::bad_request_line},
            {"TRACE", "TRACE / HTTP/1.1\r\n\r\n", Denial::method_refused},
            {"CONNECT", "CONNECT b:443 HTTP/1.1\r\n\r\n", Denial::method_refused},
            {"CONNECT with a bad target", "CONNECT \x01", Denial::method_refused},
        });
}

TEST_CASE("a field line that two parsers could read differently is refused")
{
    check_rows(HeadKind::request,
        {
            {"blank before the colon", get("Host : a\r\n"), Denial::bad_field_name},
            {"tab before the colon", get("Host\t: a\r\n"), Denial::bad_field_name},
            {"blank before the first name", get(" Host: a\r\n"), Denial::bad_field_name},
            {"empty name", get("Host: a\r\n: x\r\n"), Denial::bad_field_name},
            {"no colon", get("Host: a\r\nNoColon\r\n"), Denial::bad_field_name},
            {"blank in a name", get("X Y: a\r\n"), Denial::bad_field_name},
            {"NUL in a name", get("X" + nul + ": a\r\n"), Denial::bad_field_name},
            {"NUL begins a name", get(nul + "X: a\r\n"), Denial::bad_field_name},
            {"obs-text in a name", get("X\x80: a\r\n"), Denial::bad_field_name},
            {"NUL in a value", get("X: a" + nul + "b\r\n"), Denial::bad_field_value},
            {"vertical tab in a value", get("X: a\vb\r\n"), Denial::bad_field_value},
            {"form feed in a value", get("X: a\fb\r\n"), Denial::bad_field_value},
            {"DEL in a value", get("X: a\x7f\r\n"), Denial::bad_field_value},
            {"line feed ends a value", get("X: a\nHost: a\r\n"), Denial::bare_lf},
            {"line feed ends a name", get("X\n"), Denial::bare_lf},
            {"line feed ends the head", get("X: a\r\n\n"), Denial::bare_lf},
            {"carriage return in a value", get("X: a\rb\r\n"), Denial::bare_cr},
            {"two carriage returns end a line", get("Host: a\r\r\n"), Denial::bare_cr},
            {"carriage return instead of the end", get("Host: a\r\n\rX"), Denial::bare_cr},
            {"folded with a blank", get("X: a\r\n b\r\n"), Denial::obs_fold},
            {"folded with a tab", get("X: a\r\n\tb\r\n"), Denial::obs_fold},
            {"folded after nothing", get("X:\r\n \r\n evil\r\n"), Denial::obs_fold},
            {"folded framing", get("Transfer-Encoding:\r\n chunked\r\n"), Denial::obs_fold},
        });
}

TEST_CASE("each limit holds at its value and refuses one past it")
{
    const HeadLimits small{
        .head = 120, .field = 30, .credential_field = 50, .fields = 3, .target = 10};
    const auto field = [](std::string_view name, std::size_t line) {
        return std::string(name) + ":" + repeat("v", line - name.size() - 1) + "\r\n";
    };
    const auto target = [](std::size_t size) {
        return "GET /" + repeat("t", size - 1) + " HTTP/1.1\r\n\r\n";
    };
    check_rows(HeadKind::request,
        {
            {"target at the limit", target(10)},
            {"target past it", target(11), Denial::target_too_long},
            {"field at the limit", get(field("X", 30))},
            {"field past it", get(field("X", 31)), Denial::head_too_large},
            {"name at the limit", get(repeat("n", 29) + ":\r\n")},
            {"colon past it", get(repeat("n", 30) + ":\r\n"), Denial::head_too_large},
            {"name past it", get(repeat("n", 31) + ":\r\n"), Denial::head_too_large},
            {"Cookie at the credential limit", get(field("Cookie", 50))},
            {"Cookie past it", get(field("Cookie", 51)), Denial::head_too_large},
            {"COOKIE at the credential limit", get(field("COOKIE", 50))},
            {"Authorization at the credential limit", get(field("authorization", 50))},
            {"Authorization past it", get(field("Authorization", 51)), Denial::head_too_large},
            {"Set-Cookie at the credential limit", get(field("Set-Cookie", 50))},
            {"Set-Cookie past it", get(field("Set-Cookie", 51)), Denial::head_too_large},
            {"a name like Cookie", get(field("Cookie2", 31)), Denial::head_too_large},
            {"a name that begins as Authorization", get(field("Authorization-Info-X", 31)),
                Denial::head_too_large},
            {"a credential's limit is not the next field's", get("Cookie: a\r\n" + field("X", 31)),
                Denial::head_too_large},
            {"fields at the limit", get("A:\r\nB:\r\nC:\r\n")},
            {"fields past it", get("A:\r\nB:\r\nC:\r\nD:\r\n"), Denial::too_many_fields},
        },
        small);

    // 18 bytes around the fields; the lines themselves stay under their limit.
    const auto head = [&](std::size_t size) {
        return get(field("X", 28) + field("Y", 28) + field("Z", size - 18 - 60 - 2));
    };
    HeadLimits tight = small;
    tight.head = 100;
    REQUIRE(head(100).size() == 100);
    check_rows(HeadKind::request,
        {
            {"head at the limit", head(100)},
            {"head past it", head(101), Denial::head_too_large},
            {"head that cannot end within it", head(101).substr(0, 100), Denial::head_too_large},
        },
        tight);
}

TEST_CASE("the default limits are those of the reference configuration")
{
    const auto verdict = [](const std::string& text) {
        HeadScan machine(HeadKind::request, HeadLimits{});
        return word(scan(machine, {text}).denial);
    };
    const auto line = [](std::string_view name, std::size_t kilobytes, std::size_t more = 0) {
        return std::string(name) + ":" + repeat("v", kilobytes * 1024 + more - name.size() - 1) +
               "\r\n";
    };
    CHECK(verdict(get(line("X", 8))) == "accepted");
    CHECK(verdict(get(line("X", 8, 1))) == "head_too_large");
    CHECK(verdict(get(line("Cookie", 17))) == "accepted");
    CHECK(verdict(get(line("Cookie", 17, 1))) == "head_too_large");
    CHECK(verdict("GET /" + repeat("t", 8191) + " HTTP/1.1\r\n\r\n") == "accepted");
    CHECK(verdict("GET /" + repeat("t", 8192) + " HTTP/1.1\r\n\r\n") == "target_too_long");
    CHECK(verdict(get(repeat("X:\r\n", 100))) == "accepted");
    CHECK(verdict(get(repeat("X:\r\n", 101))) == "too_many_fields");
    const std::size_t rest = 48 * 1024 - get(repeat(line("X", 8), 5)).size();
    CHECK(verdict(get(repeat(line("X", 8), 5) + line("X", 0, rest - 2))) == "accepted");
    CHECK(verdict(get(repeat(line("X", 8), 5) + line("X", 0, rest - 1))) == "head_too_large");
}

TEST_CASE("every byte is judged by its class wherever it stands")
{
    const std::string_view tchars = "!#$%&'*+-.^_`|~0123456789"
                                    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (unsigned code = 0; code < 256; ++code) {
        CAPTURE(code);
        const std::string byte(1, static_cast<char>(code));
        const auto passes = [](HeadKind kind, const std::string& text) {
            HeadScan machine(kind, HeadLimits{});
            return scan(machine, {text}).length == text.size();
        };
        const bool is_tchar = tchars.find(byte) != tchars.npos;
        const bool is_visible = code >= 0x21 && code <= 0x7e;
        const bool is_text = is_visible || code == ' ' || code == '\t' || code >= 0x80;
        CHECK(passes(HeadKind::request, "G" + byte + "T / HTTP/1.1\r\n\r\n") == is_tchar);
        CHECK(passes(HeadKind::request, "GET /" + byte + "t HTTP/1.1\r\n\r\n") == is_visible);
        CHECK(passes(HeadKind::request, get("A" + byte + "b: v\r\n")) == (is_tchar || byte == ":"));
        CHECK(passes(HeadKind::request, get("A: v" + byte + "v\r\n")) == is_text);
        CHECK(passes(HeadKind::response, "HTTP/1.1 200 O" + byte + "K\r\n\r\n") == is_text);
    }
}

TEST_CASE("no byte of a long value escapes its judgement")
{
    for (std::size_t place = 0; place < 20; ++place)
        for (unsigned code = 0; code < 256; ++code) {
            CAPTURE(place);
            CAPTURE(code);
            std::string value(20, 'v');
            value[place] = static_cast<char>(code);
            const std::string text = get("A:" + value + "\r\n");
            HeadScan machine(HeadKind::request, HeadLimits{});
            const bool is_control = (code < 0x20 && code != '\t') || code == 0x7f;
            CHECK((scan(machine, {text}).denial == accepted) == !is_control);
        }
}

TEST_CASE("bytes behind the head are not looked at")
{
    const std::string head = get("Host: a\r\n");
    CHECK(
        scan_every_way(HeadKind::request, head + "\n\r\xff\x01") == Scanned{accepted, head.size()});
    CHECK(scan_every_way(HeadKind::request, head + head) == Scanned{accepted, head.size()});
}

TEST_CASE("an unfinished head is neither accepted nor refused")
{
    const std::string head = get("Host: a\r\n");
    for (std::size_t size = 0; size < head.size(); ++size)
        CHECK(
            scan_every_way(HeadKind::request, std::string_view(head).substr(0, size)) == Scanned{});
}

TEST_CASE("after a reset nothing of the last head is left")
{
    HeadScan machine(HeadKind::request, HeadLimits{.head = 60, .field = 20, .fields = 1});
    const std::string head = get("Host: a\r\n");
    for (int i = 0; i < 5; ++i) {
        CHECK(scan(machine, {head}) == Scanned{accepted, head.size()});
        machine.reset();
        CHECK(scan(machine, {get("Cookie: a\r\n").substr(0, 25)}) == Scanned{});
        machine.reset();
        CHECK(word(scan(machine, {get("X: " + repeat("v", 20))}).denial) == "head_too_large");
        machine.reset();
    }
}

TEST_CASE("a status line is HTTP/1.x, a status from 100 to 599 and a reason")
{
    const auto answer = [](std::string_view line) {
        return std::string(line) + "\r\nServer: a\r\n\r\n";
    };
    check_rows(HeadKind::response,
        {
            {"ordinary", answer("HTTP/1.1 200 OK")},
            {"HTTP/1.0", answer("HTTP/1.0 200 OK")},
            {"empty reason", answer("HTTP/1.1 200 ")},
            {"no reason and no blank", answer("HTTP/1.1 200")},
            {"reason with blanks and obs-text", answer("HTTP/1.1 404 Not \t found \xc3\xa9")},
            {"lowest status", answer("HTTP/1.1 100 Continue")},
            {"highest status", answer("HTTP/1.1 599 x")},
            {"status 099", answer("HTTP/1.1 099 x"), Denial::bad_request_line},
            {"status 000", answer("HTTP/1.1 000 x"), Denial::bad_request_line},
            {"status 600", answer("HTTP/1.1 600 x"), Denial::bad_request_line},
            {"status 999", answer("HTTP/1.1 999 x"), Denial::bad_request_line},
            {"two digits", answer("HTTP/1.1 20 x"), Denial::bad_request_line},
            {"four digits", answer("HTTP/1.1 2000 x"), Denial::bad_request_line},
            {"no status", answer("HTTP/1.1"), Denial::bad_request_line},
            {"two blanks", answer("HTTP/1.1  200 OK"), Denial::bad_request_line},
            {"HTTP/0.9", answer("hello"), Denial::not_http},
            {"ssh", "SSH-2.0-OpenSSH\r\n", Denial::not_http},
            {"another word", "HTTX", Denial::bad_request_line},
            {"HTTP/2", answer("HTTP/2.0 200 OK"), Denial::version_unsupported},
            {"control byte in the reason", answer("HTTP/1.1 200 O\x01K"), Denial::bad_request_line},
            {"line feed ends the line", "HTTP/1.1 200 OK\n", Denial::bare_lf},
            {"line feed behind the status", "HTTP/1.1 200\n", Denial::bare_lf},
            {"line feed in the status", "HTTP/1.1 2\n", Denial::bare_lf},
            {"carriage return in the reason", "HTTP/1.1 200 O\rK\r\n", Denial::bare_cr},
            {"folded field", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", Denial::obs_fold},
            {"empty name", "HTTP/1.1 200 OK\r\n: b\r\n\r\n", Denial::bad_field_name},
            {"control byte in a value", "HTTP/1.1 200 OK\r\nA: \x01\r\n\r\n",
                Denial::bad_field_value},
        });

    const HeadLimits small{.head = 200, .field = 20};
    check_rows(HeadKind::response,
        {
            {"reason at the limit", answer("HTTP/1.1 200 " + repeat("r", 20))},
            {"reason past it", answer("HTTP/1.1 200 " + repeat("r", 21)), Denial::head_too_large},
        },
        small);
}

}  // namespace orggate::http
