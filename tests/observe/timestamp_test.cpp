#include "observe/timestamp.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

TEST_CASE("times are RFC 3339 in UTC with milliseconds, rounded down")
{
    struct Row {
        const char* name;
        std::int64_t us;
        const char* wanted;
    };
    for (const Row& row : {Row{"the epoch", 0, "1970-01-01T00:00:00.000Z"},
             Row{"rounded down", 999'999, "1970-01-01T00:00:00.999Z"},
             Row{"a leap day", 1'709'251'199'999'999, "2024-02-29T23:59:59.999Z"},
             Row{"a day later", 1'709'251'200'000'000, "2024-03-01T00:00:00.000Z"},
             Row{"before the epoch", -1, "1969-12-31T23:59:59.999Z"}}) {
        CAPTURE(row.name);
        std::string out = "x";
        orggate::observe::append_timestamp(
            out, std::chrono::system_clock::time_point(std::chrono::microseconds(row.us)));
        CHECK(out == std::string("x") + row.wanted);
    }
}
