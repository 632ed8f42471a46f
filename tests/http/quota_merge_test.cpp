#include "http/quota_merge.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace orggate::http;

namespace {

std::string merged(const std::vector<Field>& theirs, std::string_view ours)
{
    std::string out;
    append_merged_quota_fields(out, theirs, ours);
    return out;
}

constexpr std::string_view our_lists =
    "RateLimit-Policy: \"api\";q=100;w=60, \"day\";q=900;w=86400\r\n"
    "RateLimit: \"api\";r=57;t=12, \"day\";r=3\r\n";

}  // namespace

TEST_CASE("the names of limits are known in any case, and no others")
{
    for (const char* name :
        {"RateLimit", "ratelimit-policy", "X-RateLimit-Limit", "x-ratelimit-remaining",
            "X-RATELIMIT-RESET", "RateLimit-Limit", "RateLimit-Remaining", "ratelimit-reset"}) {
        CAPTURE(name);
        CHECK(is_quota_field(name));
    }
    for (const char* name : {"", "R", "RateLimits", "X-RateLimit", "X-RateLimit-Used",
             "Retry-After", "Referer", "X-RateLimit-Limit-Minute", "Rate-Limit"}) {
        CAPTURE(name);
        CHECK_FALSE(is_quota_field(name));
    }
}

TEST_CASE("lists stand together; where names collide the one with less left stands")
{
    struct Row {
        const char* name;
        std::vector<Field> theirs;
        std::string wanted;
    };
    const std::string ours(our_lists);
    for (const Row& row : {
             Row{"nothing of theirs", {}, ours},
             Row{"another name",
                 {{"RateLimit-Policy", "\"app\";q=5;w=1"}, {"RateLimit", "\"app\";r=4"}},
                 "RateLimit-Policy: \"app\";q=5;w=1\r\n"
                 "RateLimit-Policy: \"api\";q=100;w=60, \"day\";q=900;w=86400\r\n"
                 "RateLimit: \"app\";r=4\r\n"
                 "RateLimit: \"api\";r=57;t=12, \"day\";r=3\r\n"},
             Row{"theirs is stricter",
                 {{"RateLimit", "\"api\";r=2;t=50"}, {"RateLimit-Policy", "\"api\";q=10;w=60"}},
                 "RateLimit-Policy: \"api\";q=10;w=60\r\n"
                 "RateLimit-Policy: \"day\";q=900;w=86400\r\n"
                 "RateLimit: \"api\";r=2;t=50\r\n"
                 "RateLimit: \"day\";r=3\r\n"},
             Row{"theirs is looser",
                 {{"RateLimit", "\"api\";r=58, \"app\";r=1"},
                     {"RateLimit-Policy", "\"api\";q=90;w=60"}},
                 "RateLimit-Policy: \"api\";q=100;w=60, \"day\";q=900;w=86400\r\n"
                 "RateLimit: \"app\";r=1\r\n"
                 "RateLimit: \"api\";r=57;t=12, \"day\";r=3\r\n"},
             Row{"as much left, a smaller quota",
                 {{"RateLimit", "\"api\";r=57"}, {"RateLimit-Policy", "\"api\";q=99;w=60"}},
                 "RateLimit-Policy: \"api\";q=99;w=60\r\n"
                 "RateLimit-Policy: \"day\";q=900;w=86400\r\n"
                 "RateLimit: \"api\";r=57\r\nRateLimit: \"day\";r=3\r\n"},
             Row{"the same", {{"RateLimit", "\"api\";r=57"}, {"RateLimit-Policy", "\"api\";q=100"}},
                 ours},
             Row{"a policy without a state leaves at most its quota: more",
                 {{"RateLimit-Policy", "\"api\";q=58;w=60"}}, ours},
             Row{"or less", {{"RateLimit-Policy", "\"api\";q=56;w=60"}},
                 "RateLimit-Policy: \"api\";q=56;w=60\r\n"
                 "RateLimit-Policy: \"day\";q=900;w=86400\r\nRateLimit: \"day\";r=3\r\n"},
             Row{"a state without a number", {{"RateLimit", "\"api\""}}, ours},
             Row{"several lines, the least of one name counts",
                 {{"RateLimit", "\"api\";r=90"}, {"ratelimit", "\"api\";r=1"}},
                 "RateLimit-Policy: \"day\";q=900;w=86400\r\n"
                 "RateLimit: \"api\";r=90, \"api\";r=1\r\nRateLimit: \"day\";r=3\r\n"},
             Row{"both of ours yield", {{"RateLimit", "\"day\";r=0, \"api\";r=0"}},
                 "RateLimit: \"day\";r=0, \"api\";r=0\r\n"},
             Row{"an escaped spelling of the name", {{"RateLimit", "\"\\api\";r=0"}},
                 "RateLimit-Policy: \"api\";q=100;w=60, \"day\";q=900;w=86400\r\n"
                 "RateLimit: \"\\api\";r=0\r\nRateLimit: \"api\";r=57;t=12, \"day\";r=3\r\n"},
             Row{"an older draft's shape", {{"RateLimit", "limit=10, remaining=1, reset=30"}},
                 "RateLimit-Policy: \"api\";q=100;w=60, \"day\";q=900;w=86400\r\n"
                 "RateLimit: limit=10, remaining=1, reset=30\r\n"
                 "RateLimit: \"api\";r=57;t=12, \"day\";r=3\r\n"},
             Row{"only the policy cannot be read",
                 {{"RateLimit-Policy", "10;w=1"}, {"RateLimit", "\"api\";r=0"}},
                 "RateLimit-Policy: 10;w=1\r\n"
                 "RateLimit-Policy: \"api\";q=100;w=60, \"day\";q=900;w=86400\r\n"
                 "RateLimit: \"api\";r=0\r\nRateLimit: \"api\";r=57;t=12, \"day\";r=3\r\n"},
         }) {
        CAPTURE(row.name);
        CHECK(merged(row.theirs, our_lists) == row.wanted);
    }
}

TEST_CASE("of the three-field forms the one with less remaining stands, never both")
{
    const std::string ours =
        "X-RateLimit-Limit: 100\r\nX-RateLimit-Remaining: 9\r\nX-RateLimit-Reset: 1700000060\r\n";
    struct Row {
        const char* name;
        std::string remaining;
        bool theirs_stand;
    };
    for (const Row& row : {Row{"less", "8", true}, Row{"as much", "9", false},
             Row{"more", "10", false}, Row{"none", "0", true}, Row{"negative", "-1", true},
             Row{"a number and more", "3, 3;w=1", true}, Row{"no number", "many", false},
             Row{"empty", "", false}, Row{"too large", "99999999999999999999", false}}) {
        CAPTURE(row.name);
        const std::vector<Field> theirs{{"x-ratelimit-limit", "5"},
            {"X-Ratelimit-Remaining", row.remaining}, {"X-RateLimit-Reset", "30"}};
        const std::string kept = "x-ratelimit-limit: 5\r\nX-Ratelimit-Remaining: " + row.remaining +
                                 "\r\nX-RateLimit-Reset: 30\r\n";
        CHECK(merged(theirs, ours) == (row.theirs_stand ? kept : ours));
    }
    CHECK(merged({{"X-RateLimit-Limit", "5"}}, ours) == ours);
    CHECK(merged({{"X-RateLimit-Remaining", "12"}, {"X-RateLimit-Remaining", "2"}}, ours) ==
          "X-RateLimit-Remaining: 12\r\nX-RateLimit-Remaining: 2\r\n");
}

TEST_CASE("each form is merged by itself")
{
    const std::string legacy =
        "X-RateLimit-Limit: 1\r\nX-RateLimit-Remaining: 1\r\nX-RateLimit-Reset: 1\r\n";
    const std::string older =
        "RateLimit-Limit: 7\r\nRateLimit-Remaining: 5\r\nRateLimit-Reset: 3\r\n";
    CHECK(merged({{"RateLimit-Limit", "6"}, {"RateLimit-Remaining", "4"}}, legacy + older) ==
          legacy + "RateLimit-Limit: 6\r\nRateLimit-Remaining: 4\r\n");
    // A form that we do not write passes as it is.
    CHECK(merged({{"RateLimit-Remaining", "4"}}, legacy) == legacy + "RateLimit-Remaining: 4\r\n");
}
