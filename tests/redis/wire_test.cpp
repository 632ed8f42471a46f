#include "redis/wire.hpp"

#include "redis/command.hpp"
#include "redis/wire_text.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>

using namespace orggate;
using namespace orggate::redis;
using namespace orggate::test;

namespace {

std::string bulk(std::size_t size)
{
    return "$" + std::to_string(size) + "\r\n" + std::string(size, 'x') + "\r\n";
}

std::string array(std::size_t size, std::string_view element)
{
    std::string all = "*" + std::to_string(size) + "\r\n";
    for (std::size_t i = 0; i < size; ++i)
        all += element;
    return all;
}

std::string nested(int levels)
{
    std::string all;
    for (int i = 0; i < levels; ++i)
        all += "*1\r\n";
    return all + ":1\r\n";
}

// In pieces of at most `size`, as a socket gives them.
std::string feed(Reader& reader, std::string_view bytes, std::size_t size)
{
    std::string all;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size()))) {
        reader.feed(bytes.substr(0, size));
        const std::string some = drain(reader);
        if (!all.empty() && !some.empty()) all += "\n";
        all += some;
    }
    return all;
}

}  // namespace

TEST_CASE("replies are read whole and in pieces of any size")
{
    using namespace std::string_literals;
    struct Row {
        std::string name;
        std::string bytes, wanted;
    };
    const Row rows[] = {
        {"status", "+OK\r\n", "+OK"},
        {"empty status", "+\r\n", "+"},
        {"error", "-ERR no\r\n", "-ERR no"},
        {"integers", ":0\r\n:-1\r\n:9223372036854775807\r\n", ":0\n:-1\n:9223372036854775807"},
        {"string", "$5\r\nhello\r\n", "\"hello\""},
        {"empty string", "$0\r\n\r\n", "\"\""},
        {"string with line ends and zero bytes", "$6\r\na\r\n\0b\n\r\n"s, "\"a\r\n\0b\n\""s},
        {"nil string", "$-1\r\n", "nil"},
        {"nil array", "*-1\r\n", "nil"},
        {"empty array", "*0\r\n", "[]"},
        {"mixed array", "*4\r\n:1\r\n$1\r\na\r\n+s\r\n-E x\r\n", "[:1 \"a\" +s -E x]"},
        {"nested arrays", "*2\r\n*1\r\n*2\r\n:1\r\n$-1\r\n*0\r\n", "[[[:1 nil]] []]"},
        {"seven levels", nested(7), "[[[[[[[:1]]]]]]]"},
        {"several replies", "+A\r\n*1\r\n:2\r\n$1\r\nb\r\n", "+A\n[:2]\n\"b\""},
        {"a reply and a half", "+A\r\n$5\r\nhel", "+A"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        for (const std::size_t size :
            {std::size_t{1}, std::size_t{2}, std::size_t{7}, row.bytes.size()}) {
            CAPTURE(size);
            Reader reader;
            CHECK(feed(reader, row.bytes, size) == row.wanted);
            CHECK(reader.error() == "");
        }
    }
}

TEST_CASE("what is not RESP2 breaks the stream for good")
{
    struct Row {
        std::string name;
        const char* bytes;
    };
    const Row rows[] = {
        {"words", "hello\r\n"},
        {"HTTP", "HTTP/1.1 400 Bad Request\r\n"},
        {"a TLS alert", "\x15\x03\x03\x02\x02\x46"},
        {"a line end", "\r\n"},
        {"no number", ":one\r\n"},
        {"a number beyond 64 bits", ":9223372036854775808\r\n"},
        {"a negative size", "$-2\r\n"},
        {"a negative count", "*-2\r\n"},
        {"an unending count", "*99999999999999999999\r\n"},
        {"RESP3 null", "_\r\n"},
        {"RESP3 boolean", "#t\r\n"},
        {"RESP3 double", ",1.5\r\n"},
        {"RESP3 map", "%1\r\n+a\r\n:1\r\n"},
        {"RESP3 set", "~1\r\n:1\r\n"},
        {"RESP3 push", ">1\r\n:1\r\n"},
        {"RESP3 big number", "(1\r\n"},
        {"RESP3 verbatim", "=5\r\ntxt:a\r\n"},
        {"garbage within an array", "*2\r\n:1\r\n?\r\n"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Reader reader;
        reader.feed(row.bytes);
        CHECK(drain(reader) == "");
        CHECK(reader.error() != "");
        reader.feed("+OK\r\n");
        CHECK(drain(reader) == "");
    }
}

TEST_CASE("a reply at a limit is read, one past it breaks the stream")
{
    const std::string half_the_text = bulk(Reader::most_text / 4);
    struct Row {
        std::string name;
        std::string bytes;
        bool is_read;
    };
    const Row rows[] = {
        {"longest string", bulk(Reader::most_bulk), true},
        {"longer string", bulk(Reader::most_bulk + 1), false},
        {"most text", array(4, half_the_text), true},
        {"more text", array(5, half_the_text), false},
        {"most elements", array(Reader::most_elements, ":1\r\n"), true},
        {"more elements", array(Reader::most_elements + 1, ":1\r\n"), false},
        {"most elements, shared", "*2\r\n" + array(8'000, ":1\r\n") + array(8'382, ":1\r\n"), true},
        {"more elements, shared", "*2\r\n" + array(8'000, ":1\r\n") + array(8'383, ":1\r\n"),
            false},
        {"a count that lies", "*1000000000\r\n", false},
        {"most levels", nested(Reader::most_levels), true},
        {"more levels", nested(Reader::most_levels + 1), false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Reader reader;
        const std::string read = feed(reader, row.bytes, 16 * 1024);
        CHECK(read.empty() != row.is_read);
        CHECK(reader.error().empty() == row.is_read);
    }
}

TEST_CASE("an unfinished reply is kept up to a megabyte")
{
    // A simple line, which has no size to be refused by.
    for (const bool is_past : {false, true}) {
        CAPTURE(is_past);
        Reader reader;
        std::string line = "+" + std::string(Reader::most_unread, 'x');  // `+` is read at once
        if (is_past) line += 'x';
        CHECK(feed(reader, line, 64 * 1024) == "");
        CHECK(reader.error().empty() == !is_past);
    }
}

TEST_CASE("a limit counts for one reply, not for all together")
{
    Reader reader;
    const std::string most = array(Reader::most_elements, ":1\r\n");
    const std::string long_text = array(2, bulk(Reader::most_bulk));
    for (int i = 0; i < 3; ++i) {
        CHECK(feed(reader, most, 16 * 1024) != "");
        CHECK(feed(reader, long_text, 16 * 1024) != "");
    }
    CHECK(reader.error() == "");
}

TEST_CASE("any bytes at all are replies or an error, never more")
{
    std::uint64_t state = 0x9E3779B97F4A7C15;
    const std::string_view alphabet = "*$+-:0123456789\r\n\r\n\r\nab_#>\xff";
    for (int round = 0; round < 5'000; ++round) {
        std::string bytes;
        for (int i = 0; i < 40; ++i) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            bytes += alphabet[(state >> 33) % alphabet.size()];
        }
        Reader whole, pieces;
        whole.feed(bytes);
        const std::string wanted = drain(whole);
        CHECK(feed(pieces, bytes, 3) == wanted);
        CHECK(pieces.error().empty() == whole.error().empty());
    }
}

TEST_CASE("commands are arrays of strings, whatever their bytes")
{
    using namespace std::string_literals;
    struct Row {
        std::string name;
        Command command;
        std::string bytes, back;
    };
    const std::string raw = "\0\r\n*$"s;
    const Row rows[] = {
        {"one word", make_command({"PING"}), "*1\r\n$4\r\nPING\r\n", "[\"PING\"]"},
        {"an empty word", make_command({"GET", ""}), "*2\r\n$3\r\nGET\r\n$0\r\n\r\n",
            "[\"GET\" \"\"]"},
        {"raw bytes", make_command({"SET", raw}), "*2\r\n$3\r\nSET\r\n$5\r\n" + raw + "\r\n",
            "[\"SET\" \"" + raw + "\"]"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        CHECK(row.command.bytes == row.bytes);
        CHECK(row.command.replies == 1);
        Reader reader;
        reader.feed(row.command.bytes);
        CHECK(drain(reader) == row.back);
    }
    const std::string long_word(70'000, 'w');
    const std::string_view words[] = {"SET", long_word};
    std::string two = make_command({"PING"}).bytes;
    append_command(two, words);
    Reader reader;
    reader.feed(two);
    CHECK(drain(reader) == "[\"PING\"]\n[\"SET\" \"" + long_word + "\"]");
}

TEST_CASE("a script is named by the SHA-1 of its text")
{
    // FIPS 180-2, appendix A
    CHECK(Script("abc").sha == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(Script("").sha == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

TEST_CASE("every failure has a name of its own")
{
    std::string names;
    for (int i = 0; i <= static_cast<int>(Failure::defect); ++i)
        names.append(name(static_cast<Failure>(i))).append(" ");
    CHECK(names == "none not_connected timed_out lost down forbidden defect ");
}
