#include "observe/event_text.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <limits>
#include <string>

using namespace std::chrono_literals;
using namespace orggate::observe;

namespace {

std::string written(Format format, std::string_view message,
    std::initializer_list<LogField> fields = {}, Level level = Level::info)
{
    const Event event{
        std::chrono::system_clock::time_point(1'700'000'000'123ms), level, message, fields};
    std::string out;
    append_event(out, format, event);
    return out;
}

std::string json(std::string_view message, std::initializer_list<LogField> fields = {})
{
    std::string line = written(Format::json, message, fields);
    boost::system::error_code failed;
    boost::json::parse(line, failed);
    REQUIRE_FALSE(failed);
    return line;
}

}  // namespace

TEST_CASE("an event in JSON carries ts, level, msg and its fields with their types")
{
    CHECK(json("listening", {{"address", std::string_view("0.0.0.0:8080")},
                                {"workers", std::int64_t{4}}, {"took", 0.25}, {"tls", false}}) ==
          R"({"ts":"2023-11-14T22:13:20.123Z","level":"info","msg":"listening",)"
          R"("address":"0.0.0.0:8080","workers":4,"took":0.25,"tls":false})");
    CHECK(json("odd", {{"x", std::numeric_limits<double>::infinity()}}).ends_with(",\"x\":null}"));
}

TEST_CASE("an event in text lines up and quotes only what needs it")
{
    CHECK(written(Format::text, "keys fetched",
              {{"url", std::string_view("https://a/jwks.json")}, {"keys", std::int64_t{2}},
                  {"why", std::string_view("on time")}, {"none", std::string_view()}},
              Level::warn) ==
          "2023-11-14T22:13:20.123Z WARN  keys fetched url=https://a/jwks.json keys=2 "
          "why=\"on time\" none=\"\"");
}

TEST_CASE("every level has its word")
{
    struct Row {
        Level level;
        const char *json, *text;
    };
    for (const Row& row :
        {Row{Level::debug, "\"debug\"", " DEBUG m"}, Row{Level::info, "\"info\"", " INFO  m"},
            Row{Level::warn, "\"warn\"", " WARN  m"}, Row{Level::error, "\"error\"", " ERROR m"}}) {
        CAPTURE(row.text);
        CHECK(written(Format::json, "m", {}, row.level).find(row.json) != std::string::npos);
        CHECK(written(Format::text, "m", {}, row.level).ends_with(row.text));
    }
}

TEST_CASE("hostile values stay inside their line and their quotes")
{
    const std::string_view forged = "x\n2023 ERROR forged a=\"b\" \x1b[2J";
    const std::string text = written(Format::text, forged, {{"k", forged}});
    CHECK(text.find('\n') == text.npos);
    CHECK(text.find('\x1b') == text.npos);
    CHECK(text.ends_with(R"(k="x\n2023 ERROR forged a=\"b\" \u001b[2J")"));
    CHECK(json(forged, {{"k", forged}}).find('\n') == std::string::npos);
    CHECK(written(Format::text, "m", {{"k", std::string_view("a=b")}}).ends_with("k=\"a=b\""));
}

TEST_CASE("a long event is cut by whole fields and stays valid")
{
    const std::string longest(5000, 'v');
    const std::string line = json("m", {{"a", longest}, {"b", longest}, {"c", longest},
                                           {"d", longest}, {"e", longest}, {"last", true}});
    CHECK(line.size() <= max_event_line);
    CHECK(line.find("\"c\":") != line.npos);
    CHECK(line.find("\"e\":") == line.npos);
    CHECK(line.ends_with(",\"last\":true}"));
    CHECK(written(Format::text, longest, {{"a", longest}, {"b", longest}, {"c", longest}}).size() <=
          max_event_line);
}
