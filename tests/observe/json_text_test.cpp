#include "orggate/observe/json_text.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <random>
#include <string>

using orggate::observe::append_json_string;

namespace {

std::string written(std::string_view text, std::size_t limit = 1024)
{
    std::string out;
    append_json_string(out, text, limit);
    return out;
}

// Strict: refuses what is not UTF-8.
bool is_json(const std::string& text)
{
    boost::system::error_code failed;
    boost::json::parse(text, failed);
    return !failed;
}

}  // namespace

TEST_CASE("text is quoted, and what JSON or a terminal would obey is escaped")
{
    struct Row {
        const char* name;
        std::string text, wanted;
    };
    const std::string nul(1, '\0');
    for (const Row& row : {Row{"empty", "", ""}, Row{"plain", "GET /a?b ~", "GET /a?b ~"},
             Row{"quote", "a\"b", "a\\\"b"}, Row{"backslash", "a\\", "a\\\\"},
             Row{"lines", "a\r\n\tb", "a\\r\\n\\tb"}, Row{"NUL", nul, "\\u0000"},
             Row{"escape", "\x1b[31m", "\\u001b[31m"}, Row{"DEL", "\x7f", "\\u007f"},
             Row{"C1", "\xC2\x9B", "\\u009b"}, Row{"first after C1", "\xC2\xA0", "\xC2\xA0"},
             Row{"two bytes", "\xC3\xA9", "\xC3\xA9"},
             Row{"three bytes", "\xE2\x82\xAC!", "\xE2\x82\xAC!"},
             Row{"four bytes", "\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"}}) {
        CAPTURE(row.name);
        CHECK(written(row.text) == "\"" + row.wanted + "\"");
        CHECK(is_json(written(row.text)));
    }
}

TEST_CASE("bytes that are not UTF-8 become the replacement character, one each")
{
    const std::string r = "\xEF\xBF\xBD";
    struct Row {
        const char* name;
        std::string text, wanted;
    };
    for (const Row& row :
        {Row{"lone continuation", "a\x80", "a" + r}, Row{"overlong slash", "\xC0\xAF", r + r},
            Row{"overlong, three", "\xE0\x80\xAF", r + r + r},
            Row{"overlong, four", "\xF0\x80\x80\xAF", r + r + r + r},
            Row{"surrogate", "\xED\xA0\x80", r + r + r},
            Row{"past the end of Unicode", "\xF4\x90\x80\x80", r + r + r + r},
            Row{"no lead byte", "\xFF\xFE", r + r}, Row{"cut off", "\xE2\x82", r + r},
            Row{"broken off", "\xE2\x82z", r + r + "z"}}) {
        CAPTURE(row.name);
        CHECK(written(row.text) == "\"" + row.wanted + "\"");
        CHECK(is_json(written(row.text)));
    }
}

TEST_CASE("long text is cut at a character border, counted as written")
{
    CHECK(written("abcd", 4) == "\"abcd\"");
    CHECK(written("abcde", 4) == "\"abcd\"");
    CHECK(written("abc\n", 5) == "\"abc\\n\"");
    CHECK(written("abc\n", 4) == "\"abc\"");
    CHECK(written("\xE2\x82\xAC\xE2\x82\xAC", 6) == "\"\xE2\x82\xAC\xE2\x82\xAC\"");
    CHECK(written("\xE2\x82\xAC\xE2\x82\xAC", 5) == "\"\xE2\x82\xAC\"");
    CHECK(written("a\x01"
                  "b",
              7) == "\"a\\u0001\"");
    CHECK(written("a\x01"
                  "b",
              6) == "\"a\"");
    CHECK(written("abc", 0) == "\"\"");
    CHECK(written("\xFF", 2) == "\"\"");
}

TEST_CASE("any bytes at any limit make valid JSON within the limit")
{
    std::mt19937_64 random(3);
    for (int i = 0; i < 5000; ++i) {
        std::string text;
        for (std::size_t n = random() % 40; n > 0; --n)
            text.push_back(static_cast<char>(random()));
        const std::size_t limit = random() % 60;
        const std::string out = written(text, limit);
        REQUIRE(is_json(out));
        REQUIRE(out.size() <= limit + 2);
    }
}
