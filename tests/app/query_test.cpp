#include "app/query.hpp"

#include <doctest/doctest.h>

using namespace orggate::app;

TEST_CASE("a value is percent-decoded once, and a plus is a plus")
{
    struct Row {
        std::string_view name, text, expected;
    };
    const Row rows[] = {
        {"nothing", "", ""},
        {"plain", "a-b_c.d~e", "a-b_c.d~e"},
        {"an escape", "a%20b", "a b"},
        {"both cases", "%2f%2F", "//"},
        {"once", "%2541", "%41"},
        {"a plus", "a+b", "a+b"},
        {"two bytes", "%C3%A9", "\u00e9"},
        {"four bytes", "%F0%9F%94%91", "\U0001F511"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto decoded = percent_decode(row.text);
        REQUIRE(decoded.has_value());
        CHECK(*decoded == row.expected);
    }
}

TEST_CASE("an escape that is none, control bytes and broken UTF-8 are refused")
{
    struct Row {
        std::string_view name, text;
    };
    const Row rows[] = {
        {"a bare percent", "%"},
        {"half an escape", "%4"},
        {"no hex", "%zz"},
        {"no hex behind", "%4z"},
        {"nul", "%00"},
        {"line feed", "a%0Ab"},
        {"delete", "%7F"},
        {"C1 control", "%C2%85"},
        {"line separator", "%E2%80%A8"},
        {"lone continuation", "%80"},
        {"cut short", "%C3"},
        {"overlong", "%C0%AF"},
        {"overlong of three", "%E0%80%AF"},
        {"surrogate", "%ED%A0%80"},
        {"beyond Unicode", "%F4%90%80%80"},
        {"raw byte", "\xff"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK_FALSE(percent_decode(row.text).has_value());
    }
}

TEST_CASE("what is encoded is decoded to the same")
{
    std::string all;
    for (int c = 0x20; c < 0x7f; ++c)
        all.push_back(static_cast<char>(c));
    all += "\u00e9\u4e16";
    const auto encoded = percent_encode(all);
    for (const char c : encoded)
        CHECK((c == '%' || c == '-' || c == '.' || c == '_' || c == '~' || (c >= '0' && c <= '9') ||
               (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')));
    REQUIRE(percent_decode(encoded).has_value());
    CHECK(*percent_decode(encoded) == all);
}

TEST_CASE("parameters are known, come once and have a value")
{
    const auto good =
        Query::parse("org=org_1&limit=a&limit=b&reason=x%26y%3Dz", {"org", "reason"}, {"limit"});
    REQUIRE(good.has_value());
    CHECK(good->get("org") == "org_1");
    CHECK(good->get("reason") == "x&y=z");
    CHECK(good->all("limit") == std::vector<std::string>{"a", "b"});
    CHECK(good->get("absent") == "");
    CHECK_FALSE(good->has("absent"));
    CHECK(Query::parse("", {"org"}).has_value());

    for (const auto* bad : {"user=u", "org=a&org=b", "org", "org=", "=a", "org=a&", "&", "org=a&&",
             "org=%zz", "%zz=a", "org=a%00"}) {
        CAPTURE(bad);
        // An empty piece behind the last & is the one thing that is not there.
        const bool is_end = std::string_view(bad) == "org=a&";
        CHECK(Query::parse(bad, {"org"}).has_value() == is_end);
    }
}

TEST_CASE("at most 32 parameters of 1 KiB")
{
    std::string some = "limit=a";
    for (int i = 1; i < 32; ++i)
        some += "&limit=a";
    CHECK(Query::parse(some, {}, {"limit"}).has_value());
    CHECK_FALSE(Query::parse(some + "&limit=a", {}, {"limit"}).has_value());
    const std::string value(1024, 'a');
    CHECK(Query::parse("org=" + value, {"org"}).has_value());
    CHECK_FALSE(Query::parse("org=" + value + "a", {"org"}).has_value());
}
