#include "app/tenant_text.hpp"

#include "orggate/config/load.hpp"

#include <doctest/doctest.h>

using namespace orggate;
using namespace orggate::app;

namespace {

constexpr std::string_view yaml = R"(
upstream: http://127.0.0.1:3000
clerk: { publishable_key: pk_test_Y2xlcmsuZXhhbXBsZS5jb20k }
limits: { api: { rate: 100/1m }, exports: { rate: [1/1s, 10/1h] } }
)";

const config::Config& base()
{
    static const auto loaded = config::load(yaml, "test.yaml",
        {.environment = [](const std::string&) { return std::optional<std::string>(); },
            .read_file = [](const std::string&,
                             std::string&) { return std::optional<std::string>(); }});
    REQUIRE(loaded.config);
    return *loaded.config;
}

}  // namespace

TEST_CASE("what an operator writes is read back as they meant it")
{
    const TenantWords words{.bypass = "exports",
        .limits = {"api=20/1s", "api=1000/1h"},
        .blocked = "true",
        .until = "2027-03-01T00:00:00Z",
        .reason = "\"quoted\" ${HOME} : { } # \\ \u00e9"};
    const auto text = tenant_text(words);
    REQUIRE(text.has_value());
    const auto tenant = config::tenant_from_text(*text, base());
    REQUIRE_MESSAGE(tenant.has_value(), tenant.error());
    CHECK(tenant->bypass == std::vector<std::string>{"exports"});
    CHECK_FALSE(tenant->bypass_all);
    CHECK(tenant->blocked);
    CHECK(tenant->reason == words.reason);
    REQUIRE(tenant->limits.at("api").size() == 2);
    CHECK(tenant->limits.at("api")[0].units == 20);
    CHECK(tenant->limits.at("api")[1].window == std::chrono::hours(1));
    CHECK(utc_text(*tenant->until) == "2027-03-01T00:00:00Z");
}

TEST_CASE("settings as text read back to the same text")
{
    for (const std::string_view text : {
             R"({"bypass":"all"})",
             R"({"bypass":["api","exports"]})",
             R"({"limits":{"api":"200/1m"}})",
             R"({"limits":{"api":["1/1s","7/90s"],"exports":"5/1d"}})",
             R"({"blocked":true,"until":"2030-12-31T23:59:59Z","reason":"ticket 812"})",
         }) {
        CAPTURE(text);
        const auto tenant = config::tenant_from_text(text, base());
        REQUIRE(tenant.has_value());
        CHECK(tenant_text(*tenant) == text);
    }
}

TEST_CASE("a tenant of whom nothing is said, or nonsense, is refused")
{
    const TenantWords rows[] = {
        {},
        {.reason = "why not"},
        {.limits = {"api"}},
        {.limits = {"=1/1m"}},
        {.limits = {"api="}},
        {.blocked = "yes"},
    };
    for (const auto& row : rows)
        CHECK_FALSE(tenant_text(row).has_value());
}

TEST_CASE("rates are written in the largest unit that fits")
{
    struct Row {
        std::int64_t units;
        Microseconds window;
        std::string_view expected;
    };
    const Row rows[] = {
        {100, std::chrono::minutes(1), "100/1m"},
        {1, std::chrono::seconds(90), "1/90s"},
        {5, std::chrono::hours(48), "5/2d"},
        {7, std::chrono::milliseconds(1500), "7/1500ms"},
    };
    for (const auto& row : rows) {
        limit::Quota quota;
        quota.units = row.units;
        quota.window = row.window;
        CHECK(rate_text(quota) == row.expected);
    }
    limit::Quota month;
    month.units = 9;
    month.algorithm = limit::Algorithm::calendar;
    month.period = limit::Period::month;
    month.window = std::chrono::hours(31 * 24);
    CHECK(rate_text(month) == "9/1mo");
}
