#include "server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include <sstream>
#include <utility>

namespace clerk_sim {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using namespace std::chrono_literals;

constexpr auto quiet = asio::as_tuple(asio::use_awaitable);

asio::awaitable<void> pause(std::chrono::milliseconds time)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(quiet);
}

// The bytes of an answer as they go out; HEAD gets the head alone.
std::string bytes_of(Response& message, bool is_head)
{
    message.prepare_payload();
    if (is_head) message.body().clear();
    std::ostringstream out;
    out << message;
    return std::move(out).str();
}

template <class Stream>
asio::awaitable<void> answer_requests(Stream& stream, const Handler& handler)
{
    beast::flat_buffer buffer;
    for (bool keep_alive = true; keep_alive;) {
        http::request_parser<http::string_body> parser;
        parser.header_limit(64 * 1024);
        parser.body_limit(1024 * 1024);
        beast::get_lowest_layer(stream).expires_after(75s);
        auto [read_error, consumed] = co_await http::async_read(stream, buffer, parser, quiet);
        if (read_error) co_return;

        const Request& request = parser.get();
        Answer answer = handler(request);
        if (answer.delay > 0ms) co_await pause(answer.delay);
        if (answer.delivery == Delivery::nothing) co_return;

        keep_alive = request.keep_alive() && answer.delivery == Delivery::whole;
        answer.message.version(request.version());
        answer.message.keep_alive(keep_alive);
        std::string bytes = bytes_of(answer.message, request.method() == http::verb::head);
        if (answer.delivery == Delivery::half) bytes.resize(bytes.size() / 2);
        beast::get_lowest_layer(stream).expires_after(30s);
        auto [write_error, written] =
            co_await asio::async_write(stream, asio::buffer(bytes), quiet);
        if (write_error) co_return;
    }
}

asio::awaitable<void> serve_plain(tcp::socket socket, Server& server)
{
    beast::tcp_stream stream(std::move(socket));
    co_await answer_requests(stream, server.handler);
    beast::error_code ignored;
    stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
}

asio::awaitable<void> serve_tls(tcp::socket socket, Server& server)
{
    beast::ssl_stream<beast::tcp_stream> stream(std::move(socket), *server.tls);
    beast::get_lowest_layer(stream).expires_after(10s);
    auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::server, quiet);
    if (error) co_return;
    co_await answer_requests(stream, server.handler);
    beast::get_lowest_layer(stream).expires_after(2s);
    co_await stream.async_shutdown(quiet);
}

asio::awaitable<void> accept_connections(Server& server)
{
    for (;;) {
        auto [error, socket] = co_await server.acceptor.async_accept(quiet);
        if (error == asio::error::operation_aborted) co_return;
        if (error) {
            co_await pause(50ms);
            continue;
        }
        server.on_connection();
        auto connection = server.tls ? serve_tls(std::move(socket), server)
                                     : serve_plain(std::move(socket), server);
        asio::co_spawn(server.acceptor.get_executor(), std::move(connection), asio::detached);
    }
}

}  // namespace

void start(Server& server)
{
    asio::co_spawn(server.acceptor.get_executor(), accept_connections(server), asio::detached);
}

}  // namespace clerk_sim
