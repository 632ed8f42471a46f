#include "orggate/http/body.hpp"

#include "http/verdict.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace orggate::http {

namespace {

using Side = BodyReader::Side;

struct Outcome {
    Denial denial = accepted;
    std::string payload;
    std::size_t consumed = 0;
    bool is_done = false;
};

// Reads pieces of `size` after a first one of `first` bytes.
Outcome read_in_pieces(
    BodyReader reader, std::string_view bytes, std::size_t first, std::size_t size)
{
    Outcome outcome;
    while (!bytes.empty()) {
        std::string_view piece = bytes.substr(0, outcome.consumed == 0 && first ? first : size);
        bytes.remove_prefix(piece.size());
        while (!piece.empty() && !reader.is_done()) {
            const auto step = reader.read(piece);
            if (!step) {
                outcome.denial = step.error();
                return outcome;
            }
            if (step->consumed == 0) break;
            outcome.payload += step->payload;
            outcome.consumed += step->consumed;
            piece.remove_prefix(step->consumed);
        }
    }
    outcome.is_done = reader.is_done();
    return outcome;
}

// Whole, byte by byte and split at each offset: one outcome, or the test fails.
// The payload before a refusal may differ; nobody may use it as a whole.
Outcome read_every_way(const BodyReader& reader, std::string_view bytes)
{
    const Outcome whole = read_in_pieces(reader, bytes, 0, bytes.size());
    const auto check = [&](const Outcome& again) {
        CHECK(word(again.denial) == word(whole.denial));
        CHECK(again.is_done == whole.is_done);
        if (whole.denial != accepted) return;
        CHECK(again.payload == whole.payload);
        CHECK(again.consumed == whole.consumed);
    };
    check(read_in_pieces(reader, bytes, 0, 1));
    for (std::size_t offset = 1; offset < bytes.size(); ++offset)
        check(read_in_pieces(reader, bytes, offset, bytes.size()));
    return whole;
}

BodyReader chunked(Side side)
{
    return {Framing::chunked, 0, side};
}

struct Row {
    const char* name;
    std::string bytes;
    Denial expected = accepted;
    std::string payload = "";
    bool is_done = true;
};

void check_rows(Side side, const std::vector<Row>& rows)
{
    for (const Row& row : rows) {
        CAPTURE(row.name);
        const Outcome outcome = read_every_way(chunked(side), row.bytes);
        CHECK(word(outcome.denial) == word(row.expected));
        if (row.expected != accepted) continue;
        CHECK(outcome.payload == row.payload);
        CHECK(outcome.is_done == row.is_done);
    }
}

const std::string nul(1, '\0');

}  // namespace

TEST_CASE("chunks give their payload and end at the last one, in both directions")
{
    for (const Side side : {Side::request, Side::response})
        check_rows(
            side, {
                      {"nothing", "0\r\n\r\n"},
                      {"one", "5\r\nhello\r\n0\r\n\r\n", accepted, "hello"},
                      {"two", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", accepted, "hello world"},
                      {"hex in both cases", "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n",
                          accepted, "01234567890123456789a"},
                      {"line ends as payload", "4\r\n\r\n\r\n\r\n0\r\n\r\n", accepted, "\r\n\r\n"},
                      {"16 digits", "0000000000000005\r\nhello\r\n0\r\n\r\n", accepted, "hello"},
                      {"last chunk of 16 zeros", "0000000000000000\r\n\r\n"},
                      {"unfinished size", "5", accepted, "", false},
                      {"unfinished payload", "5\r\nhel", accepted, "hel", false},
                      {"no last chunk", "5\r\nhello\r\n", accepted, "hello", false},
                      {"no last line", "5\r\nhello\r\n0\r\n", accepted, "hello", false},
                      {"no last byte", "5\r\nhello\r\n0\r\n\r", accepted, "hello", false},
                  });
}

TEST_CASE("chunk framing that two parsers could read differently is refused")
{
    for (const Side side : {Side::request, Side::response})
        check_rows(
            side, {
                      {"LF ends the size", "5\nhello\r\n0\r\n\r\n", Denial::bad_chunk},
                      {"LF ends the payload", "5\r\nhello\n0\r\n\r\n", Denial::bad_chunk},
                      {"LF ends the last size", "0\n\r\n", Denial::bad_chunk},
                      {"LF ends the body", "0\r\n\n", Denial::bad_chunk},
                      {"CR alone", "5\rhello", Denial::bad_chunk},
                      {"CR alone behind the payload", "5\r\nhello\r0", Denial::bad_chunk},
                      {"CR alone at the end", "0\r\n\rX", Denial::bad_chunk},
                      {"payload longer than its size", "5\r\nhelloXX0\r\n\r\n", Denial::bad_chunk},
                      {"blank behind", "5 \r\nhello\r\n0\r\n\r\n", Denial::bad_chunk},
                      {"blank before", " 5\r\nhello\r\n0\r\n\r\n", Denial::bad_chunk},
                      {"0x", "0x5\r\nhello\r\n0\r\n\r\n", Denial::bad_chunk},
                      {"plus", "+5\r\nhello\r\n0\r\n\r\n", Denial::bad_chunk},
                      {"minus", "-5\r\nhello\r\n0\r\n\r\n", Denial::bad_chunk},
                      {"underscore", "5_0\r\nhello\r\n0\r\n\r\n", Denial::bad_chunk},
                      {"no size", "\r\nhello\r\n0\r\n\r\n", Denial::bad_chunk},
                      {"extension without a size", ";a\r\nhello\r\n0\r\n\r\n", Denial::bad_chunk},
                      {"two sizes", "5,5\r\nhello\r\n0\r\n\r\n", Denial::bad_chunk},
                      {"letter", "g\r\n", Denial::bad_chunk},
                      {"NUL", nul, Denial::bad_chunk},
                      {"17 digits", "00000000000000005\r\nhello\r\n", Denial::bad_chunk},
                      {"17 significant digits", "10000000000000005\r\nhello", Denial::bad_chunk},
                      {"2^63 - 1", "7fffffffffffffff\r\nx", accepted, "x", false},
                      {"2^63", "8000000000000000\r\n", Denial::bad_chunk},
                      {"2^64 - 1", "FFFFFFFFFFFFFFFF\r\n", Denial::bad_chunk},
                      {"blank for a trailer", "0\r\n X: y\r\n\r\n", Denial::bad_chunk},
                      {"colon for a trailer", "0\r\n: y\r\n\r\n", Denial::bad_chunk},
                      {"NUL for a trailer", "0\r\n" + nul, Denial::bad_chunk},
                  });
}

TEST_CASE("a request's chunk extensions and trailers are refused")
{
    check_rows(Side::request,
        {
            {"valid extension", "5;a=b\r\nhello\r\n0\r\n\r\n", Denial::chunk_extension},
            {"empty extension", "5;\r\nhello\r\n0\r\n\r\n", Denial::chunk_extension},
            {"LF in quotes", "5;a=\"x\ny\"\r\nhello\r\n0\r\n\r\n", Denial::chunk_extension},
            {"on the last chunk", "0;a\r\n\r\n", Denial::chunk_extension},
            {"trailer", "0\r\nX-Org-Id: evil\r\n\r\n", Denial::trailer_refused},
            {"framing trailer", "0\r\nContent-Length: 5\r\n\r\n", Denial::trailer_refused},
            {"huge trailer", "0\r\nX: " + repeat("a", 700), Denial::trailer_refused},
            {"trailer without a colon", "0\r\nX\r\n\r\n", Denial::trailer_refused},
        });
    const std::string trailer = "0\r\nX: " + repeat("a", 70'000) + "\r\n\r\n";
    CHECK(
        word(read_in_pieces(chunked(Side::request), trailer, 0, 4096).denial) == "trailer_refused");
}

TEST_CASE("an answer's chunk extensions and trailers are dropped")
{
    check_rows(
        Side::response, {
                            {"extension", "5;a=b\r\nhello\r\n0\r\n\r\n", accepted, "hello"},
                            {"extension on the last chunk", "0;a=\"b c\"\r\n\r\n"},
                            {"trailers", "5\r\nhello\r\n0\r\nX-Org-Id: a\r\nB: \xc3\xa9\r\n\r\n",
                                accepted, "hello"},
                            {"unfinished trailer", "0\r\nX: ", accepted, "", false},
                            {"unfinished trailer line", "0\r\nX: a\r\n", accepted, "", false},
                            {"LF in an extension", "5;a=\"x\ny\"\r\n", Denial::bad_chunk},
                            {"NUL in an extension", "5;a=\"x" + nul + "y\"\r\n", Denial::bad_chunk},
                            {"CR in an extension", "5;a\rb\r\n", Denial::bad_chunk},
                            {"blank before an extension", "5 ;a\r\nhello\r\n", Denial::bad_chunk},
                            {"LF in a trailer", "0\r\nX: a\n\r\n", Denial::bad_chunk},
                            {"CR in a trailer", "0\r\nX: a\rb\r\n", Denial::bad_chunk},
                            {"folded trailer", "0\r\nX: a\r\n b\r\n\r\n", Denial::bad_chunk},
                        });
}

TEST_CASE("what is dropped from an answer has limits")
{
    const auto verdict = [](const std::string& bytes) {
        return word(read_in_pieces(chunked(Side::response), bytes, 0, 1000).denial);
    };
    const auto extension = [](std::size_t size) {
        return "1;" + repeat("e", size - 1) + "\r\nx\r\n";
    };
    const auto trailer = [](std::size_t size) { return repeat("t", size) + "\r\n"; };
    CHECK(verdict(extension(8192)) == "accepted");
    CHECK(verdict(extension(8193)) == "bad_chunk");
    CHECK(verdict("0\r\n" + trailer(8192) + "\r\n") == "accepted");
    CHECK(verdict("0\r\n" + trailer(8193)) == "bad_chunk");
    CHECK(verdict("0\r\n" + repeat(trailer(8192), 8) + "\r\n") == "accepted");
    CHECK(verdict("0\r\n" + repeat(trailer(8192), 8) + trailer(1)) == "bad_chunk");
    CHECK(verdict(repeat(extension(64), 1024)) == "accepted");
    CHECK(verdict(repeat(extension(64), 1024) + extension(1)) == "bad_chunk");
    CHECK(verdict(repeat(extension(8192), 4) + "0\r\n" + repeat(trailer(8192), 4) + "\r\n") ==
          "accepted");
    CHECK(verdict(repeat(extension(8192), 4) + "0\r\n" + repeat(trailer(8192), 4) + trailer(1)) ==
          "bad_chunk");
}

TEST_CASE("bytes behind the body are left alone")
{
    const std::string_view body = "5\r\nhello\r\n0\r\n\r\n";
    const Outcome outcome =
        read_every_way(chunked(Side::request), std::string(body) + "GET / HTTP/1.1\r\n\r\n");
    CHECK(outcome.payload == "hello");
    CHECK(outcome.consumed == body.size());
    CHECK(outcome.is_done);
    CHECK_FALSE(chunked(Side::request).ends_with_connection());
}

TEST_CASE("one step gives one chunk's payload and all the framing around it")
{
    BodyReader reader = chunked(Side::request);
    const std::string_view body = "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    const auto first = reader.read(body);
    REQUIRE(word(first) == "accepted");
    CHECK(first->payload == "hello");
    CHECK(first->consumed == std::string_view("5\r\nhello\r\n6\r\n").size());
    CHECK_FALSE(reader.is_done());
    const auto second = reader.read(body.substr(first->consumed));
    REQUIRE(word(second) == "accepted");
    CHECK(second->payload == " world");
    CHECK(first->consumed + second->consumed == body.size());
    CHECK(reader.is_done());
    const auto third = reader.read("more");
    REQUIRE(word(third) == "accepted");
    CHECK(third->consumed == 0);
}

TEST_CASE("a million chunks of one byte take one pass")
{
    std::string body;
    for (int i = 0; i < 1'000'000; ++i)
        append_chunk(body, "x");
    append_last_chunk(body);
    BodyReader reader = chunked(Side::request);
    std::string_view rest = body;
    std::size_t steps = 0, payload = 0;
    while (!reader.is_done()) {
        const auto step = reader.read(rest);
        if (!step || step->consumed == 0) break;
        payload += step->payload.size();
        rest.remove_prefix(step->consumed);
        ++steps;
    }
    CHECK(steps == 1'000'000);
    CHECK(payload == 1'000'000);
    CHECK(rest.empty());
}

TEST_CASE("a sized body is as long as it says")
{
    const BodyReader reader(Framing::sized, 5, Side::request);
    CHECK(reader.remaining() == 5);
    const Outcome exact = read_every_way(reader, "hello");
    CHECK(exact.payload == "hello");
    CHECK(exact.is_done);
    const Outcome longer = read_every_way(reader, "helloGET");
    CHECK(longer.payload == "hello");
    CHECK(longer.consumed == 5);
    CHECK(longer.is_done);
    const Outcome shorter = read_every_way(reader, "hell");
    CHECK(shorter.payload == "hell");
    CHECK_FALSE(shorter.is_done);

    BodyReader half = reader;
    REQUIRE(half.read("he").has_value());
    CHECK(half.remaining() == 3);
    CHECK(BodyReader(Framing::sized, 0, Side::request).is_done());
}

TEST_CASE("no body is over at once, and one until the close never is")
{
    BodyReader none(Framing::none, 0, Side::response);
    CHECK(none.is_done());
    CHECK_FALSE(none.ends_with_connection());
    const auto nothing = none.read("abc");
    REQUIRE(nothing.has_value());
    CHECK(nothing->consumed == 0);

    const BodyReader open(Framing::until_close, 0, Side::response);
    CHECK(open.ends_with_connection());
    const Outcome all = read_every_way(open, "abc\r\n0\r\n\r\n");
    CHECK(all.payload == "abc\r\n0\r\n\r\n");
    CHECK_FALSE(all.is_done);
}

TEST_CASE("what we write as chunks reads back as it was")
{
    std::string text, expected;
    for (const std::size_t size : {1u, 9u, 10u, 15u, 16u, 255u, 256u, 65'536u, 100'000u}) {
        const std::string payload = repeat("p", size);
        append_chunk(text, payload);
        expected += payload;
    }
    append_chunk(text, "");
    append_last_chunk(text);
    const Outcome outcome = read_in_pieces(chunked(Side::request), text, 0, text.size());
    CHECK(outcome.payload == expected);
    CHECK(outcome.consumed == text.size());
    CHECK(outcome.is_done);

    std::string one;
    append_chunk(one, repeat("p", 26));
    CHECK(one == "1a\r\n" + repeat("p", 26) + "\r\n");
}

}  // namespace orggate::http
