#include "edge/rig.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using namespace orggate;
using test::EdgeRig;
using test::has;

namespace {

constexpr auto socket_key = "dGhlIHNhbXBsZSBub25jZQ==";  // RFC 6455 section 1.3

const std::string handshake =
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
    std::string(socket_key) + "\r\n";

const std::string limited = R"(
clients: { connections: off }
limits: { api: { rate: 100/1m, concurrent: 5 } }
default: { access: org, limits: [api] }
)";

std::shared_ptr<const policy::Tenants> blocking(const std::string& org)
{
    policy::Tenant tenant;
    tenant.blocked = true;
    tenant.reason = "ticket 812";
    std::map<std::string, policy::Tenant, std::less<>> tenants;
    tenants.emplace(org, tenant);
    return std::make_shared<const policy::Tenants>(std::move(tenants));
}

Awaitable<std::unique_ptr<net::Stream>> switched(EdgeRig& rig)
{
    auto app = co_await rig.accept();
    co_await test::heard_until(*app, "\r\n\r\n");
    const std::string answer =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        http::websocket_accept(socket_key) + "\r\n\r\n";
    co_await app->write(answer, test::enough);
    co_return app;
}

}  // namespace

TEST_CASE("a tunnel holds its permit, and is closed when its organisation is blocked")
{
    EdgeRig rig(limited);
    rig.limiter.answer = &test::let_pass;
    auto story = [](EdgeRig& r) -> Awaitable<void> {
        const auto client = r.connect();
        const auto request = handshake + test::bearer() + "\r\n";
        co_await client->write(request, test::enough);
        const auto app = co_await switched(r);
        const auto head = co_await test::heard_until(*client, "\r\n\r\n");
        CHECK(has(head, "HTTP/1.1 101"));
        CHECK(r.limiter.held == 1);

        r.adopt(blocking("org_2somebody"));
        co_await client->write("ping", test::enough);
        const auto ping = co_await test::receive(*app, 4);
        CHECK(ping == "ping");

        r.adopt(blocking("org_2acme"));
        r.adopt(blocking("org_2acme"));  // once is enough
        const auto at_client = co_await test::receive_all(*client);
        CHECK(at_client.bytes.empty());
        const auto at_app = co_await test::receive_all(*app);
        CHECK(at_app.bytes.empty());
    };
    rig.loop.run(story(rig));
    CHECK(rig.limiter.held == 0);
    CHECK(rig.limiter.releases == 1);
    CHECK(rig.counters.tunnels.value() == 0);
    CHECK(rig.counters.client_aborts.value() == 0);
    const auto lines = rig.access_lines();
    REQUIRE(lines.size() == 1);
    CHECK(has(lines[0], R"("status":101)"));
    CHECK(has(lines[0], R"("verdict":"refused","reason":"blocked")"));
    CHECK(has(test::refused(rig, test::get("/", test::bearer())), "HTTP/1.1 403"));
}

TEST_CASE("an organisation that is blocked while its handshake waits gets no tunnel")
{
    EdgeRig rig(limited);
    rig.limiter.answer = [&rig](auto checks, auto decisions) {
        rig.adopt(blocking("org_2acme"));
        return test::let_pass(checks, decisions);
    };
    std::string answer;
    auto app = [](EdgeRig& r) -> Awaitable<void> {
        const auto stream = co_await r.accept();
        co_await test::receive_all(*stream);
    };
    rig.loop.run(test::ask(rig, handshake + test::bearer() + "\r\n", answer), app(rig));
    CHECK(answer.empty());
    CHECK(rig.limiter.held == 0);
    CHECK(has(rig.access_lines().at(0), R"("reason":"blocked")"));
}

TEST_CASE("an ordinary request goes on to its end when its organisation is blocked meanwhile")
{
    EdgeRig rig(limited);
    rig.limiter.answer = [&rig](auto checks, auto decisions) {
        rig.adopt(blocking("org_2acme"));
        return test::let_pass(checks, decisions);
    };
    CHECK(has(test::allowed(rig, test::get("/", test::bearer())), "HTTP/1.1 200"));
    CHECK(has(test::refused(rig, test::get("/", test::bearer())), "HTTP/1.1 403"));
}
