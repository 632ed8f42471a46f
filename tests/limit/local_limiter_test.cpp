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

Quota quota(std::int64_t units, limit::Algorithm algorithm = limit::Algorithm::window)
{
    Quota made;
    made.units = units;
    made.window = 60s;
    made.name = "api";
    made.algorithm = algorithm;
    return made;
}

Check check(const Quota& quota, std::string_view subject = "org_a")
{
    Check made;
    made.limit = "api";
    made.subject = subject;
    made.quota = &quota;
    return made;
}

struct Answer {
    Result<void> result;
    Decision decision;
    bool passed() const { return result && decision.allowed; }
};

Awaitable<void> take_into(limit::Limiter& limiter, const Check& check, Answer& answer)
{
    const std::span checks(&check, 1);
    const std::span decisions(&answer.decision, 1);
    const Instant now;
    answer.result = co_await limiter.take(checks, decisions, now);
}

Answer take(limit::Limiter& limiter, const Check& check)
{
    boost::asio::io_context context;
    Answer answer;
    boost::asio::co_spawn(context, take_into(limiter, check, answer), boost::asio::detached);
    context.run();
    return answer;
}

}  // namespace

TEST_CASE("the port answers as the table does, and limiters over one table share it")
{
    const auto table = std::make_shared<limit::LocalTable>(HashKey{1, 2});
    const auto first = limit::make_local_limiter(table), second = limit::make_local_limiter(table);
    const Quota q = quota(4);
    for (const bool passes : {true, true, true})
        CHECK(take(*first, check(q)).passed() == passes);
    for (const bool passes : {true, false, false})
        CHECK(take(*second, check(q)).passed() == passes);
}

TEST_CASE("a permit taken through one limiter may be given back through another")
{
    const auto table = std::make_shared<limit::LocalTable>(HashKey{1, 2});
    const auto first = limit::make_local_limiter(table), second = limit::make_local_limiter(table);
    const Quota q = quota(1, limit::Algorithm::concurrent);
    const Check one = check(q);
    const Answer held = take(*first, one);
    CHECK(held.decision.holds_permit);
    CHECK_FALSE(take(*second, one).passed());
    second->release(std::span(&one, 1), std::span(&held.decision, 1), Instant{});
    CHECK(take(*first, one).passed());
}

TEST_CASE("a full table answers as the limit's on_error says; local has nothing to fall back to")
{
    const auto table = std::make_shared<limit::LocalTable>(HashKey{1, 2}, 1);
    const auto limiter = limit::make_local_limiter(table);
    const Quota q = quota(4);
    REQUIRE(take(*limiter, check(q)).passed());
    Check other = check(q, "org_b");
    for (const auto on_error : {limit::OnError::local, limit::OnError::closed}) {
        other.on_error = on_error;
        const Answer refused = take(*limiter, other);
        REQUIRE(refused.result.has_error());
        CHECK(refused.result.error() == Denial::limiter_unavailable);
    }
    other.on_error = limit::OnError::open;
    const Answer passed = take(*limiter, other);
    CHECK(passed.passed());
    CHECK(passed.decision.by == limit::By::open);
    CHECK_FALSE(passed.decision.has_numbers);
}
