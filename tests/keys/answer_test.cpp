#include "keys/answer.hpp"

#include "orggate/keys/feed.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace orggate;
using keys::Answer;

namespace {

struct Outcome {
    std::string body, error;
    bool is_complete = false;
};

enum class Closes { yes, no };

Outcome read(const std::string& bytes, std::size_t piece, Closes closes)
{
    Answer answer;
    Outcome outcome;
    for (std::size_t at = 0; at < bytes.size() && outcome.error.empty(); at += piece)
        outcome.error = answer.take(std::string_view(bytes).substr(at, piece));
    if (outcome.error.empty() && closes == Closes::yes && !answer.is_complete())
        outcome.error = answer.end();
    outcome.body = answer.body();
    outcome.is_complete = answer.is_complete();
    return outcome;
}

const std::string ok = "HTTP/1.1 200 OK\r\n";

// An answer of exactly this many bytes in all.
std::string sized(std::size_t total)
{
    const std::string head = ok + "Content-Length: ";
    const std::size_t digits = 6;
    const std::size_t body = total - head.size() - digits - 4;
    return head + std::to_string(body) + "\r\n\r\n" + std::string(body, 'x');
}

}  // namespace

TEST_CASE("a good answer is the same however it arrives")
{
    struct Row {
        std::string name, bytes;
        Closes closes;
    };
    const Row rows[] = {
        {"sized", ok + "Content-Length: 4\r\n\r\nabcd", Closes::no},
        {"sized, more behind", ok + "Content-Length: 4\r\n\r\nabcdEXTRA", Closes::no},
        {"chunked", ok + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n3\r\nbcd\r\n0\r\n\r\n",
            Closes::no},
        {"to the end", ok + "\r\nabcd", Closes::yes},
        {"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nabcd", Closes::yes},
        {"after interim answers",
            "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + ok +
                "Content-Length: 4\r\n\r\nabcd",
            Closes::no},
        {"identity", ok + "Content-Encoding: identity\r\nContent-Length: 4\r\n\r\nabcd",
            Closes::no},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        for (const std::size_t piece : {1u, 2u, 3u, 7u, 1000u}) {
            CAPTURE(piece);
            const Outcome outcome = read(row.bytes, piece, row.closes);
            CHECK(outcome.error == "");
            CHECK(outcome.is_complete);
            CHECK(outcome.body == "abcd");
        }
    }
}

TEST_CASE("an answer that is not 200, plain and whole is of no use")
{
    struct Row {
        std::string name, bytes, wanted;
    };
    const Row rows[] = {
        {"nothing", "", "cut off"},
        {"half a head", "HTTP/1.1 200 OK\r\nCon", "cut off"},
        {"half a body", ok + "Content-Length: 4\r\n\r\nab", "cut off"},
        {"no last chunk", ok + "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n", "cut off"},
        {"only interim", "HTTP/1.1 103 Early Hints\r\n\r\n", "cut off"},
        {"garbage", "\x16\x03\x01 hello\r\n\r\n", "not HTTP"},
        {"bad chunk", ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "not HTTP"},
        {"two lengths", ok + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", "not HTTP"},
        {"length and coding", ok + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nabcd",
            "not HTTP"},
        {"folded field", ok + "A: b\r\n c\r\nContent-Length: 4\r\n\r\nabcd", "not HTTP"},
        {"compressed", ok + "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
            "compressed"},
        {"500", "HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\nabcd", "status 500"},
        {"401", "HTTP/1.1 401 No\r\nContent-Length: 4\r\n\r\nabcd", "status 401"},
        {"204", "HTTP/1.1 204 Nothing\r\n\r\n", "status 204"},
        {"201", "HTTP/1.1 201 Made\r\nContent-Length: 4\r\n\r\nabcd", "status 201"},
        {"206", "HTTP/1.1 206 Part\r\nContent-Length: 4\r\n\r\nabcd", "status 206"},
        {"redirect", "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n",
            "status 302"},
        {"101", "HTTP/1.1 101 Switch\r\nUpgrade: x\r\n\r\n", "status 101"},
        {"announced too long", ok + "Content-Length: 262145\r\n\r\n", "over 256 KiB"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        for (const std::size_t piece : {1u, 5u, 1000u}) {
            CAPTURE(piece);
            const Outcome outcome = read(row.bytes, piece, Closes::yes);
            CHECK_FALSE(outcome.is_complete);
            CAPTURE(outcome.error);
            CHECK(outcome.error.find(row.wanted) != std::string::npos);
        }
    }
}

TEST_CASE("256 KiB are read and one byte more is not, in every framing")
{
    CHECK(sized(keys::max_answer).size() == keys::max_answer);
    CHECK(read(sized(keys::max_answer), 8192, Closes::no).is_complete);
    CHECK_FALSE(read(sized(keys::max_answer + 1), 8192, Closes::no).error.empty());

    const std::string open = ok + "\r\n";
    const std::string most = open + std::string(keys::max_answer - open.size(), 'x');
    CHECK(read(most, 8192, Closes::yes).is_complete);
    CHECK_FALSE(read(most + "x", 8192, Closes::yes).error.empty());

    std::string endless = ok + "Transfer-Encoding: chunked\r\n\r\n";
    while (endless.size() <= keys::max_answer)
        endless += "1\r\nx\r\n";
    CHECK_FALSE(read(endless, 8192, Closes::no).error.empty());

    std::string interim;
    while (interim.size() <= keys::max_answer)
        interim += "HTTP/1.1 103 Early Hints\r\n\r\n";
    CHECK_FALSE(read(interim, 8192, Closes::no).error.empty());
}
