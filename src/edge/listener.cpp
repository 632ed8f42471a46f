#include "orggate/edge/listener.hpp"

#include "edge/connection.hpp"
#include "edge/refuse.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/socket.h>

#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace orggate::edge {
namespace {

constexpr std::chrono::milliseconds pause_after_error{50};
constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable_t<Executor>());
using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
    boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

Awaitable<void> turn_away(Station& station, net::Socket socket)
{
    net::Stream client(std::move(socket), station.deadlines);
    co_await shed(station, client, std::nullopt);
}

}  // namespace

Listener::Listener(Station& station, int descriptor, int family)
    : station_(station), acceptor_(station.executor)
{
    acceptor_.assign(boost::asio::generic::stream_protocol(family, 0), descriptor);
    acceptor_.non_blocking(true);
}

Awaitable<void> Listener::run()
{
    Timer pause(station_.executor);
    bool was_ill = false;
    while (!draining_) {
        net::Socket socket(station_.executor);
        auto [error] = co_await acceptor_.async_accept(socket, token);
        if (!error && !seat(std::move(socket))) error = boost::asio::error::no_memory;
        if (!error) {
            was_ill = false;
            continue;
        }
        if (draining_) break;
        // Out of descriptors, or the client has left already: wait, and go on.
        station_.counters.accept_errors.add();
        if (!was_ill)
            station_.log.event(observe::Level::warn, "cannot accept a connection",
                {{"error", std::string_view(error.message())}});
        was_ill = true;
        pause.expires_after(pause_after_error);
        co_await pause.async_wait(token);
    }
    empty_the_queue();
}

void Listener::drain()
{
    draining_ = true;
    boost::system::error_code ignored;
    acceptor_.cancel(ignored);
}

// Whoever has connected before the end is served.
void Listener::empty_the_queue()
{
    namespace errors = boost::asio::error;
    for (boost::system::error_code error;
         !error || error == errors::connection_aborted || error == errors::interrupted;) {
        net::Socket socket(station_.executor);
        acceptor_.accept(socket, error);
        if (!error) seat(std::move(socket));
    }
    boost::system::error_code ignored;
    acceptor_.close(ignored);
}

// False when there is no memory to seat it.
bool Listener::seat(net::Socket socket)
try {
    station_.counters.accepted.add();
    boost::system::error_code ignored;  // a unix socket has no such option
    socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
    // The one place that sees an exception nobody expected.
    auto ended = [&station = station_](std::exception_ptr unexpected) {
        if (!unexpected) return;
        station.counters.exceptions.add();
        try {
            std::rethrow_exception(unexpected);
        } catch (const std::exception& e) {
            station.log.event(observe::Level::error, "unexpected exception in a connection",
                {{"error", std::string_view(e.what())}});
        } catch (...) {
            station.log.event(observe::Level::error, "unexpected exception in a connection");
        }
    };
    const auto most = station_.serving->config->max_connections;
    const auto open = station_.open_connections.fetch_add(1, std::memory_order_relaxed);
    if (open < most) {
        auto connection = serve_connection(station_, std::move(socket));
        boost::asio::co_spawn(station_.executor, std::move(connection), ended);
    } else {
        station_.open_connections.fetch_sub(1, std::memory_order_relaxed);
        auto one_too_many = turn_away(station_, std::move(socket));
        boost::asio::co_spawn(station_.executor, std::move(one_too_many), ended);
    }
    return true;
} catch (const std::exception&) {
    station_.counters.exceptions.add();
    return false;
}

}  // namespace orggate::edge
