#include "token/jws.hpp"

#include "support/mint.hpp"

#include <doctest/doctest.h>

using namespace orggate;
using namespace orggate::token;

TEST_CASE("three parts are decoded, and what was signed is kept as it was sent")
{
    const auto jws = split_compact("e30.Zm9v.AAEC");
    REQUIRE(jws);
    CHECK(jws->signing_input == "e30.Zm9v");
    CHECK(jws->header == "{}");
    CHECK(jws->payload == "foo");
    CHECK(jws->signature == std::string("\0\1\2", 3));
}

TEST_CASE("empty parts are parts; what needs them refuses them later")
{
    const auto jws = split_compact("..");
    REQUIRE(jws);
    CHECK_FALSE(read_claims(*jws));
}

TEST_CASE("anything but three parts is refused")
{
    for (const std::string_view text :
        {"", ".", "a", "e30", "e30.e30", "e30.e30.e30.e30", "e30.e30.e30.e30.e30", ".e30.e30.e30",
            "e30.e30.e30.", "....", "e30..e30.", "{\"payload\":\"Zm9v\"}", " e30.e30.AA",
            "e30.e30.AA ", "e30.e30.AA\n", "e30 .e30.AA", "e3 0.e30.AA"}) {
        CAPTURE(text);
        CHECK_FALSE(split_compact(text));
    }
}

TEST_CASE("16 KiB are a token, one byte more is not")
{
    // "e30." and ".AAAA" around a payload of whole groups.
    const auto sized = [](std::size_t bytes) {
        return "e30." + std::string(bytes - 9, 'A') + ".AAAA";
    };
    const std::size_t limit = 16 * 1024;
    const auto fits = [](std::size_t bytes) { return (bytes - 9) % 4 != 1; };
    REQUIRE(fits(limit));
    REQUIRE(fits(limit + 1));
    REQUIRE(sized(limit).size() == limit);
    CHECK(split_compact(sized(limit)));
    CHECK_FALSE(split_compact(sized(limit + 1)));
    CHECK_FALSE(split_compact(sized(1024 * 1024)));
}

TEST_CASE("a header of 2 KiB is read, a longer one is not")
{
    CHECK(split_compact(std::string(2048, 'A') + ".e30.AAAA"));
    CHECK_FALSE(split_compact(std::string(2050, 'A') + ".e30.AAAA"));
}

TEST_CASE("header and payload must be objects")
{
    struct Row {
        std::string_view name, header, payload;
        bool good;
    };
    const Row rows[] = {
        {"both objects", "{}", "{}", true},
        {"header list", "[]", "{}", false},
        {"header null", "null", "{}", false},
        {"payload null", "{}", "null", false},
        {"payload list", "{}", "[]", false},
        {"payload text", "{}", R"("x")", false},
        {"payload number", "{}", "1", false},
        {"payload empty", "{}", "", false},
        {"header twice a name", R"({"alg":"RS256","alg":"none"})", "{}", false},
        {"payload twice a name", "{}", R"({"sub":"a","sub":"b"})", false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto compact =
            test::base64url(row.header) + "." + test::base64url(row.payload) + ".AA";
        const auto jws = split_compact(compact);
        REQUIRE(jws);
        CHECK(read_claims(*jws).has_value() == row.good);
    }
}
