#include "upstream/rig.hpp"

#include <doctest/doctest.h>

#include <optional>

using namespace orggate;
using test::receive;
using test::receive_all;
using test::receive_until;
using test::RelayRig;
using test::say;

namespace {

constexpr auto key = "dGhlIHNhbXBsZSBub25jZQ==";  // RFC 6455 section 1.3

std::string switching(std::string_view accept)
{
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: " +
           std::string(accept) + "\r\n\r\n";
}

struct Ended {
    std::optional<Denial> refused;
    upstream::Delivery delivery;
};

Awaitable<void> gate(RelayRig& rig, Ended& ended)
{
    const auto answer = co_await rig.relay->ask();
    if (answer) {
        const http::ClientHead head;
        ended.delivery = co_await rig.relay->deliver(head);
    } else {
        ended.refused = answer.error();
    }
    rig.client.ours->close();
}

void ask_for_websocket(RelayRig& rig)
{
    rig.request.is_websocket = true;
    rig.request.websocket_key = key;
}

Awaitable<void> silent_upstream(RelayRig& rig)
{
    auto stream = co_await rig.accept();
    co_await receive_until(*stream, "\r\n\r\n");
    co_await say(*stream, switching(http::websocket_accept(key)));
    co_await receive_all(*stream);
}

Awaitable<void> silent_client(RelayRig& rig)
{
    co_await receive_all(*rig.client.theirs);
}

}  // namespace

TEST_CASE("a tunnel carries what either side says first, last and in between")
{
    RelayRig rig;
    ask_for_websocket(rig);
    rig.arrived("early");
    rig.make_relay();
    Ended ended;
    auto upstream = [](RelayRig& r) -> Awaitable<void> {
        auto stream = co_await r.accept();
        co_await receive_until(*stream, "\r\n\r\n");
        co_await say(*stream, switching(http::websocket_accept(key)) + "right behind");
        const auto early = co_await receive(*stream, 9);
        CHECK(early == "earlyping");
        co_await say(*stream, "pong");
        const auto rest = co_await receive_all(*stream);
        CHECK(rest.bytes == "last");
        co_await say(*stream, "bye");
        stream->close();
    };
    auto client = [](RelayRig& r) -> Awaitable<void> {
        auto& stream = *r.client.theirs;
        const auto head = co_await receive_until(stream, "\r\n\r\n");
        CHECK(head.find("HTTP/1.1 101") == 0);
        const auto first = co_await receive(stream, 12);
        CHECK(first == "right behind");
        co_await say(stream, "ping");
        const auto pong = co_await receive(stream, 4);
        CHECK(pong == "pong");
        co_await say(stream, "last");
        co_await stream.shutdown_send(test::enough);
        const auto rest = co_await receive_all(stream);
        CHECK(rest.bytes == "bye");
    };
    rig.loop.run(gate(rig, ended), upstream(rig), client(rig));
    CHECK_FALSE(ended.refused);
    CHECK(rig.counters.tunnels.value() == 0);
}

TEST_CASE("a switch with the wrong proof is refused")
{
    RelayRig rig;
    ask_for_websocket(rig);
    rig.make_relay();
    Ended ended;
    auto upstream = [](RelayRig& r) -> Awaitable<void> {
        auto stream = co_await r.accept();
        co_await receive_until(*stream, "\r\n\r\n");
        co_await say(*stream, switching("AAAAAAAAAAAAAAAAAAAAAAAAAAA="));
        co_await receive_all(*stream);
    };
    rig.loop.run(gate(rig, ended), upstream(rig), silent_client(rig));
    REQUIRE(ended.refused);
    CHECK(*ended.refused == Denial::upstream_protocol);
}

TEST_CASE("a refused switch is an ordinary answer")
{
    RelayRig rig;
    ask_for_websocket(rig);
    rig.make_relay();
    Ended ended;
    auto upstream = [](RelayRig& r) -> Awaitable<void> {
        auto stream = co_await r.accept();
        co_await receive_until(*stream, "\r\n\r\n");
        co_await say(*stream, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        r.pool->sweep(std::chrono::steady_clock::time_point::max());
        co_await receive_all(*stream);
    };
    auto client = [](RelayRig& r) -> Awaitable<void> {
        const auto all = co_await receive_all(*r.client.theirs);
        CHECK(all.bytes.find("HTTP/1.1 403") == 0);
        r.pool->sweep(std::chrono::steady_clock::time_point::max());
    };
    rig.loop.run(gate(rig, ended), upstream(rig), client(rig));
    CHECK(ended.delivery.client_may_stay);
}

TEST_CASE("a tunnel ends when nobody speaks, and at its greatest age")
{
    for (const bool is_idle : {true, false}) {
        CAPTURE(is_idle);
        RelayRig rig;
        ask_for_websocket(rig);
        (is_idle ? rig.websocket.idle : rig.websocket.max_age) = test::soon;
        rig.clock = &test::running_clock;  // silence is measured
        rig.make_relay();
        Ended ended;
        rig.loop.run(gate(rig, ended), silent_upstream(rig), silent_client(rig));
        CHECK_FALSE(ended.refused);
        CHECK(rig.counters.tunnels.value() == 0);
    }
}
