// A relay between a client and a scripted upstream, all in one io_context.

#pragma once

#include "net/loop.hpp"
#include "orggate/upstream/relay.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <string>

namespace orggate::test {

inline Instant stopped_clock()
{
    return {std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000)),
        std::chrono::steady_clock::time_point(std::chrono::seconds(1'000))};
}

inline Instant running_clock()
{
    return {std::chrono::system_clock::now(), std::chrono::steady_clock::now()};
}

inline observe::LogOptions quiet()
{
    observe::LogOptions options;
    options.level = observe::Level::error;
    return options;
}

struct RelayRig {
    Loop loop;
    boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor> acceptor;
    config::Upstream upstream;
    observe::Counters counters{{.routes = {"r"}, .upstreams = {"u"}, .limits = {}}};
    observe::Log log{quiet()};
    Pair client;  // `ours` is the gate's side
    net::Input input;
    std::unique_ptr<upstream::Pool> pool;
    http::RequestHead request;
    config::RouteSettings route;
    config::WebSocket websocket;
    Clock clock = &stopped_clock;
    std::unique_ptr<upstream::Relay> relay;

    RelayRig()
        : acceptor(loop.io.get_executor(), {boost::asio::ip::address_v4::loopback(), 0}),
          client(make_pair(loop)),
          input(*client.ours, 4096, 4096)
    {
        upstream.name = "u";
        upstream.address.host = "127.0.0.1";
        upstream.address.port = acceptor.local_endpoint().port();
        route.timeouts.upstream_connect = enough;
        request.method = "GET";
        pool = std::make_unique<upstream::Pool>(
            upstream, nullptr, Milliseconds{4'000}, loop.deadlines, counters.upstreams[0], log);
    }

    // Bytes that have arrived behind the head.
    void arrived(std::string_view bytes)
    {
        input.push_back(bytes);
        input.settle();
    }

    upstream::Relay& make_relay(std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    {
        upstream::Job job{*client.ours, input, request, std::move(head), route, websocket, clock};
        relay = std::make_unique<upstream::Relay>(std::move(job), *pool, counters);
        return *relay;
    }

    Awaitable<std::unique_ptr<net::Stream>> accept()
    {
        constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable_t<Executor>());
        net::Socket socket(loop.io.get_executor());
        const auto [error] = co_await acceptor.async_accept(socket, token);
        CHECK_FALSE(error);
        co_return std::make_unique<net::Stream>(std::move(socket), loop.deadlines);
    }
};

// Up to and including `end`.
inline Awaitable<std::string> receive_until(net::Stream& stream, std::string_view end)
{
    std::string all;
    char byte;
    const std::span<char> room(&byte, 1);
    while (!all.ends_with(end)) {
        const net::Transfer got = co_await stream.read_some(room, enough);
        if (got.error) break;
        all.push_back(byte);
    }
    co_return all;
}

inline Awaitable<void> say(net::Stream& stream, std::string bytes)
{
    const net::Transfer sent = co_await stream.write(bytes, enough);
    CHECK_FALSE(sent.error);
}

}  // namespace orggate::test
