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

constexpr auto ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

struct Upload {
    std::optional<Denial> refused;
    upstream::Delivery delivery;
    std::string upstream_heard, client_heard;
};

Awaitable<void> gate(RelayRig& rig, Upload& upload)
{
    const auto answer = co_await rig.relay->ask();
    if (answer) {
        const http::ClientHead head;
        upload.delivery = co_await rig.relay->deliver(head);
    } else {
        upload.refused = answer.error();
    }
    rig.client.ours->close();
    rig.pool->sweep(std::chrono::steady_clock::time_point::max());
}

// Reads everything; answers once it has heard `end`.
Awaitable<void> hear(RelayRig& rig, Upload& upload, std::string end)
{
    auto stream = co_await rig.accept();
    upload.upstream_heard = co_await receive_until(*stream, end);
    if (!upload.upstream_heard.ends_with(end)) co_return;
    co_await say(*stream, ok);
    const auto more = co_await receive_all(*stream);
    upload.upstream_heard += more.bytes;
}

enum class Then { listen, finish };

Awaitable<void> send(RelayRig& rig, Upload& upload, std::string body, Then then)
{
    co_await say(*rig.client.theirs, std::move(body));
    if (then == Then::finish) co_await rig.client.theirs->shutdown_send(test::enough);
    const auto heard = co_await receive_all(*rig.client.theirs);
    upload.client_heard = heard.bytes;
}

RelayRig& chunked(RelayRig& rig)
{
    rig.request.method = "POST";
    rig.request.body = http::BodyKind::chunked;
    return rig;
}

RelayRig& sized(RelayRig& rig, std::uint64_t length)
{
    rig.request.method = "POST";
    rig.request.body = http::BodyKind::sized;
    rig.request.content_length = length;
    return rig;
}

}  // namespace

TEST_CASE("a body streams up in our own framing")
{
    RelayRig rig;
    chunked(rig).make_relay("HEAD");
    Upload upload;
    rig.loop.run(gate(rig, upload), hear(rig, upload, "0\r\n\r\n"),
        send(rig, upload, "003\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", Then::listen));
    CHECK(upload.upstream_heard == "HEAD5\r\nabcde\r\n0\r\n\r\n");
    CHECK(upload.delivery.client_may_stay);
    CHECK(upload.client_heard.ends_with("hi"));
}

TEST_CASE("a body that came with the head leaves with the head, and the next request stays behind")
{
    RelayRig rig;
    sized(rig, 3).arrived("abcGET /next");
    rig.make_relay("HEAD");
    Upload upload;
    rig.loop.run(
        gate(rig, upload), hear(rig, upload, "HEADabc"), send(rig, upload, "", Then::listen));
    CHECK(upload.upstream_heard == "HEADabc");
    CHECK(rig.input.unread() == "GET /next");
    CHECK(upload.delivery.client_may_stay);
}

TEST_CASE("the next request behind a streamed body is kept for its turn")
{
    RelayRig rig;
    sized(rig, 3).make_relay("HEAD");
    Upload upload;
    rig.loop.run(gate(rig, upload), hear(rig, upload, "HEADabc"),
        send(rig, upload, "abcGET /next", Then::listen));
    rig.input.settle();
    CHECK(rig.input.unread() == "GET /next");
}

TEST_CASE("a body that is not what it says is refused and never whole upstream")
{
    struct Row {
        const char* name;
        std::string body;
        Then then;
        Denial denial;
    };
    const Row rows[] = {
        {"bad size", "2\r\nab\r\nx\r\n", Then::listen, Denial::bad_chunk},
        {"extension", "2\r\nab\r\n1;a=b\r\n", Then::listen, Denial::chunk_extension},
        {"trailer", "2\r\nab\r\n0\r\nX-Org-Id: evil\r\n\r\n", Then::listen,
            Denial::trailer_refused},
        {"cut short", "2\r\nab\r\n3\r\na", Then::finish, Denial::body_truncated},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        for (const bool is_early : {false, true}) {
            if (is_early && row.then == Then::finish) continue;
            CAPTURE(is_early);
            RelayRig rig;
            chunked(rig);
            Upload upload;
            if (is_early) {
                // All of it is there before the upstream is asked, and so it never is.
                rig.arrived(row.body);
                rig.make_relay("HEAD");
                rig.loop.run(gate(rig, upload), send(rig, upload, "", Then::listen));
                CHECK(rig.counters.upstreams[0].connects.value() == 0);
            } else {
                rig.make_relay("HEAD");
                rig.loop.run(gate(rig, upload), hear(rig, upload, "0\r\n\r\n"),
                    send(rig, upload, row.body, row.then));
                CHECK_FALSE(upload.upstream_heard.ends_with("0\r\n\r\n"));
            }
            REQUIRE(upload.refused);
            CHECK(*upload.refused == row.denial);
        }
    }
}

TEST_CASE("a body that stalls is too slow")
{
    RelayRig rig;
    sized(rig, 10).make_relay("HEAD");
    rig.route.timeouts.body_gap = test::soon;
    rig.make_relay("HEAD");
    Upload upload;
    rig.loop.run(
        gate(rig, upload), hear(rig, upload, "never"), send(rig, upload, "abc", Then::listen));
    REQUIRE(upload.refused);
    CHECK(*upload.refused == Denial::body_timeout);
}

TEST_CASE("a body may be as long as the limit and not one byte longer")
{
    for (const bool is_chunked : {false, true}) {
        CAPTURE(is_chunked);
        for (const std::size_t length : {5u, 6u}) {
            CAPTURE(length);
            RelayRig rig;
            rig.route.max_body = 5;
            const std::string payload(length, 'x');
            std::string body = payload;
            if (is_chunked) {
                chunked(rig);
                body = std::to_string(length) + "\r\n" + payload + "\r\n0\r\n\r\n";
            } else {
                sized(rig, length);
            }
            rig.arrived(body);
            rig.make_relay("HEAD");
            Upload upload;
            if (length == 5)
                rig.loop.run(gate(rig, upload),
                    hear(rig, upload, is_chunked ? "0\r\n\r\n" : "xxxxx"),
                    send(rig, upload, "", Then::listen));
            else
                rig.loop.run(gate(rig, upload), send(rig, upload, "", Then::listen));
            CHECK(upload.refused.has_value() == (length == 6));
            // A refused body is never passed over as if it had been read.
            CHECK(rig.relay->has_whole_body() == (length == 5));
            if (upload.refused) CHECK(*upload.refused == Denial::body_too_large);
        }
    }
}

TEST_CASE("an early answer is delivered, and the connection behind it is not used again")
{
    RelayRig rig;
    sized(rig, 1'000'000).make_relay("HEAD");
    Upload upload;
    auto upstream = [](RelayRig& r) -> Awaitable<void> {
        auto stream = co_await r.accept();
        co_await receive(*stream, 4);
        co_await say(*stream, ok);
        co_await receive_all(*stream);
    };
    rig.loop.run(gate(rig, upload), upstream(rig), send(rig, upload, "some", Then::listen));
    CHECK_FALSE(upload.refused);
    CHECK(upload.delivery.is_complete);
    CHECK_FALSE(upload.delivery.client_may_stay);
    CHECK(upload.client_heard.ends_with("hi"));
    CHECK(upload.client_heard.find("Connection: close") != std::string::npos);
    CHECK(rig.pool->take_idle(test::stopped_clock().steady) == nullptr);
}

TEST_CASE("a request whose body has begun to be read is never sent again")
{
    RelayRig rig;
    sized(rig, 10);
    rig.request.method = "PUT";
    Upload upload;
    auto upstream = [](RelayRig& r) -> Awaitable<void> {
        auto stream = co_await r.accept();
        co_await receive(*stream, 4);
        co_await say(*stream, ok);
        co_await receive(*stream, 4);  // on the same connection, rested
        stream->close();
    };
    auto twice = [](RelayRig& r, Upload& u) -> Awaitable<void> {
        r.request.body = http::BodyKind::none;
        auto answer = co_await r.make_relay("HEAD").ask();
        REQUIRE(answer.has_value());
        const http::ClientHead head;
        co_await r.relay->deliver(head);
        r.request.body = http::BodyKind::sized;
        answer = co_await r.make_relay("HEAD").ask();
        REQUIRE(answer.has_error());
        u.refused = answer.error();
        r.client.ours->close();
    };
    rig.loop.run(twice(rig, upload), upstream(rig), send(rig, upload, "", Then::listen));
    CHECK(*upload.refused == Denial::upstream_closed);
    CHECK(rig.counters.upstreams[0].retries.value() == 0);
}

TEST_CASE("a connection to which a body was not written whole is never lent again")
{
    RelayRig rig;
    const std::string body(8u << 20, 'x');  // more than the sockets hold
    sized(rig, body.size()).make_relay("HEAD");
    rig.route.timeouts.upstream_head = Milliseconds{50};
    rig.make_relay("HEAD");
    Upload upload;
    // Answers at once and in two halves, and never reads on: the body gets stuck.
    auto upstream = [](RelayRig& r) -> Awaitable<void> {
        auto stream = co_await r.accept();
        co_await receive(*stream, 4);
        co_await say(*stream, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh");
        net::Signal later(r.loop.io.get_executor());
        boost::asio::basic_waitable_timer<std::chrono::steady_clock,
            boost::asio::wait_traits<std::chrono::steady_clock>, Executor>
            timer(r.loop.io.get_executor(), std::chrono::milliseconds(200));
        constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable_t<Executor>());
        co_await timer.async_wait(token);
        co_await say(*stream, "i");
        co_await receive_all(*stream);
    };
    auto client = [](RelayRig& r, const std::string& bytes, Upload& u) -> Awaitable<void> {
        co_await r.client.theirs->write(bytes, test::enough);  // as far as it is taken
        const auto heard = co_await receive_all(*r.client.theirs);
        u.client_heard = heard.bytes;
    };
    rig.loop.run(gate(rig, upload), upstream(rig), client(rig, body, upload));
    CHECK_FALSE(upload.delivery.client_may_stay);
    CHECK(rig.pool->take_idle(test::stopped_clock().steady) == nullptr);
}

TEST_CASE("a client that expects 100 gets ours once the upstream is there")
{
    RelayRig rig;
    sized(rig, 3);
    rig.request.expects_continue = true;
    rig.make_relay("HEAD");
    Upload upload;
    auto client = [](RelayRig& r, Upload& u) -> Awaitable<void> {
        const auto go_on = co_await receive_until(*r.client.theirs, "\r\n\r\n");
        CHECK(go_on == "HTTP/1.1 100 Continue\r\n\r\n");
        co_await say(*r.client.theirs, "abc");
        const auto heard = co_await receive_all(*r.client.theirs);
        u.client_heard = heard.bytes;
    };
    rig.loop.run(gate(rig, upload), hear(rig, upload, "HEADabc"), client(rig, upload));
    CHECK(upload.delivery.client_may_stay);
}
