// A peer that answers each connection with the next thing it was told to.

#pragma once

#include "net/loop.hpp"

#include "orggate/net/listening_socket.hpp"
#include "orggate/net/signal.hpp"
#include "orggate/net/tls.hpp"

#include <deque>
#include <string>
#include <vector>

namespace orggate::test {

enum class End { close, abort, hang, dribble, endless };

struct Reply {
    std::string bytes;
    End end = End::close;
    net::Signal* gate = nullptr;  // waited for before the first byte
};

inline Reply ok(const std::string& body)
{
    return {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body};
}

class ScriptedClerk {
public:
    ScriptedClerk(Loop& loop, net::ServerContext* tls = nullptr)
        : loop_(loop),
          tls_(tls),
          socket_(open()),
          accepting_(loop.adopt(socket_.duplicate(), AF_INET))
    {
    }

    std::deque<Reply> replies;  // the last one is given again and again
    std::vector<std::string> requests;

    std::uint16_t port() const { return socket_.port(); }
    std::string url(const std::string& host = "127.0.0.1") const
    {
        return (tls_ != nullptr ? "https://" : "http://") + host + ":" + std::to_string(port()) +
               "/v1/jwks?x=1";
    }

    Awaitable<void> serve()
    {
        for (;;) {
            auto [error] = co_await accepting_.async_wait(net::Socket::wait_read, net::as_values);
            if (error) break;
            const int one = ::accept(accepting_.native_handle(), nullptr, nullptr);
            if (one < 0) continue;
            streams_.push_back(
                std::make_unique<net::Stream>(loop_.adopt(one, AF_INET), loop_.deadlines));
            loop_.spawn(answer(*streams_.back()));
        }
    }

    void stop()
    {
        accepting_.close();
        for (auto& stream : streams_)
            stream->close();
    }

private:
    static net::ListeningSocket open()
    {
        config::Address address;
        address.host = "127.0.0.1";
        auto opened = net::ListeningSocket::open(address);
        REQUIRE(opened.has_value());
        return std::move(*opened);
    }

    Awaitable<void> answer(net::Stream& stream)
    {
        if (tls_ != nullptr) {
            const error_code error = co_await stream.handshake_as_server(*tls_, enough);
            if (error) {
                stream.close();
                co_return;
            }
        }
        std::string request;
        char buffer[4096];
        const std::span<char> room(buffer);
        while (request.find("\r\n\r\n") == std::string::npos) {
            const net::Transfer got = co_await stream.read_some(room, enough);
            if (got.error) co_return;
            request.append(buffer, got.bytes);
        }
        requests.push_back(request);
        const Reply reply = replies.front();
        if (replies.size() > 1) replies.pop_front();
        if (reply.gate != nullptr) co_await reply.gate->wait();
        co_await stream.write(reply.bytes, enough);
        if (reply.end == End::hang) co_return;
        if (reply.end == End::dribble || reply.end == End::endless)
            co_await go_on(stream, reply.end);
        if (reply.end == End::close) co_await stream.shutdown_send(enough);
        stream.close();
    }

    Awaitable<void> go_on(net::Stream& stream, End how)
    {
        using Clock = std::chrono::steady_clock;
        boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>, Executor> timer(
            loop_.io.get_executor());
        const std::string piece(how == End::dribble ? 1 : 50'000, 'x');
        for (net::Transfer sent; !sent.error;) {
            sent = co_await stream.write(piece, enough);
            timer.expires_after(Milliseconds(how == End::dribble ? 1 : 0));
            co_await timer.async_wait(net::as_values);
        }
    }

    Loop& loop_;
    net::ServerContext* tls_;
    net::ListeningSocket socket_;
    net::Socket accepting_;
    std::vector<std::unique_ptr<net::Stream>> streams_;
};

}  // namespace orggate::test
