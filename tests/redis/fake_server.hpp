// A Redis server that does what a test says, in the test's own io_context.

#pragma once

#include "net/loop.hpp"
#include "orggate/redis/store.hpp"
#include "redis/wire.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace orggate::test {

using Words = std::vector<std::string>;

// One client's connection, as the server sees it.
class FakePeer {
public:
    FakePeer(net::Socket socket, net::Deadlines& deadlines) : stream(std::move(socket), deadlines)
    {
    }

    // The next command; empty when the client is gone.
    Awaitable<Words> command()
    {
        char buffer[4096];
        const std::span<char> room(buffer);
        for (;;) {
            if (const auto asked = reader.next()) {
                Words words;
                for (const auto& element : asked->elements)
                    words.push_back(element.text);
                co_return words;
            }
            const net::Transfer got = co_await stream.read_some(room, enough);
            if (got.error) co_return Words();
            reader.feed(std::string_view(buffer, got.bytes));
        }
    }

    Awaitable<void> say(std::string bytes) { co_await stream.write(bytes, enough); }

    // In as many pieces as there are bytes, each in a packet of its own.
    Awaitable<void> say_slowly(std::string bytes)
    {
        for (const char byte : bytes) {
            const std::string_view one(&byte, 1);
            co_await stream.write(one, enough);
            co_await boost::asio::post(stream.socket().get_executor(), net::as_values);
        }
    }

    // Until the client closes.
    Awaitable<void> swallow()
    {
        for (;;) {
            const Words words = co_await command();
            if (words.empty()) break;
        }
    }

    void close() { stream.close(); }

    net::Stream stream;
    redis::Reader reader;
};

// What a healthy primary says to the words of a set-up and to probes.
inline std::optional<std::string> healthy_reply(const Words& words)
{
    const std::string& verb = words.front();
    if (verb == "AUTH" || verb == "CLIENT" || verb == "SELECT") return "+OK\r\n";
    if (verb == "PING") return "+PONG\r\n";
    if (verb == "ROLE") return "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n";
    if (verb == "SCRIPT" && words.size() == 3)
        return "$40\r\n" + redis::Script(words[2]).sha + "\r\n";
    if (verb == "EVALSHA" && words.size() == 3) return ":1\r\n";
    return std::nullopt;
}

class FakeServer {
public:
    explicit FakeServer(Loop& loop)
        : acceptor(loop.io.get_executor(), {boost::asio::ip::address_v4::loopback(), 0}),
          deadlines(loop.deadlines)
    {
    }

    config::Address address()
    {
        config::Address made;
        made.host = "127.0.0.1";
        made.port = acceptor.local_endpoint().port();
        return made;
    }

    Awaitable<std::unique_ptr<FakePeer>> accept()
    {
        net::Socket socket(acceptor.get_executor());
        const auto [error] = co_await acceptor.async_accept(socket, net::as_values);
        CHECK_FALSE(error);
        net::send_without_delay(socket);
        co_return std::make_unique<FakePeer>(std::move(socket), deadlines);
    }

    // Accepts and answers like a healthy primary up to the first command that is none of a
    // set-up's or a probe's; that is in `first` then (empty: the client went).
    Awaitable<std::unique_ptr<FakePeer>> accept_healthy(Words& first)
    {
        auto peer = co_await accept();
        co_await serve(*peer, first);
        co_return peer;
    }

    static Awaitable<void> serve(FakePeer& peer, Words& first)
    {
        for (;;) {
            first = co_await peer.command();
            if (first.empty()) break;
            const auto reply = healthy_reply(first);
            if (!reply) break;
            co_await peer.say(*reply);
        }
    }

    boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor> acceptor;
    net::Deadlines& deadlines;
};

}  // namespace orggate::test
