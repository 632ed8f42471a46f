#include "config/text.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace orggate;
using namespace orggate::config;
using namespace std::chrono_literals;
using namespace std::string_literals;

TEST_CASE("durations have a unit")
{
    struct Row {
        std::string_view text;
        std::optional<Milliseconds> wanted;
    };
    for (const auto& row : std::vector<Row>{
             {"250ms", 250ms},
             {"10s", 10s},
             {"5m", 5min},
             {"1h", 1h},
             {"30d", 30 * 24h},
             {"0s", 0s},
             {"007s", 7s},
             {"10", {}},
             {"s", {}},
             {"", {}},
             {"-1s", {}},
             {"+1s", {}},
             {"1.5s", {}},
             {"1 s", {}},
             {" 1s", {}},
             {"1s ", {}},
             {"1S", {}},
             {"1mo", {}},
             {"1m30s", {}},
             {"1us", {}},
             {"9223372036854775807ms", Milliseconds::max()},
             {"9223372036854775808ms", {}},
             {"9223372036854775807s", {}},
         }) {
        CAPTURE(std::string(row.text));
        CHECK(parse_duration(row.text) == row.wanted);
    }
}

TEST_CASE("sizes have a unit")
{
    struct Row {
        std::string_view text;
        std::optional<std::uint64_t> wanted;
    };
    for (const auto& row : std::vector<Row>{
             {"512B", 512},
             {"48KiB", 49152},
             {"1MiB", 1048576},
             {"2GiB", 2147483648},
             {"48", {}},
             {"48KB", {}},
             {"48kib", {}},
             {"48K", {}},
             {"-1B", {}},
             {"", {}},
             {"B", {}},
             {"9223372036854775807GiB", {}},
         }) {
        CAPTURE(std::string(row.text));
        CHECK(parse_size(row.text) == row.wanted);
    }
}

TEST_CASE("integers are digits alone")
{
    CHECK(parse_integer("0") == 0);
    CHECK(parse_integer("9223372036854775807") == 9223372036854775807);
    for (const std::string_view text :
        {"", "-1", "+1", "1 ", " 1", "0x1", "1e3", "1.0", "9223372036854775808"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(parse_integer(text).has_value());
    }
}

TEST_CASE("rates are units and a window")
{
    const auto rate = parse_rate("100/1m");
    REQUIRE(rate.has_value());
    CHECK(rate->units == 100);
    CHECK(rate->window == 1min);
    CHECK(rate->window_text == "1m");
    for (const std::string_view text :
        {"100", "100/", "/1m", "100/60", "100/1m/1m", "100 / 1m", "-1/1m", "1.5/1m", "", "100/m"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(parse_rate(text).has_value());
    }
}

TEST_CASE("only rates have months, and only one at a time")
{
    const auto month = parse_rate("5/1mo");
    REQUIRE(month.has_value());
    CHECK(month->is_month);
    CHECK(month->window == std::chrono::hours(31 * 24));
    CHECK(month->window_text == "1mo");
    const auto days = parse_rate("5/31d");
    REQUIRE(days.has_value());
    CHECK_FALSE(days->is_month);
    CHECK_FALSE(parse_duration("1mo").has_value());
    for (const std::string_view text : {"5/2mo", "5/01mo", "5/mo", "5/1mo ", "5/1Mo"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(parse_rate(text).has_value());
    }
}

TEST_CASE("times are RFC 3339 in UTC")
{
    const auto at = [](std::int64_t seconds) {
        return std::chrono::system_clock::time_point(std::chrono::seconds(seconds));
    };
    CHECK(parse_utc_time("1970-01-01T00:00:00Z") == at(0));
    CHECK(parse_utc_time("2027-03-01T00:00:00Z") == at(1803859200));
    CHECK(parse_utc_time("2028-02-29T23:59:59Z") == at(1835481599));
    // Beyond the clock's range the order still holds: "for ever" must not be over.
    using Time = std::chrono::system_clock::time_point;
    CHECK(parse_utc_time("2261-12-31T23:59:59Z") == at(9214646399));
    CHECK(parse_utc_time("2262-01-01T00:00:00Z") == Time::max());
    CHECK(parse_utc_time("9999-12-31T23:59:59Z") == Time::max());
    CHECK(parse_utc_time("0001-01-01T00:00:00Z") == Time::min());
    for (const std::string_view text :
        {"2027-02-29T00:00:00Z", "2027-13-01T00:00:00Z", "2027-00-01T00:00:00Z",
            "2027-01-01T24:00:00Z", "2027-01-01T00:60:00Z", "2027-01-01T00:00:60Z",
            "2027-01-01T00:00:00", "2027-01-01T00:00:00+00:00", "2027-01-01 00:00:00Z",
            "2027-01-01T00:00:00z", "2027-01-01", "", "xxxx-01-01T00:00:00Z"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(parse_utc_time(text).has_value());
    }
}

TEST_CASE("shown values are short, printable and never a credential")
{
    CHECK(shown("plain") == "\"plain\"");
    CHECK(shown("a\"b\\c") == "\"a\\\"b\\\\c\"");
    CHECK(shown("a\nb\tc\x7F") == "\"a\\nb\\x09c\\x7F\"");
    CHECK(shown(std::string(60, 'a')) == "\"" + std::string(60, 'a') + "\"");
    CHECK(shown(std::string(61, 'a')) == "\"" + std::string(60, 'a') + "…\"");
    CHECK(shown("https://h/a") == "\"https://h/a\"");
    CHECK(shown("a@b") == "\"a@b\"");
    // A character is not cut in two.
    CHECK(shown(std::string(59, 'a') + "é") == "\"" + std::string(59, 'a') + "…\"");
    for (const std::string secret : {"sk_live_x", "xsk_test_y", "-----BEGIN PRIVATE KEY", "eyJhbGc",
             "whsec_z", "redis://:hunter2@h", "https://u:p@h/"}) {
        CAPTURE(secret);
        CHECK(shown(secret) == "a value that is not shown here");
    }
}

TEST_CASE("a misspelt word finds its neighbour, a foreign one finds nobody")
{
    const std::vector<std::string_view> known{"upstream", "upstreams", "limits", "per", "tls"};
    CHECK(nearest("upstrem", known) == "upstream");
    CHECK(nearest("limit", known) == "limits");
    CHECK(nearest("limitss", known) == "limits");
    CHECK(nearest("pre", known) == std::nullopt);
    CHECK(nearest("pe", known) == "per");
    CHECK(nearest("redis", known) == std::nullopt);
    CHECK(nearest("", known) == std::nullopt);
    CHECK(nearest(std::string(65, 'a'), known) == std::nullopt);
}

TEST_CASE("lists of words read as a sentence")
{
    CHECK(any_of({"a"}) == "a");
    CHECK(any_of({"a", "b"}) == "a or b");
    CHECK(any_of({"a", "b", "c"}) == "a, b or c");
}

TEST_CASE("text is UTF-8 without control bytes")
{
    struct Row {
        std::string name, text;
        std::optional<std::size_t> wanted;
    };
    for (const auto& row : std::vector<Row>{
             {"plain", "a\tb\r\nc", {}},
             {"two, three and four bytes", "é€😀", {}},
             {"NUL", "a\0b"s, 1},
             {"escape", "ab\x1B", 2},
             {"DEL", "\x7F", 0},
             {"stray tail", "a\x80", 1},
             {"overlong", "\xC0\xAF", 0},
             {"overlong of three", "\xE0\x80\x80", 0},
             {"surrogate", "\xED\xA0\x80", 0},
             {"last before surrogates", "\xED\x9F\xBF", {}},
             {"overlong of four", "\xF0\x80\x80\x80", 0},
             {"beyond Unicode", "\xF4\x90\x80\x80", 0},
             {"last of Unicode", "\xF4\x8F\xBF\xBF", {}},
             {"cut short", "a\xE2\x82", 1},
             {"no lead byte", "\xFF", 0},
         }) {
        CAPTURE(row.name);
        CHECK(find_not_text(row.text) == row.wanted);
    }
}

TEST_CASE("plain names are what labels and fields can carry")
{
    CHECK(is_plain_name("api-v2_x"));
    CHECK(is_plain_name(std::string(64, 'a')));
    CHECK_FALSE(is_plain_name(std::string(65, 'a')));
    CHECK_FALSE(is_plain_name(""));
    CHECK_FALSE(is_plain_name("Api"));
    CHECK_FALSE(is_plain_name("a b"));
    CHECK_FALSE(is_plain_name("a\"b"));
}
