#include "app.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

namespace demo_app {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using namespace std::chrono_literals;

constexpr auto quiet = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t piece_size = 64 * 1024;

using Parser = http::request_parser<http::buffer_body>;
using Query = std::multimap<std::string, std::string>;

struct Connection {
    beast::tcp_stream stream;
    beast::flat_buffer buffer;  // read, not yet parsed
    const std::vector<Link>& links;
};

struct Exchange {
    Connection& connection;
    Parser& parser;
    Query query;
    std::string path;
    bool is_last = false;  // the answer says that the connection ends

    const Head& head() const { return parser.get().base(); }
    bool keep_alive() const { return parser.get().keep_alive(); }
    long number(const char* name, long otherwise) const
    {
        const auto found = query.find(name);
        return found == query.end() ? otherwise : std::strtol(found->second.c_str(), nullptr, 10);
    }
};

asio::awaitable<void> pause(std::chrono::milliseconds time)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(quiet);
}

asio::awaitable<bool> send(Connection& connection, std::string_view bytes)
{
    connection.stream.expires_after(60s);
    auto [error, sent] = co_await asio::async_write(connection.stream, asio::buffer(bytes), quiet);
    co_return !error;
}

// The head of an answer as bytes; the caller says how its body is framed.
std::string head_bytes(const Exchange& exchange, http::response<http::empty_body> response)
{
    response.keep_alive(exchange.keep_alive() && !exchange.is_last);
    const auto [first, last] = exchange.query.equal_range("header");
    for (auto field = first; field != last; ++field) {
        const auto colon = field->second.find(": ");
        if (colon != std::string::npos)
            response.insert(field->second.substr(0, colon), field->second.substr(colon + 2));
    }
    std::ostringstream out;
    out << response.base();
    return std::move(out).str();
}

// The next piece of the request body; empty once it is over, nothing on a broken one.
asio::awaitable<std::optional<std::string_view>> read_piece(Exchange& exchange, std::string& space)
{
    std::string_view got;
    while (got.empty() && !exchange.parser.is_done()) {
        space.resize(piece_size);
        exchange.parser.get().body().data = space.data();
        exchange.parser.get().body().size = space.size();
        exchange.connection.stream.expires_after(60s);
        auto [error, consumed] = co_await http::async_read_some(
            exchange.connection.stream, exchange.connection.buffer, exchange.parser, quiet);
        if (error && error != http::error::need_buffer) co_return std::nullopt;
        got = std::string_view(space).substr(0, space.size() - exchange.parser.get().body().size);
    }
    co_return got;
}

asio::awaitable<bool> report(Exchange& exchange, unsigned status)
{
    std::string space;
    BodyDigest digest;
    for (;;) {
        const auto piece = co_await read_piece(exchange, space);
        if (!piece) co_return false;
        if (piece->empty()) break;
        digest.add(*piece);
    }
    const std::uint64_t length = digest.length();
    const Received received{exchange.head(), length, digest.hex()};
    const auto accept = exchange.head()[http::field::accept];
    const bool wants_page = accept.starts_with("text/html");
    std::string body = wants_page ? html_report(received, exchange.connection.links)
                                  : json_report(received) + "\n";
    http::response<http::empty_body> response;
    response.result(status);
    response.set(
        http::field::content_type, wants_page ? "text/html; charset=utf-8" : "application/json");
    const bool has_body = status >= 200 && status != 204 && status != 304;
    if (has_body) response.content_length(body.size());
    std::string bytes = head_bytes(exchange, std::move(response));
    if (has_body && exchange.head().method() != http::verb::head) bytes += body;
    co_return co_await send(exchange.connection, bytes);
}

std::string chunk(std::string_view piece)
{
    std::ostringstream size;
    size << std::hex << piece.size() << "\r\n";
    return size.str() + std::string(piece) + "\r\n";
}

http::response<http::empty_body> chunked_response(const Exchange& exchange)
{
    http::response<http::empty_body> response;
    const auto type = exchange.head()[http::field::content_type];
    response.set(http::field::content_type, type.empty() ? "application/octet-stream" : type);
    response.chunked(true);
    return response;
}

asio::awaitable<bool> echo(Exchange& exchange)
{
    const std::string head = head_bytes(exchange, chunked_response(exchange));
    if (!co_await send(exchange.connection, head)) co_return false;
    std::string space;
    for (;;) {
        const auto piece = co_await read_piece(exchange, space);
        if (!piece) co_return false;
        const std::string bytes = chunk(*piece);  // the empty one is the last
        if (!co_await send(exchange.connection, bytes)) co_return false;
        if (piece->empty()) co_return true;
    }
}

asio::awaitable<bool> send_chunks(Exchange& exchange)
{
    const std::string part(static_cast<std::size_t>(exchange.number("bytes", 10)), 'x');
    const std::chrono::milliseconds gap(exchange.number("ms", 0));
    const std::string head = head_bytes(exchange, chunked_response(exchange));
    if (!co_await send(exchange.connection, head)) co_return false;
    for (long left = exchange.number("parts", 3); left > 0 && !part.empty(); --left) {
        const std::string bytes = chunk(part);
        if (!co_await send(exchange.connection, bytes)) co_return false;
        if (gap > 0ms) co_await pause(gap);
    }
    const std::string end = chunk("");
    co_return co_await send(exchange.connection, end);
}

// Byte i is i mod 251, so that a lost or doubled piece shows.
asio::awaitable<bool> send_big(Exchange& exchange)
{
    std::string block(251 * 256, '\0');
    for (std::size_t i = 0; i < block.size(); ++i)
        block[i] = static_cast<char>(i % 251);
    auto left = static_cast<std::uint64_t>(std::max(0L, exchange.number("bytes", 0)));
    http::response<http::empty_body> response;
    response.set(http::field::content_type, "application/octet-stream");
    response.content_length(left);
    const std::string head = head_bytes(exchange, std::move(response));
    if (!co_await send(exchange.connection, head)) co_return false;
    if (exchange.head().method() == http::verb::head) co_return true;
    while (left > 0) {
        const std::size_t size = std::min<std::uint64_t>(left, block.size());
        const std::string_view piece = std::string_view(block).substr(0, size);
        if (!co_await send(exchange.connection, piece)) co_return false;
        left -= size;
    }
    co_return true;
}

asio::awaitable<bool> refuse_early(Exchange& exchange)
{
    http::response<http::empty_body> response;
    response.result(http::status::payload_too_large);
    response.content_length(0);
    exchange.is_last = true;
    const std::string bytes = head_bytes(exchange, std::move(response));
    co_await send(exchange.connection, bytes);
    co_return false;
}

asio::awaitable<void> echo_messages(Exchange& exchange)
{
    http::request<http::empty_body> upgrade(exchange.head());
    const std::string headers = json_report({exchange.head(), 0, BodyDigest().hex()});
    websocket::stream<beast::tcp_stream> socket(std::move(exchange.connection.stream));
    socket.next_layer().expires_never();
    socket.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
    // One offered subprotocol is taken: a client that offers any wants an answer.
    std::string offered(upgrade[http::field::sec_websocket_protocol]);
    offered.resize(std::min(offered.size(), offered.find(',')));
    auto accept_offer = [offered](websocket::response_type& response) {
        if (!offered.empty()) response.set(http::field::sec_websocket_protocol, offered);
    };
    socket.set_option(websocket::stream_base::decorator(accept_offer));
    auto [refused] = co_await socket.async_accept(upgrade, quiet);
    if (refused) co_return;
    beast::flat_buffer message;
    for (;;) {
        auto [read_error, size] = co_await socket.async_read(message, quiet);
        if (read_error) co_return;
        socket.text(socket.got_text());
        std::string reply = beast::buffers_to_string(message.data());
        if (reply == "headers") reply = headers;
        message.clear();
        auto [write_error, sent] = co_await socket.async_write(asio::buffer(reply), quiet);
        if (write_error) co_return;
    }
}

// Answers one request; false ends the connection.
asio::awaitable<bool> answer(Exchange& exchange)
{
    if (exchange.path == "/early") co_return co_await refuse_early(exchange);
    if (exchange.path == "/chunked") co_return co_await send_chunks(exchange);
    const std::chrono::milliseconds delay(exchange.number("ms", 0));
    if (delay > 0ms) co_await pause(delay);
    if (exchange.path == "/echo") co_return co_await echo(exchange);
    if (exchange.path == "/big") co_return co_await send_big(exchange);
    unsigned status = 200;
    if (exchange.path.starts_with("/status/"))
        status = static_cast<unsigned>(std::strtoul(exchange.path.c_str() + 8, nullptr, 10));
    co_return co_await report(exchange, status >= 200 && status <= 599 ? status : 404);
}

// Closing with unread bytes resets the connection, and the peer may lose our answer.
asio::awaitable<void> linger(Connection& connection)
{
    beast::error_code error;
    connection.stream.socket().shutdown(tcp::socket::shutdown_send, error);
    connection.stream.expires_after(2s);
    std::string space(piece_size, '\0');
    while (!error) {
        auto [ended, size] = co_await connection.stream.async_read_some(asio::buffer(space), quiet);
        error = ended;
    }
}

bool wants_continue(const Head& head)
{
    return beast::iequals(head[http::field::expect], "100-continue");
}

asio::awaitable<void> serve(tcp::socket socket, const std::vector<Link>& links)
{
    Connection connection{beast::tcp_stream(std::move(socket)), beast::flat_buffer(), links};
    for (bool goes_on = true; goes_on;) {
        Parser parser;
        parser.header_limit(128 * 1024);
        parser.body_limit(boost::none);
        connection.stream.expires_after(75s);
        auto [error, size] =
            co_await http::async_read_header(connection.stream, connection.buffer, parser, quiet);
        if (error) break;
        const auto target = parser.get().target();
        const std::string text(target.data(), target.size());
        Exchange exchange{connection, parser, parse_query(text), text.substr(0, text.find('?'))};
        if (websocket::is_upgrade(parser.get()) && exchange.path == "/websocket") {
            co_await echo_messages(exchange);
            co_return;
        }
        const bool goes_ahead = wants_continue(exchange.head()) && exchange.path != "/early";
        if (goes_ahead) co_await send(connection, "HTTP/1.1 100 Continue\r\n\r\n");
        goes_on = co_await answer(exchange);
        goes_on = goes_on && exchange.keep_alive() && parser.is_done();
    }
    co_await linger(connection);
}

asio::awaitable<void> accept_connections(tcp::acceptor& acceptor, const std::vector<Link>& links)
{
    for (;;) {
        auto [error, socket] = co_await acceptor.async_accept(quiet);
        if (error == asio::error::operation_aborted) co_return;
        if (error) {
            co_await pause(50ms);
            continue;
        }
        auto connection = serve(std::move(socket), links);
        asio::co_spawn(acceptor.get_executor(), std::move(connection), asio::detached);
    }
}

}  // namespace

void start(tcp::acceptor& acceptor, const std::vector<Link>& links)
{
    asio::co_spawn(acceptor.get_executor(), accept_connections(acceptor, links), asio::detached);
}

}  // namespace demo_app
