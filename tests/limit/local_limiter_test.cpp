#include "orggate/limit/local.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <doctest/doctest.h>

#include <array>

using namespace std::chrono_literals;
using namespace orggate;
using limit::Check;
using limit::Decision;
using limit::Quota;

namespace {

Awaitable<void> take_three(limit::Limiter& limiter, const Quota& quota, std::array<bool, 3>& passed)
{
    Check check;
    check.limit = "api";
    check.subject = "org_a";
    check.quota = &quota;
    for (bool& pass : passed) {
        Decision decision;
        const std::span checks(&check, 1);
        const std::span decisions(&decision, 1);
        const Instant now;
        const auto result = co_await limiter.take(checks, decisions, now);
        pass = result && decision.allowed;
    }
}

}  // namespace

TEST_CASE("the port answers as the table does, and limiters over one table share it")
{
    boost::asio::io_context context;
    const auto table = std::make_shared<limit::LocalTable>(HashKey{1, 2});
    const auto first = limit::make_local_limiter(table), second = limit::make_local_limiter(table);
    Quota quota;
    quota.units = 4;
    quota.window = 60s;
    quota.name = "api";
    std::array<bool, 3> a{}, b{};
    boost::asio::co_spawn(context, take_three(*first, quota, a), boost::asio::detached);
    context.run();
    context.restart();
    boost::asio::co_spawn(context, take_three(*second, quota, b), boost::asio::detached);
    context.run();
    CHECK(a == std::array{true, true, true});
    CHECK(b == std::array{true, false, false});
}
