#include "orggate/observe/access_record.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using namespace orggate;
using observe::AccessRecord;

namespace {

std::string written(const AccessRecord& record)
{
    std::string out;
    observe::append_json(out, record);
    return out;
}

boost::json::object parsed(const std::string& line)
{
    boost::system::error_code failed;
    auto value = boost::json::parse(line, failed);
    REQUIRE_FALSE(failed);
    return value.as_object();
}

std::vector<std::string> keys(const boost::json::object& object)
{
    std::vector<std::string> found;
    for (const auto& member : object)
        found.emplace_back(member.key());
    return found;
}

// Every value set, as long as `text` is.
AccessRecord full_record(std::string_view text)
{
    AccessRecord record;
    record.started = std::chrono::system_clock::time_point(1'700'000'000'123ms);
    for (auto member : {&AccessRecord::request_id, &AccessRecord::trace_id, &AccessRecord::method,
             &AccessRecord::host, &AccessRecord::path, &AccessRecord::client_ip,
             &AccessRecord::route, &AccessRecord::org_id, &AccessRecord::user_id,
             &AccessRecord::token_kind, &AccessRecord::plan, &AccessRecord::verdict,
             &AccessRecord::limit, &AccessRecord::limit_by})
        record.*member = text;
    record.status = std::numeric_limits<int>::min();
    record.duration = Microseconds::max();
    record.upstream = Microseconds::max();
    record.bytes_in = record.bytes_out = std::numeric_limits<std::uint64_t>::max();
    record.remaining = std::numeric_limits<std::int64_t>::min();
    record.reason = record.shadow = Denial::token_verification_failed;
    return record;
}

const std::vector<std::string> all_keys{"ts", "level", "msg", "request_id", "trace_id", "method",
    "host", "path", "status", "duration_ms", "upstream_ms", "bytes_in", "bytes_out", "client_ip",
    "route", "org_id", "user_id", "token_kind", "plan", "verdict", "reason", "limit", "remaining",
    "limit_by", "shadow"};

}  // namespace

TEST_CASE("a record is one JSON object with its fields in their order")
{
    AccessRecord record = full_record("x");
    record.method = "GET";
    record.path = "/api/items";
    record.status = 429;
    record.duration = 12'345us;
    record.upstream = 5us;
    record.bytes_in = 17;
    record.bytes_out = 0;
    record.reason = Denial::quota_exhausted;
    record.remaining = 0;
    record.shadow = Denial::role_missing;
    CHECK(written(record) ==
          R"({"ts":"2023-11-14T22:13:20.123Z","level":"info","msg":"request","request_id":"x",)"
          R"("trace_id":"x","method":"GET","host":"x","path":"/api/items","status":429,)"
          R"("duration_ms":12.345,"upstream_ms":0.005,"bytes_in":17,"bytes_out":0,)"
          R"("client_ip":"x","route":"x","org_id":"x","user_id":"x","token_kind":"x",)"
          R"("plan":"x","verdict":"x","reason":"quota_exhausted","limit":"x","remaining":0,)"
          R"("limit_by":"x","shadow":"role_missing"})");
    CHECK(keys(parsed(written(record))) == all_keys);
}

TEST_CASE("what is absent is left out")
{
    AccessRecord record;
    record.verdict = "aborted";
    CHECK(keys(parsed(written(record))) == std::vector<std::string>{"ts", "level", "msg",
                                               "duration_ms", "bytes_in", "bytes_out", "verdict"});
}

TEST_CASE("a line is appended, and has no newline")
{
    std::string out = "before";
    observe::append_json(out, full_record("a\nb"));
    CHECK(out.starts_with("before{"));
    CHECK(out.ends_with("}"));
    CHECK(out.find('\n') == out.npos);
}

TEST_CASE("a query never reaches the log")
{
    AccessRecord record;
    for (const char* path : {"/a?token=secret", "/a#secret", "/a??secret"}) {
        CAPTURE(path);
        record.path = path;
        CHECK(written(record).find("secret") == std::string::npos);
        CHECK(parsed(written(record)).at("path") == "/a");
    }
}

TEST_CASE("durations are exact to the microsecond and never negative")
{
    struct Row {
        Microseconds duration;
        const char* wanted;
    };
    AccessRecord record;
    for (const Row& row : {Row{0us, "0.000"}, Row{1us, "0.001"}, Row{999us, "0.999"},
             Row{1000us, "1.000"}, Row{61'234'567us, "61234.567"}, Row{-5us, "0.000"}}) {
        CAPTURE(row.wanted);
        record.duration = row.duration;
        const std::string wanted = std::string("\"duration_ms\":") + row.wanted + ",";
        CHECK(written(record).find(wanted) != std::string::npos);
    }
}

TEST_CASE("no bytes of any length break the object or its bound")
{
    std::vector<std::string> hostile{std::string(100'000, 'a'), std::string(100'000, '"'),
        std::string(100'000, '\x01'), std::string(100'000, '\xFF'), std::string(100'000, '\\'),
        std::string(3, '\0')};
    std::string euros;
    for (int i = 0; i < 20'000; ++i)
        euros += "\xE2\x82\xAC";
    hostile.push_back(euros);
    std::mt19937_64 random(5);
    for (int i = 0; i < 300; ++i) {
        std::string bytes(1 + random() % 3000, ' ');
        for (char& byte : bytes)
            byte = static_cast<char>(random());
        hostile.push_back(bytes);
    }
    for (const std::string& bytes : hostile) {
        const std::string line = written(full_record(bytes));
        REQUIRE(line.size() <= observe::max_access_line);
        REQUIRE(keys(parsed(line)).size() >= all_keys.size() - 1);  // a path may be all query
        REQUIRE(line.find('\n') == line.npos);
    }
}

TEST_CASE("usual ids, hosts and paths are kept whole")
{
    AccessRecord record;
    const std::string id(64, 'o'), host(253, 'h'), path(1800, 'p');
    record.org_id = id;
    record.host = host;
    record.path = path;
    const auto object = parsed(written(record));
    CHECK(object.at("org_id").as_string().size() == 64);
    CHECK(object.at("host").as_string().size() == 253);
    CHECK(object.at("path").as_string().size() == 1800);
}

TEST_CASE("every refusal has its name in the log")
{
    for (int i = 1; i <= static_cast<int>(last_denial); ++i) {
        AccessRecord record;
        record.reason = static_cast<Denial>(i);
        const auto object = parsed(written(record));
        CHECK(object.at("reason").as_string() == std::string(name(*record.reason)));
    }
}
