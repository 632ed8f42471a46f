#include "http/date.hpp"

#include <doctest/doctest.h>

#include <string>

namespace orggate::http {

TEST_CASE("a date is written in the one form that is to be sent")
{
    struct Row {
        std::int64_t milliseconds;
        std::string text;
    };
    for (const Row& row : {
             Row{784'111'777'000, "Sun, 06 Nov 1994 08:49:37 GMT"},  // RFC 9110's own
             Row{0, "Thu, 01 Jan 1970 00:00:00 GMT"},
             Row{999, "Thu, 01 Jan 1970 00:00:00 GMT"},
             Row{-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
             Row{1'709'164'800'000, "Thu, 29 Feb 2024 00:00:00 GMT"},
             Row{1'798'761'599'999, "Thu, 31 Dec 2026 23:59:59 GMT"},
             Row{1'798'761'600'000, "Fri, 01 Jan 2027 00:00:00 GMT"},
             Row{4'107'542'399'000, "Sun, 28 Feb 2100 23:59:59 GMT"},
             Row{4'107'542'400'000, "Mon, 01 Mar 2100 00:00:00 GMT"},
         }) {
        CAPTURE(row.text);
        std::string out = "A: b\r\n";
        append_date(out,
            Instant{.wall = std::chrono::system_clock::time_point(Milliseconds{row.milliseconds})});
        CHECK(out == "A: b\r\nDate: " + row.text + "\r\n");
    }
}

}  // namespace orggate::http
