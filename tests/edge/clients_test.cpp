#include "orggate/edge/clients.hpp"

#include "edge/rig.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using namespace orggate;
using edge::Clients;
using test::EdgeRig;
using test::has;
using Token = Clients::Token;

namespace {

config::Config few()
{
    config::Config config;
    config.clients.unauthenticated =
        limit::Quota{.units = 3, .window = Microseconds(60s), .name = "x"};
    config.clients.refused = limit::Quota{.units = 2, .window = Microseconds(60s), .name = "y"};
    config.clients.connections = 2;
    return config;
}

constexpr HashKey key{1, 2};
constexpr std::string_view somebody = "203.0.113.7", another = "203.0.113.8";

const std::string strict = R"(
clients: { unauthenticated: 3/1m, refused: 2/1m, connections: 2 }
routes: [{ name: open, paths: ["/open"], access: public }]
)";

std::string expired()
{
    test::SessionClaims claims;
    claims.expires = test::mint_time - 100;
    return test::bearer(claims);
}

}  // namespace

TEST_CASE("requests without a token are counted, at the limit and one past it")
{
    Clients clients(few(), key);
    const auto now = test::at();
    for (int i = 0; i < 3; ++i) {
        const auto verdict = clients.judge(somebody, Token::absent, now);
        CHECK_FALSE(verdict.refusal.has_value());
        CHECK(verdict.is_counted);
    }
    const auto fourth = clients.judge(somebody, Token::absent, now);
    REQUIRE(fourth.refusal.has_value());
    CHECK(fourth.refusal->check.quota->name == "clients-unauthenticated");
    CHECK(fourth.refusal->decision.wait == Microseconds(60s));
    CHECK(fourth.is_counted);

    const auto with_token = clients.judge(somebody, Token::present, now);
    CHECK_FALSE(with_token.refusal.has_value());
    CHECK_FALSE(with_token.is_counted);
    CHECK_FALSE(clients.judge(another, Token::absent, now).refusal.has_value());
    // What was refused has cost nothing: a window later all is free again.
    CHECK_FALSE(clients.judge(somebody, Token::absent, test::at(61s)).refusal.has_value());
}

TEST_CASE("an address that was refused too often is refused before its token is looked at")
{
    Clients clients(few(), key);
    const auto now = test::at();
    for (const bool is_over : {false, false, true, true}) {
        const auto verdict = clients.judge(somebody, Token::present, now);
        CHECK(verdict.refusal.has_value() == is_over);
        CHECK(verdict.is_counted == is_over);
        if (is_over) CHECK(verdict.refusal->check.quota->name == "clients-refused");
        clients.note_refused(somebody, now);
    }
    CHECK_FALSE(clients.judge(another, Token::present, now).refusal.has_value());
    CHECK_FALSE(clients.judge(somebody, Token::present, test::at(61s)).refusal.has_value());
}

TEST_CASE("connections of one address are counted while they last")
{
    Clients clients(few(), key);
    const auto now = test::at();
    std::optional<Clients::Connection> first(std::in_place, &clients, "203.0.113.7", now);
    const Clients::Connection second(&clients, "203.0.113.7", now);
    CHECK_FALSE(first->refusal().has_value());
    CHECK_FALSE(second.refusal().has_value());
    {
        const Clients::Connection third(&clients, "203.0.113.7", now);
        REQUIRE(third.refusal().has_value());
        CHECK(third.refusal()->check.quota->name == "clients-connections");
        const Clients::Connection other(&clients, "203.0.113.8", now);
        CHECK_FALSE(other.refusal().has_value());
    }
    // The one too many has taken no place, and left none.
    CHECK(Clients::Connection(&clients, "203.0.113.7", now).refusal().has_value());
    first.reset();
    CHECK_FALSE(Clients::Connection(&clients, "203.0.113.7", now).refusal().has_value());
    CHECK_FALSE(Clients::Connection(nullptr, "203.0.113.7", now).refusal().has_value());
}

TEST_CASE("only addresses of clients are counted")
{
    struct Row {
        const char* name;
        std::string_view address;
        bool spares_private, is_counted;
    };
    config::Config config = few();
    config.trusted_proxies = {*http::parse_network("198.51.100.0/24")};
    for (const Row& row : {
             Row{"public", "203.0.113.7", true, true},
             Row{"public IPv6", "2001:db8::", true, true},
             Row{"private", "10.1.2.3", false, true},
             Row{"private, spared", "10.1.2.3", true, false},
             Row{"loopback, spared", "127.0.0.1", true, false},
             Row{"unique local, spared", "fd00::", true, false},
             Row{"a trusted proxy", "198.51.100.9", false, false},
             Row{"a unix socket", "unix", false, false},
             Row{"nobody", "", false, false},
         }) {
        CAPTURE(row.name);
        config.clients.spares_private = row.spares_private;
        Clients clients(config, key);
        CHECK(clients.counts(row.address) == row.is_counted);
        std::size_t passed = 0;
        for (int i = 0; i < 8; ++i)
            passed += !clients.judge(row.address, Token::absent, test::at()).refusal;
        CHECK(passed == (row.is_counted ? 3 : 8));
    }
}

TEST_CASE("what is off is not counted")
{
    Clients clients(config::Config{}, key);
    for (int i = 0; i < 1000; ++i) {
        const auto verdict = clients.judge(somebody, Token::absent, test::at());
        REQUIRE_FALSE(verdict.refusal.has_value());
        REQUIRE_FALSE(verdict.is_counted);
        clients.note_refused(somebody, test::at());
    }
    CHECK_FALSE(Clients::Connection(&clients, "203.0.113.7", test::at()).refusal().has_value());
}

TEST_CASE("whoever fills the table shuts nobody else out")
{
    Clients clients(few(), key, 64);
    for (int i = 0; i < 2000; ++i)
        clients.note_refused("2001:db8:0:" + std::to_string(i) + "::", test::at());
    // Counted as ever: its own limit holds, and nothing else.
    for (int i = 0; i < 50; ++i)
        CHECK(clients.judge(somebody, Token::absent, test::at()).refusal.has_value() == (i >= 3));
}

TEST_CASE("workers share one count")
{
    Clients clients(few(), key);
    std::atomic<int> passed{0};
    std::vector<std::thread> workers;
    for (int i = 0; i < 4; ++i)
        workers.emplace_back([&] {
            for (int n = 0; n < 100; ++n)
                passed += !clients.judge(somebody, Token::absent, test::at()).refusal;
        });
    for (auto& worker : workers)
        worker.join();
    CHECK(passed == 3);
}

TEST_CASE("a client without a token gets 429 in the end, one with a token goes on")
{
    EdgeRig rig(strict);
    for (int i = 0; i < 3; ++i)
        CHECK(has(test::refused(rig, test::get("/")), "HTTP/1.1 401"));
    const auto answer = test::refused(rig, test::get("/"));
    CHECK(has(answer, "HTTP/1.1 429"));
    CHECK(has(answer, "\"violated-policies\":[\"clients-unauthenticated\"]"));
    CHECK(has(answer, "RateLimit-Policy: \"clients-unauthenticated\";q=3;w=60\r\n"));
    CHECK(has(answer, "RateLimit: \"clients-unauthenticated\";r=0;t=60\r\n"));
    CHECK(has(answer, "Retry-After: 6"));
    CHECK(rig.counters.clients_refused.value() == 1);
    const auto lines = rig.access_lines();
    REQUIRE(lines.size() == 4);
    CHECK(
        has(lines[3], R"("verdict":"refused","reason":"quota_exhausted",)"
                      R"("limit":"clients-unauthenticated","remaining":0,"limit_by":"counter"})"));
    // Those three were refused, and yet not counted a second time.
    CHECK(has(test::allowed(rig, test::get("/", test::bearer())), "HTTP/1.1 200"));
    // A public page is a request without a token too.
    CHECK(has(test::refused(rig, test::get("/open")), "HTTP/1.1 429"));
}

TEST_CASE("a client whose tokens are refused is turned away before its next token is read")
{
    EdgeRig rig(strict);
    for (int i = 0; i < 2; ++i)
        CHECK(has(test::refused(rig, test::get("/", expired())), "HTTP/1.1 401"));
    const auto answer = test::refused(rig, test::get("/", test::bearer()));
    CHECK(has(answer, "HTTP/1.1 429"));
    CHECK(has(answer, "\"violated-policies\":[\"clients-refused\"]"));
    CHECK(rig.counters.clients_refused.value() == 1);
    // Turned away, it was not counted again: the window slides past the first two.
    test::edge_time += 61s;
    test::SessionClaims later;
    later.expires = test::mint_time + 200;
    CHECK(has(test::allowed(rig, test::get("/", test::bearer(later))), "HTTP/1.1 200"));
}

TEST_CASE("bytes that were never a request count as refused, the app's own errors do not")
{
    EdgeRig rig(strict);
    CHECK(has(test::refused(rig, "nonsense\r\n\r\n"), "HTTP/1.1 400"));
    CHECK(has(test::allowed(rig, test::get("/", test::bearer()), "bad\r\n\r\n"), "HTTP/1.1 502"));
    CHECK(has(test::allowed(rig, test::get("/", test::bearer()),
                  "HTTP/1.1 403 x\r\nContent-Length: 0\r\n\r\n"),
        "HTTP/1.1 403"));
    CHECK(has(test::refused(rig, "nonsense\r\n\r\n"), "HTTP/1.1 400"));
    CHECK(has(test::refused(rig, test::get("/", test::bearer())), "HTTP/1.1 429"));
}

TEST_CASE("a session cookie is a token, other cookies are none")
{
    EdgeRig rig(strict);
    for (const std::string cookie : {"__session=x", "a=b; __session_abcdefgh=x"})
        CHECK(
            has(test::refused(rig, test::get("/", "Cookie: " + cookie + "\r\n")), "HTTP/1.1 401"));
    CHECK(rig.counters.clients_refused.value() == 0);
    // Two refused with a token: `refused` is used up.
    CHECK(has(test::refused(rig, test::get("/", "Cookie: __session=x\r\n")), "clients-refused"));
    EdgeRig fresh(strict);
    for (int i = 0; i < 3; ++i)
        test::refused(fresh, test::get("/", "Cookie: __client_uat=1; session=x\r\n"));
    CHECK(has(test::refused(fresh, test::get("/")), "clients-unauthenticated"));
}

TEST_CASE("a token that proves nothing does not pass for one on a public page")
{
    EdgeRig rig(strict);
    for (int i = 0; i < 3; ++i)
        CHECK(
            has(test::allowed(rig, test::get("/open", "Cookie: __session=x\r\n")), "HTTP/1.1 200"));
    const auto answer = test::refused(rig, test::get("/open", "Cookie: __session=x\r\n"));
    CHECK(has(answer, "clients-unauthenticated"));
    CHECK(has(test::allowed(rig, test::get("/open", test::bearer())), "HTTP/1.1 200"));
}

TEST_CASE("one connection too many of one address is told so and closed")
{
    EdgeRig rig(strict);
    std::string answer;
    auto client = [](EdgeRig& r, std::string& heard) -> Awaitable<void> {
        const auto first = r.connect(), second = r.connect();
        const auto third = r.connect();
        const auto all = co_await test::receive_all(*third);
        heard = all.bytes;
        first->close();
        second->close();
    };
    rig.loop.run(client(rig, answer));
    CHECK(has(answer, "HTTP/1.1 429"));
    CHECK(has(answer, "Connection: close\r\n"));
    CHECK(has(answer, "Retry-After: 1\r\n"));
    CHECK(has(
        answer, "RateLimit-Policy: \"clients-connections\";q=2;qu=\"concurrent-requests\"\r\n"));
    CHECK(has(answer, "\"violated-policies\":[\"clients-connections\"]"));
    CHECK(rig.counters.clients_refused.value() == 1);
    CHECK(rig.open_connections == 0);
    CHECK(has(rig.access_lines().at(0), R"("client_ip":"127.0.0.1")"));
    CHECK(has(test::refused(rig, test::get("/")), "HTTP/1.1 401"));
}
