#include "token/base64url.hpp"

#include "support/mint.hpp"

#include <doctest/doctest.h>

#include <set>

using orggate::token::decode_base64url;

TEST_CASE("canonical base64url is decoded")
{
    struct Row {
        std::string_view name, text, bytes;
    };
    const Row rows[] = {
        {"nothing", "", ""},
        {"one byte", "Zg", "f"},
        {"two bytes", "Zm8", "fo"},
        {"three bytes", "Zm9v", "foo"},
        {"four bytes", "Zm9vYg", "foob"},
        {"both special digits", "-_-_", "\xFB\xFF\xBF"},
        {"zero bytes", "AAAA", std::string_view("\0\0\0", 3)},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto bytes = decode_base64url(row.text);
        REQUIRE(bytes);
        CHECK(*bytes == row.bytes);
    }
}

TEST_CASE("every other spelling of the same bytes is refused")
{
    struct Row {
        std::string_view name, text;
    };
    const Row rows[] = {
        {"padding", "Zg=="},
        {"padding of two bytes", "Zm8="},
        {"padding alone", "="},
        {"length 1 modulo 4", "Z"},
        {"length 5", "Zm9vZ"},
        {"unused bits set after one byte", "Zh"},
        {"unused bits set after two bytes", "Zm9"},
        {"standard alphabet plus", "ab+d"},
        {"standard alphabet slash", "ab/d"},
        {"space before", " Zm9v"},
        {"space inside", "Zm 9v"},
        {"line end", "Zm9v\n"},
        {"carriage return inside", "Zm\r9v"},
        {"NUL", std::string_view("Zm9\0", 4)},
        {"question mark", "Zm9?"},
        {"high byte", "Zm9\xC3"},
        {"dot", "Zm.v"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK_FALSE(decode_base64url(row.text));
    }
}

TEST_CASE("what is accepted is exactly what encoding would write")
{
    // Every text of two characters: 64 * 4 of 65536 are canonical spellings of one byte.
    std::set<std::string> seen;
    int accepted = 0;
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) {
            const std::string text{static_cast<char>(first), static_cast<char>(second)};
            const auto bytes = decode_base64url(text);
            if (!bytes) continue;
            ++accepted;
            CHECK(orggate::test::base64url(*bytes) == text);
            seen.insert(*bytes);
        }
    }
    CHECK(accepted == 256);
    CHECK(seen.size() == 256);
}
