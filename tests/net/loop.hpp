// One io_context with its deadlines, and connected sockets on loopback.

#pragma once

#include "orggate/net/await.hpp"
#include "orggate/net/deadlines.hpp"
#include "orggate/net/stream.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <chrono>
#include <exception>
#include <memory>
#include <utility>

namespace orggate::test {

using boost::system::error_code;

inline constexpr Milliseconds soon{5};         // where a timeout is wanted
inline constexpr Milliseconds enough{20'000};  // where none is

struct Loop {
    boost::asio::io_context io{1};
    net::Deadlines deadlines{io.get_executor()};
    int running = 0;

    void spawn(Awaitable<void> story)
    {
        ++running;
        boost::asio::co_spawn(io, std::move(story), [this](std::exception_ptr failure) {
            if (--running == 0) deadlines.stop();
            if (failure) std::rethrow_exception(failure);
        });
    }

    // Runs the stories to their ends; the context must run dry by itself then.
    template <class... Stories>
    void run(Stories... stories)
    {
        (spawn(std::move(stories)), ...);
        io.run_for(std::chrono::seconds(60));
        REQUIRE(running == 0);
        REQUIRE(io.stopped());
    }

    net::Socket adopt(int descriptor, int family)
    {
        net::Socket socket(io.get_executor());
        socket.assign(boost::asio::generic::stream_protocol(family, 0), descriptor);
        return socket;
    }
};

struct Pair {
    std::unique_ptr<net::Stream> ours, theirs;
};

enum class Over { tcp, unix_socket };

inline Pair make_pair(Loop& loop, Over over = Over::tcp)
{
    Pair made;
    int ends[2] = {-1, -1};
    int family = AF_UNIX;
    if (over == Over::unix_socket) {
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    } else {
        using Tcp = boost::asio::ip::tcp;
        family = AF_INET;
        Tcp::acceptor acceptor(loop.io, Tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
        Tcp::socket near(loop.io), far(loop.io);
        near.connect(acceptor.local_endpoint());
        acceptor.accept(far);
        ends[0] = near.release();
        ends[1] = far.release();
    }
    made.ours = std::make_unique<net::Stream>(loop.adopt(ends[0], family), loop.deadlines);
    made.theirs = std::make_unique<net::Stream>(loop.adopt(ends[1], family), loop.deadlines);
    return made;
}

// Everything until the end or an error.
struct Received {
    std::string bytes;
    error_code error;
};

inline Awaitable<Received> receive_all(net::Stream& stream)
{
    Received all;
    char buffer[4096];
    const std::span<char> room(buffer);
    while (!all.error) {
        const net::Transfer got = co_await stream.read_some(room, enough);
        all.bytes.append(buffer, got.bytes);
        all.error = got.error;
    }
    co_return all;
}

inline Awaitable<std::string> receive(net::Stream& stream, std::size_t size)
{
    std::string all;
    char buffer[4096];
    while (all.size() < size) {
        const std::span<char> room(buffer, std::min(sizeof buffer, size - all.size()));
        const net::Transfer got = co_await stream.read_some(room, enough);
        CHECK_FALSE(got.error);
        if (got.error) break;
        all.append(buffer, got.bytes);
    }
    co_return all;
}

}  // namespace orggate::test
