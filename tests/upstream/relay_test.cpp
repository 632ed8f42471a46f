#include "upstream/rig.hpp"

#include <doctest/doctest.h>

#include <optional>

using namespace orggate;
using test::enough;
using test::receive;
using test::receive_all;
using test::receive_until;
using test::RelayRig;
using test::say;

namespace {

constexpr auto ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

// What a whole exchange came to.
struct Result_ {
    std::optional<Denial> refused;
    upstream::Delivery delivery;
    int status = 0;
};

Awaitable<void> exchange(RelayRig& rig, Result_& result)
{
    const auto answer = co_await rig.relay->ask();
    if (!answer) {
        result.refused = answer.error();
        rig.client.ours->close();
        co_return;
    }
    result.status = (*answer)->status;
    http::ClientHead head;
    head.client_minor_version = rig.request.minor_version;
    result.delivery = co_await rig.relay->deliver(head);
    rig.client.ours->close();
}

// An upstream that reads one head and answers with these bytes, then keeps still until
// the gate leaves.
Awaitable<void> answer_once(RelayRig& rig, std::string answer, std::string& heard)
{
    auto stream = co_await rig.accept();
    heard = co_await receive_until(*stream, "\r\n\r\n");
    co_await say(*stream, std::move(answer));
    if (rig.pool) co_await receive_all(*stream);
}

// As answer_once, but ends the connection behind its answer.
Awaitable<void> answer_and_close(RelayRig& rig, std::string answer)
{
    auto stream = co_await rig.accept();
    co_await receive_until(*stream, "\r\n\r\n");
    co_await say(*stream, std::move(answer));
    stream->close();
}

Awaitable<void> listen_in(RelayRig& rig, std::string& heard)
{
    const auto all = co_await receive_all(*rig.client.theirs);
    heard = all.bytes;
    rig.pool->sweep(std::chrono::steady_clock::time_point::max());
}

struct Told {
    Result_ result;
    std::string client_heard, upstream_heard;
};

Told tell(RelayRig& rig, std::string answer, bool closes = false)
{
    Told told;
    rig.make_relay();
    if (closes)
        rig.loop.run(exchange(rig, told.result), answer_and_close(rig, std::move(answer)),
            listen_in(rig, told.client_heard));
    else
        rig.loop.run(exchange(rig, told.result),
            answer_once(rig, std::move(answer), told.upstream_heard),
            listen_in(rig, told.client_heard));
    return told;
}

}  // namespace

TEST_CASE(
    "only an idempotent request without a sent body on a pooled, silent connection is retried")
{
    struct Row {
        const char* name;
        upstream::Attempt attempt;
        bool retry;
    };
    const Row rows[] = {
        {"GET", {"GET", true, false, false}, true},
        {"HEAD", {"HEAD", true, false, false}, true},
        {"PUT", {"PUT", true, false, false}, true},
        {"DELETE", {"DELETE", true, false, false}, true},
        {"OPTIONS", {"OPTIONS", true, false, false}, true},
        {"POST may act twice", {"POST", true, false, false}, false},
        {"PATCH may act twice", {"PATCH", true, false, false}, false},
        {"a fresh connection", {"GET", false, false, false}, false},
        {"some body has left", {"PUT", true, true, false}, false},
        {"an answer has begun", {"GET", true, false, true}, false},
        {"too slow is not closed", {"GET", true, false, false, Denial::upstream_timeout}, false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(upstream::may_retry(row.attempt) == row.retry);
    }
}

TEST_CASE("an answer reaches the client whole and the connection rests for the next request")
{
    RelayRig rig;
    Result_ first;
    std::string heard;
    rig.make_relay();
    auto upstream = [](RelayRig& r) -> Awaitable<void> {
        auto stream = co_await r.accept();
        for (int i = 0; i < 2; ++i) {
            co_await receive_until(*stream, "\r\n\r\n");
            co_await say(*stream, ok);
        }
        co_await receive_all(*stream);
    };
    auto gate = [](RelayRig& r, Result_& result) -> Awaitable<void> {
        for (int i = 0; i < 2; ++i) {
            r.make_relay();
            const auto answer = co_await r.relay->ask();
            REQUIRE(answer.has_value());
            const http::ClientHead head;
            result.delivery = co_await r.relay->deliver(head);
            CHECK(result.delivery.is_complete);
            CHECK(result.delivery.client_may_stay);
        }
        r.client.ours->close();
    };
    rig.loop.run(gate(rig, first), upstream(rig), listen_in(rig, heard));
    CHECK(heard.find("HTTP/1.1 200") == 0);
    CHECK(heard.ends_with("\r\n\r\nhi"));
    CHECK(rig.counters.upstreams[0].connects.value() == 1);
    CHECK(rig.counters.upstreams[0].reused.value() == 1);
}

TEST_CASE("a pooled connection that the upstream closes is replaced for GET and refused for POST")
{
    for (const bool is_get : {true, false}) {
        CAPTURE(is_get);
        RelayRig rig;
        rig.request.method = is_get ? "GET" : "POST";
        std::string heard;
        auto upstream = [](RelayRig& r, bool again) -> Awaitable<void> {
            auto stream = co_await r.accept();
            co_await receive_until(*stream, "\r\n\r\n");
            co_await say(*stream, ok);
            co_await receive_until(*stream, "\r\n\r\n");
            stream->close();
            if (!again) co_return;
            stream = co_await r.accept();
            co_await receive_until(*stream, "\r\n\r\n");
            co_await say(*stream, ok);
            co_await receive_all(*stream);
        };
        std::optional<Denial> refused;
        auto gate = [](RelayRig& r, std::optional<Denial>& denial) -> Awaitable<void> {
            for (int i = 0; i < 2; ++i) {
                r.make_relay();
                const auto answer = co_await r.relay->ask();
                if (!answer) {
                    denial = answer.error();
                    break;
                }
                const http::ClientHead head;
                co_await r.relay->deliver(head);
            }
            r.client.ours->close();
        };
        rig.loop.run(gate(rig, refused), upstream(rig, is_get), listen_in(rig, heard));
        CHECK(refused.has_value() == !is_get);
        if (refused) CHECK(*refused == Denial::upstream_closed);
        CHECK(rig.counters.upstreams[0].retries.value() == (is_get ? 1 : 0));
    }
}

TEST_CASE("what an upstream may not answer is refused")
{
    std::string nine;
    for (int i = 0; i < 9; ++i)
        nine += "HTTP/1.1 103 Early Hints\r\n\r\n";
    struct Row {
        const char* name;
        std::string answer;
        Denial denial;
    };
    const Row rows[] = {
        {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
            Denial::upstream_protocol},
        {"length and coding",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
            Denial::upstream_protocol},
        {"bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", Denial::upstream_protocol},
        {"folded", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", Denial::upstream_protocol},
        {"not HTTP", "SSH-2.0-x\r\n\r\n", Denial::upstream_protocol},
        {"unasked switch",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            Denial::upstream_protocol},
        {"nine interim answers", nine + ok, Denial::upstream_protocol},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        RelayRig rig;
        const auto told = tell(rig, row.answer);
        REQUIRE(told.result.refused);
        CHECK(*told.result.refused == row.denial);
        std::size_t interim = 0;
        for (auto at = told.client_heard.find(" 103 "); at != std::string::npos;
             at = told.client_heard.find(" 103 ", at + 1))
            ++interim;
        CHECK(interim <= 8);
    }
}

TEST_CASE("eight interim answers pass, a 100 of the upstream's never does, and HTTP/1.0 sees none")
{
    std::string interim;
    for (int i = 0; i < 8; ++i)
        interim += "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    for (const int version : {1, 0}) {
        CAPTURE(version);
        RelayRig rig;
        rig.request.minor_version = version;
        const auto told = tell(rig, interim + ok);
        CHECK_FALSE(told.result.refused);
        CHECK((told.client_heard.find(" 103 ") != std::string::npos) == (version == 1));
    }
    RelayRig rig;
    const auto told = tell(rig, std::string("HTTP/1.1 100 Continue\r\n\r\n") + ok);
    CHECK(told.client_heard.find(" 100 ") == std::string::npos);
    CHECK(told.result.delivery.is_complete);
}

TEST_CASE("an answer that stops early never looks complete")
{
    struct Row {
        const char* name;
        std::string answer;
        Denial cut;
    };
    const Row rows[] = {
        {"sized", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", Denial::upstream_closed},
        {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
            Denial::upstream_closed},
        {"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhiXX0\r\n\r\n",
            Denial::upstream_protocol},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        RelayRig rig;
        const auto told = tell(rig, row.answer, true);
        CHECK_FALSE(told.result.refused);
        CHECK_FALSE(told.result.delivery.is_complete);
        CHECK_FALSE(told.result.delivery.client_may_stay);
        REQUIRE(told.result.delivery.cut);
        CHECK(*told.result.delivery.cut == row.cut);
        CHECK(told.client_heard.find("0\r\n\r\n") == std::string::npos);
    }
}

TEST_CASE("an answer that ends with its connection is chunked for 1.1 and complete")
{
    RelayRig rig;
    const auto told = tell(rig, "HTTP/1.1 200 OK\r\n\r\nhello", true);
    CHECK(told.result.delivery.is_complete);
    CHECK(told.client_heard.ends_with("5\r\nhello\r\n0\r\n\r\n"));
}

TEST_CASE("a connection with bytes behind its answer is never lent again")
{
    RelayRig rig;
    const auto told = tell(rig, std::string(ok) + "HTTP/1.1 200 OK\r\n", true);
    CHECK(told.result.delivery.is_complete);
    CHECK(rig.pool->take_idle(test::stopped_clock().steady) == nullptr);
}

TEST_CASE("a silent upstream is too slow, an absent one unreachable")
{
    RelayRig rig;
    rig.route.timeouts.upstream_head = test::soon;
    const auto told = tell(rig, "");
    REQUIRE(told.result.refused);
    CHECK(*told.result.refused == Denial::upstream_timeout);

    RelayRig absent;
    absent.acceptor.close();
    absent.make_relay();
    Result_ result;
    std::string heard;
    absent.loop.run(exchange(absent, result), listen_in(absent, heard));
    REQUIRE(result.refused);
    CHECK(*result.refused == Denial::upstream_unreachable);
}
