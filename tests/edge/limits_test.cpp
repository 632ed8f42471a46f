#include "edge/limits.hpp"

#include "edge/rig.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace std::chrono_literals;
using namespace orggate;
using limit::By;
using limit::Check;
using limit::Decision;
using observe::LimitOutcome;
using test::EdgeRig;
using test::has;
using test::ScriptedLimiter;

namespace {

const std::string one_limit = R"(
clients: { unauthenticated: off, refused: off, connections: off }
limits: { api: { rate: 100/1m, concurrent: 5 } }
default: { access: org, limits: [api] }
)";

const std::string by_address = R"(
clients: { unauthenticated: off, refused: off, connections: off }
limits:
  near: { rate: 30/1m, per: ip, concurrent: 3 }
  api: { rate: 100/1m }
default: { access: org, limits: [near, api] }
)";

// Refuses what is counted under this quota's name.
auto refusing(std::string quota, By by = By::counter)
{
    return [quota, by](ScriptedLimiter::Checks checks, ScriptedLimiter::Decisions decisions) {
        test::let_pass(checks, decisions);
        for (std::size_t i = 0; i < checks.size(); ++i) {
            decisions[i].holds_permit = false;
            if (checks[i].quota->name != quota) continue;
            decisions[i].allowed = false;
            decisions[i].remaining = 0;
            decisions[i].wait = 7s;
            decisions[i].by = by;
        }
        return Result<void>();
    };
}

Result<void> unavailable(ScriptedLimiter::Checks, ScriptedLimiter::Decisions)
{
    return Denial::limiter_unavailable;
}

}  // namespace

TEST_CASE("an answer counts by who gave it, and what it said")
{
    struct Row {
        By by;
        bool allowed, enforced;
        LimitOutcome outcome;
    };
    for (const Row& row : {
             Row{By::counter, true, true, LimitOutcome::allowed},
             Row{By::counter, true, false, LimitOutcome::allowed},
             Row{By::counter, false, true, LimitOutcome::denied},
             Row{By::counter, false, false, LimitOutcome::shadow_denied},
             Row{By::lease, true, true, LimitOutcome::allowed},
             Row{By::lease, false, true, LimitOutcome::denied},
             Row{By::lease, false, false, LimitOutcome::shadow_denied},
             Row{By::deny_cache, false, true, LimitOutcome::denied_locally},
             Row{By::deny_cache, false, false, LimitOutcome::shadow_denied},
             Row{By::fallback, true, true, LimitOutcome::fallback_allowed},
             Row{By::fallback, true, false, LimitOutcome::fallback_allowed},
             Row{By::fallback, false, true, LimitOutcome::fallback_denied},
             Row{By::fallback, false, false, LimitOutcome::shadow_denied},
             Row{By::open, true, true, LimitOutcome::error_open},
             Row{By::open, true, false, LimitOutcome::error_open},
             Row{By::open, false, true, LimitOutcome::error_closed},
         }) {
        CAPTURE(edge::word(row.by));
        CAPTURE(row.allowed);
        CAPTURE(row.enforced);
        Check check;
        check.enforced = row.enforced;
        Decision decision;
        decision.by = row.by;
        decision.allowed = row.allowed;
        CHECK(edge::outcome_of(check, decision) == row.outcome);
    }
}

TEST_CASE("what made the limiter refuse altogether is an enforced check that is closed")
{
    using limit::OnError;
    const auto check = [](OnError on_error, bool enforced = true) {
        Check made;
        made.on_error = on_error;
        made.enforced = enforced;
        return made;
    };
    struct Row {
        const char* name;
        std::vector<Check> checks;
        std::vector<bool> closed;
    };
    for (const Row& row : {
             Row{"one that says closed among others",
                 {check(OnError::local), check(OnError::closed), check(OnError::open)},
                 {false, true, false}},
             Row{"none says so: a full table", {check(OnError::local), check(OnError::open)},
                 {true, false}},
             Row{"closed in shadow is not the reason",
                 {check(OnError::closed, false), check(OnError::local)}, {false, true}},
             Row{"nothing enforced", {check(OnError::closed, false)}, {false}},
         }) {
        CAPTURE(row.name);
        for (std::size_t i = 0; i < row.checks.size(); ++i)
            CHECK(edge::is_closed(row.checks, row.checks[i]) == row.closed[i]);
    }
}

TEST_CASE("an allowed request is told what is left, counted, and gives its permit back once")
{
    EdgeRig rig(one_limit);
    rig.limiter.answer = &test::let_pass;
    const auto answer = test::allowed(rig, test::get("/", test::bearer()));
    CHECK(has(answer, "HTTP/1.1 200"));
    CHECK(has(answer, "RateLimit-Policy: \"api\";q=100;w=60, "
                      "\"api-concurrent\";q=5;qu=\"concurrent-requests\"\r\n"));
    CHECK(has(answer, "RateLimit: \"api\";r=99, \"api-concurrent\";r=4\r\n"));
    REQUIRE(rig.limiter.calls.size() == 1);
    const auto& asked = rig.limiter.calls.front();
    REQUIRE(asked.size() == 2);
    CHECK(asked[0] == ScriptedLimiter::Question{"api", "org_2acme", "api", "", limit::Per::org, 1});
    CHECK(rig.outcome(LimitOutcome::allowed) == 2);
    CHECK(rig.limiter.held == 0);
    CHECK(rig.limiter.releases == 1);
    CHECK_FALSE(rig.limiter.is_asked_twice);
    const auto lines = rig.access_lines();
    REQUIRE(lines.size() == 1);
    CHECK(has(lines[0], R"("limit":"api-concurrent","remaining":4,"limit_by":"counter"})"));
    CHECK(rig.denied.lately(1h, test::edge_clock()).empty());
}

TEST_CASE("a refused request gets 429 with all it needs to know, and nothing reaches the app")
{
    EdgeRig rig(one_limit);
    rig.limiter.answer = refusing("api", By::deny_cache);
    const auto answer = test::refused(rig, test::get("/", test::bearer()));
    CHECK(has(answer, "HTTP/1.1 429 Too Many Requests\r\nCache-Control: no-store\r\n"));
    CHECK(has(answer, "Retry-After: 7\r\n"));
    CHECK(has(answer, "RateLimit: \"api\";r=0, \"api-concurrent\";r=4\r\n"));
    CHECK(has(answer, "X-RateLimit-Reset: " + std::to_string(test::mint_time + 7) + "\r\n"));
    CHECK(has(answer, "\"violated-policies\":[\"api\"]"));
    CHECK(rig.outcome(LimitOutcome::denied_locally) == 1);
    CHECK(rig.outcome(LimitOutcome::allowed) == 0);
    CHECK(has(rig.access_lines().at(0), R"("limit":"api","remaining":0,"limit_by":"deny_cache"})"));
    const auto denied = rig.denied.lately(1h, test::edge_clock());
    REQUIRE(denied.size() == 1);
    CHECK(denied[0].subject == "org_2acme");
    CHECK(denied[0].limit == "api");
}

TEST_CASE("a refused request counts at the limits that refuse it, and at no other")
{
    EdgeRig rig(R"(
clients: { unauthenticated: off, refused: off, connections: off }
limits:
  api: { rate: 100/1m }
  full: { rate: 50/1m }
  tried: { rate: 10/1m, shadow: true }
default: { access: org, limits: [api, full, tried] }
)");
    using Checks = ScriptedLimiter::Checks;
    using Decisions = ScriptedLimiter::Decisions;
    const auto total = [&](std::size_t limit) {
        std::uint64_t sum = 0;
        for (const auto& outcome : rig.counters.limits[limit].outcome)
            sum += outcome.value();
        return sum;
    };
    // In shadow it says no; whether `full` does is told by the row.
    bool is_full = true;
    By by = By::counter;
    rig.limiter.answer = [&](Checks checks, Decisions decisions) {
        auto answered = test::let_pass(checks, decisions);
        for (std::size_t i = 0; i < checks.size(); ++i) {
            decisions[i].by = by;
            if (checks[i].limit == "tried" || (checks[i].limit == "full" && is_full))
                decisions[i].allowed = false;
        }
        return answered;
    };
    CHECK(has(test::refused(rig, test::get("/", test::bearer())), "HTTP/1.1 429"));
    CHECK(total(0) == 0);
    CHECK(rig.outcome(LimitOutcome::denied, 1) == 1);
    CHECK(rig.outcome(LimitOutcome::shadow_denied, 2) == 1);
    by = By::fallback;
    CHECK(has(test::refused(rig, test::get("/", test::bearer())), "HTTP/1.1 429"));
    CHECK(total(0) == 0);
    CHECK(rig.outcome(LimitOutcome::fallback_denied, 1) == 1);
    // A refusal in shadow is no reason.
    is_full = false;
    by = By::counter;
    CHECK(has(test::allowed(rig, test::get("/", test::bearer())), "HTTP/1.1 200"));
    CHECK(rig.outcome(LimitOutcome::allowed, 0) == 1);
    CHECK(rig.outcome(LimitOutcome::allowed, 1) == 1);
    CHECK(total(0) == 1);
    CHECK(total(1) == 3);
    CHECK(rig.outcome(LimitOutcome::shadow_denied, 2) == 3);
}

TEST_CASE("a request that weighs more than its limit is told that it can never pass")
{
    EdgeRig rig(R"(
clients: { unauthenticated: off, refused: off, connections: off }
limits: { api: { rate: 3/1m } }
default: { access: org, limits: { api: 5 } }
)");
    rig.limiter.answer = [](ScriptedLimiter::Checks, ScriptedLimiter::Decisions decisions) {
        decisions[0].wait = Microseconds::max();
        return Result<void>();
    };
    const auto answer =
        test::refused(rig, test::get("/", test::bearer() + "Accept: text/plain\r\n"));
    CHECK(has(answer, "HTTP/1.1 429"));
    CHECK_FALSE(has(answer, "Retry-After"));
    CHECK(has(answer, "Too Many Requests: This request weighs 5, the limit is 3: it can never "
                      "pass. Violated: api. (quota_exhausted)\n"));
}

TEST_CASE("whatever is answered is dated when it is answered")
{
    EdgeRig rig(
        one_limit + "cors: { origins: [\"https://other.example.com\"], preflight: answer }\n");
    rig.limiter.answer = [](ScriptedLimiter::Checks checks, ScriptedLimiter::Decisions decisions) {
        test::edge_time += Milliseconds{2'000};
        return test::let_pass(checks, decisions);
    };
    static_assert(test::mint_time == 1'700'000'000);
    const std::string before = "\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n";
    CHECK(has(test::refused(rig, test::get("/")), before));
    CHECK(has(test::refused(rig, test::get("/..")), before));
    CHECK(has(
        test::refused(rig, "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), before));
    CHECK(has(test::refused(rig, "OPTIONS / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                                 "Origin: https://other.example.com\r\n"
                                 "Access-Control-Request-Method: PUT\r\n\r\n"),
        before));
    CHECK(has(test::allowed(rig, test::get("/", test::bearer())),
        "\r\nDate: Tue, 14 Nov 2023 22:13:22 GMT\r\n"));
    const auto theirs = test::allowed(rig, test::get("/", test::bearer()),
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nDate: x\r\n\r\n");
    CHECK(has(theirs, "\r\nDate: x\r\n"));
    CHECK_FALSE(has(theirs, "GMT"));
    const auto broken = test::allowed(rig, test::get("/", test::bearer()), "nonsense\r\n\r\n");
    CHECK(has(broken, "HTTP/1.1 502"));
    CHECK(has(broken, "\r\nDate: Tue, 14 Nov 2023 22:13:26 GMT\r\n"));
}

TEST_CASE("an answer is dated when the app gave it, however long that took")
{
    for (const auto& says : {test::empty_answer, std::string("nonsense\r\n\r\n")}) {
        CAPTURE(says);
        EdgeRig rig(one_limit);
        rig.limiter.answer = &test::let_pass;
        auto app = [](EdgeRig& r, std::string answer) -> Awaitable<void> {
            const auto stream = co_await r.accept();
            co_await test::heard_until(*stream, "\r\n\r\n");
            test::edge_time += Milliseconds{30'000};
            co_await stream->write(answer, test::enough);
            stream->close();
        };
        std::string heard;
        rig.loop.run(test::ask(rig, test::get("/", test::bearer()), heard), app(rig, says));
        CHECK(has(heard, "\r\nDate: Tue, 14 Nov 2023 22:13:50 GMT\r\n"));
    }
}

TEST_CASE("limits that cannot be checked are 503, with nothing said about what is left")
{
    EdgeRig rig(one_limit);
    rig.limiter.answer = &unavailable;
    const auto answer = test::refused(rig, test::get("/", test::bearer()));
    CHECK(has(answer, "HTTP/1.1 503"));
    const auto at = answer.find("Retry-After: ");
    REQUIRE(at != answer.npos);
    const char seconds = answer[at + 13];
    CHECK(seconds >= '1');
    CHECK(seconds <= '5');
    CHECK(answer[at + 14] == '\r');
    CHECK(has(answer, "#temporary-reduced-capacity"));
    CHECK_FALSE(has(answer, "RateLimit"));
    CHECK(rig.outcome(LimitOutcome::error_closed) == 2);
    CHECK(rig.limiter.releases == 0);
    CHECK_FALSE(has(rig.access_lines().at(0), "limit_by"));
}

TEST_CASE("what nobody counted passes, is counted as such, and says nothing")
{
    EdgeRig rig(one_limit);
    rig.limiter.answer = [](ScriptedLimiter::Checks, ScriptedLimiter::Decisions decisions) {
        for (auto& decision : decisions) {
            decision.allowed = true;
            decision.by = By::open;
            decision.has_numbers = false;
        }
        return Result<void>();
    };
    const auto answer = test::allowed(rig, test::get("/", test::bearer()));
    CHECK(has(answer, "HTTP/1.1 200"));
    CHECK_FALSE(has(answer, "RateLimit"));
    CHECK(rig.outcome(LimitOutcome::error_open) == 2);
    const auto line = rig.access_lines().at(0);
    CHECK(has(line, R"("limit":"api","limit_by":"open"})"));
}

TEST_CASE("limits per address are charged before the token is read, and shown with the others")
{
    EdgeRig rig(by_address);
    rig.limiter.answer = &test::let_pass;
    const auto answer = test::allowed(rig, test::get("/", test::bearer()));
    CHECK(has(answer, "RateLimit: \"near\";r=29, \"near-concurrent\";r=2, \"api\";r=99\r\n"));
    REQUIRE(rig.limiter.calls.size() == 2);
    REQUIRE(rig.limiter.calls[0].size() == 2);
    CHECK(rig.limiter.calls[0][0] ==
          ScriptedLimiter::Question{"near", "127.0.0.1", "near", "", limit::Per::ip, 1});
    REQUIRE(rig.limiter.calls[1].size() == 1);
    CHECK(rig.limiter.calls[1][0].subject == "org_2acme");
    CHECK(rig.limiter.held == 0);
    CHECK_FALSE(rig.limiter.is_asked_twice);

    SUBCASE("a bad token is charged there, told so, and gives the permit back")
    {
        rig.limiter.calls.clear();
        const auto bad = test::refused(rig, test::get("/", "Authorization: Bearer x.y.z\r\n"));
        CHECK(has(bad, "HTTP/1.1 401"));
        CHECK(has(bad, "RateLimit: \"near\";r=29, \"near-concurrent\";r=2\r\n"));
        CHECK(rig.limiter.calls.size() == 1);
        CHECK(rig.limiter.held == 0);
    }
    SUBCASE("a refusal there needs no token, and is nobody's organisation")
    {
        rig.limiter.calls.clear();
        rig.limiter.answer = refusing("near");
        const auto refused = test::refused(rig, test::get("/", test::bearer()));
        CHECK(has(refused, "HTTP/1.1 429"));
        CHECK(has(refused, "\"violated-policies\":[\"near\"]"));
        CHECK(rig.limiter.calls.size() == 1);
        CHECK(rig.outcome(LimitOutcome::denied, 0) == 1);
        CHECK(rig.outcome(LimitOutcome::allowed, 0) == 2);  // of the request before
        CHECK(rig.denied.lately(1h, test::edge_clock()).empty());
        CHECK(has(rig.access_lines().at(1), R"("limit":"near")"));
    }
    SUBCASE("a browser that is sent to sign in is not told that nothing is left")
    {
        rig.limiter.answer = [](ScriptedLimiter::Checks c, ScriptedLimiter::Decisions d) {
            test::let_pass(c, d);
            d[0].remaining = 0;
            return Result<void>();
        };
        const auto sent =
            test::refused(rig, test::get("/", "Sec-Fetch-Dest: document\r\nAccept: text/html\r\n"));
        CHECK(has(sent, "HTTP/1.1 307"));
        CHECK(has(sent, "RateLimit-Policy: "));
        CHECK_FALSE(has(sent, "RateLimit: "));
    }
}

TEST_CASE("a permit is given back whatever happens to the request")
{
    EdgeRig rig(by_address);
    rig.limiter.answer = &test::let_pass;
    SUBCASE("the upstream breaks the protocol")
    {
        const auto answer = test::allowed(rig, test::get("/", test::bearer()), "nonsense\r\n\r\n");
        CHECK(has(answer, "HTTP/1.1 502"));
    }
    SUBCASE("the upstream ends too early")
    {
        test::allowed(rig, test::get("/", test::bearer()),
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort");
    }
    SUBCASE("a later limit refuses")
    {
        rig.limiter.answer = [](ScriptedLimiter::Checks checks, ScriptedLimiter::Decisions d) {
            if (checks[0].per == limit::Per::ip) return test::let_pass(checks, d);
            return Result<void>(Denial::limiter_unavailable);
        };
        CHECK(has(test::refused(rig, test::get("/", test::bearer())), "HTTP/1.1 503"));
    }
    SUBCASE("the body is too wrong to go on")
    {
        const auto request = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" +
                             test::bearer() + "\r\nzz\r\n";
        CHECK(has(test::refused(rig, request), "HTTP/1.1 400"));
    }
    SUBCASE("the client leaves")
    {
        auto client = [](EdgeRig& r) -> Awaitable<void> {
            const auto stream = r.connect();
            const auto request = test::get("/", test::bearer());
            co_await stream->write(request, test::enough);
            const auto app = co_await r.accept();
            co_await test::heard_until(*app, "\r\n\r\n");
            CHECK(r.limiter.held == 1);
            stream->reset();
            const auto rest = co_await test::receive_all(*app);
            CHECK(rest.error);
        };
        rig.loop.run(client(rig));
    }
    SUBCASE("something is thrown that nobody expected")
    {
        rig.limiter.answer = [](ScriptedLimiter::Checks checks, ScriptedLimiter::Decisions d) {
            if (checks[0].per == limit::Per::ip) return test::let_pass(checks, d);
            throw std::runtime_error("unexpected");
        };
        bool was_thrown = false;
        auto client = [](EdgeRig& r, bool& thrown) -> Awaitable<void> {
            auto ended = [&thrown](std::exception_ptr failed) { thrown = failed != nullptr; };
            const auto stream = r.connect(ended);
            const auto request = test::get("/", test::bearer());
            co_await stream->write(request, test::enough);
            co_await test::receive_all(*stream);
        };
        rig.loop.run(client(rig, was_thrown));
        CHECK(was_thrown);
    }
    CHECK(rig.limiter.held == 0);
    CHECK(rig.limiter.releases == 1);
    CHECK_FALSE(rig.limiter.is_asked_twice);
}

TEST_CASE("a permit is held while the answer streams")
{
    EdgeRig rig(one_limit);
    rig.limiter.answer = &test::let_pass;
    auto client = [](EdgeRig& r) -> Awaitable<void> {
        const auto stream = r.connect();
        const auto request = test::get("/", test::bearer());
        co_await stream->write(request, test::enough);
        const auto app = co_await r.accept();
        co_await test::heard_until(*app, "\r\n\r\n");
        co_await app->write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", test::enough);
        const auto half = co_await test::heard_until(*stream, "\r\n\r\na");
        CHECK(has(half, "200"));
        CHECK(r.limiter.held == 1);
        co_await app->write("b", test::enough);
        co_await test::receive_all(*stream);
        CHECK(r.limiter.held == 0);
    };
    rig.loop.run(client(rig));
    CHECK(rig.limiter.releases == 1);
}

TEST_CASE("what the app says of its own limits stands beside ours")
{
    EdgeRig rig(one_limit + "cors: { origins: [\"https://other.example.com\"] }\n");
    rig.limiter.answer = &test::let_pass;
    const auto answer =
        test::allowed(rig, test::get("/", test::bearer() + "Origin: https://other.example.com\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nRateLimit: \"api\";r=3, \"app\";r=1\r\n"
            "X-RateLimit-Remaining: 1\r\nAccess-Control-Allow-Origin: "
            "https://other.example.com\r\n\r\n");
    CHECK(has(answer, "RateLimit: \"api\";r=3, \"app\";r=1\r\n"));
    CHECK(has(answer, "RateLimit: \"api-concurrent\";r=4\r\n"));
    CHECK(has(answer, "X-RateLimit-Remaining: 1\r\n"));
    CHECK_FALSE(has(answer, "X-RateLimit-Remaining: 99\r\n"));
    CHECK(has(answer, "Access-Control-Expose-Headers: X-Request-Id, RateLimit-Policy, RateLimit, "
                      "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset\r\n"));
}

TEST_CASE("all limits of a request share one deadline")
{
    EdgeRig rig(by_address + "redis: { url: \"redis://127.0.0.1:1/0\", deadline: 25ms }\n");
    rig.limiter.answer = [](auto checks, auto decisions) {
        test::edge_time += Milliseconds{16};
        return test::let_pass(checks, decisions);
    };
    test::allowed(rig, test::get("/", test::bearer()));
    REQUIRE(rig.limiter.began.size() == 2);
    CHECK(rig.limiter.began[0].steady == rig.limiter.began[1].steady);
    // 16 ms twice: neither is too long alone.
    CHECK(rig.counters.store.waits_over_deadline.value() == 1);
}

TEST_CASE("a wait for Redis is measured, and told apart where it was too long")
{
    for (const auto& [waited, is_late] :
        {std::pair{Milliseconds{30}, false}, {Milliseconds{31}, true}}) {
        CAPTURE(waited.count());
        EdgeRig rig(one_limit + "redis: { url: \"redis://127.0.0.1:1/0\", deadline: 25ms }\n");
        rig.limiter.answer = [waited = waited](auto checks, auto decisions) {
            test::edge_time += waited;
            return test::let_pass(checks, decisions);
        };
        test::allowed(rig, test::get("/", test::bearer()));
        CHECK(rig.counters.store.waits_over_deadline.value() == (is_late ? 1 : 0));
        CHECK(rig.counters.store.wait.sum_us.value() ==
              static_cast<std::uint64_t>(waited.count()) * 1000);
    }
    EdgeRig rig(one_limit);
    test::allowed(rig, test::get("/", test::bearer()));
    std::uint64_t observed = 0;
    for (const auto& bucket : rig.counters.store.wait.buckets)
        observed += bucket.value();
    CHECK(observed == 0);
}
