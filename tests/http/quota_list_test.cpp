#include "http/quota_list.hpp"

#include <doctest/doctest.h>

#include <string>

using orggate::http::parse_quota_list;

TEST_CASE("a list of named items is read with its numbers")
{
    const auto items =
        parse_quota_list(R"(  "api";q=100;w=60;pk=:YQ==:, "b\"\\c" ; r=5,"d";t=1.5;r=-1;x;r=7  )");
    REQUIRE_FALSE(items.has_value());  // no blank may stand before a semicolon
    const auto good = parse_quota_list(R"(  "api";q=100;w=60;pk=:YQ==:, "b\"\\c";  r=5,)"
                                       "\t"
                                       R"("d";t=1.5;r=-1;x;r=7  )");
    REQUIRE(good.has_value());
    REQUIRE(good->size() == 3);
    CHECK((*good)[0].name == "api");
    CHECK((*good)[0].text == R"("api";q=100;w=60;pk=:YQ==:)");
    CHECK((*good)[0].quota == 100);
    CHECK_FALSE((*good)[0].remaining.has_value());
    CHECK((*good)[1].name == "b\"\\c");
    CHECK((*good)[1].text == R"("b\"\\c";  r=5)");
    CHECK((*good)[1].remaining == 5);
    CHECK((*good)[2].name == "d");
    CHECK((*good)[2].remaining == 7);  // the last of two counts
    CHECK(parse_quota_list("")->empty());
    CHECK(parse_quota_list("   ")->empty());
}

TEST_CASE("a parameter that is no integer has no value")
{
    for (const std::string value : {"1.5", "\"5\"", ":NQ==:", "?1", "five", "@5", "*x/y:z"}) {
        CAPTURE(value);
        const auto items = parse_quota_list("\"a\";r=" + value);
        REQUIRE(items.has_value());
        CHECK_FALSE(items->front().remaining.has_value());
    }
    const auto bare = parse_quota_list("\"a\";r");
    REQUIRE(bare.has_value());
    CHECK_FALSE(bare->front().remaining.has_value());
    CHECK(parse_quota_list("\"a\";r=999999999999999")->front().remaining == 999'999'999'999'999);
}

TEST_CASE("anything else is not read at all")
{
    for (const std::string text : {"api;r=5", "limit=100, remaining=50, reset=30", "100;w=60",
             "(\"a\" \"b\");r=1", "\"a", "\"a\\", "\"a\\x\"", "\"a\" \"b\"", "\"a\",",
             "\"a\",,\"b\"", ",\"a\"", "\"a\";", "\"a\";R=5", "\"a\";=5", "\"a\";r=", "\"a\";r=-",
             "\"a\";r=5.", "\"a\";r=1.2345", "\"a\";r=1234567890123.1", "\"a\";r=1234567890123456",
             "\"a\";r=+5", "\"a\";r=:YQ", "\"a\";r=?2", "\"a\";r=@x", "\"a\";r=@1.5", "\"a\";r=\"x",
             "\"a\";r=/x", "\"\xC3\xA9\"", "\"a\x01\"", "\"a\x7F\"", "\t\"a\""}) {
        CAPTURE(text);
        CHECK_FALSE(parse_quota_list(text).has_value());
    }
    std::string many = "\"a\"";
    for (int i = 1; i < 32; ++i)
        many += ",\"a\"";
    CHECK(parse_quota_list(many)->size() == 32);
    CHECK_FALSE(parse_quota_list(many + ",\"a\"").has_value());
}
