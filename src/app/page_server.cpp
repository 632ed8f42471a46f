#include "app/page_server.hpp"

#include "app/clock.hpp"

#include "orggate/http/head_scan.hpp"
#include "orggate/http/request_head.hpp"
#include "orggate/net/input.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/socket.h>

#include <utility>

namespace orggate::app {
namespace {

constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable_t<Executor>());
constexpr Milliseconds patience{5'000};
constexpr std::chrono::milliseconds pause_after_error{50};
constexpr std::size_t most_open = 64;  // descriptors are the traffic's first of all

bool is_loopback(std::string_view address)
{
    return address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.");
}

std::optional<unsigned> unix_user(net::Socket& socket)
{
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {};
    return peer.uid;
}

PageRequest read_question(const http::RequestHead& head, net::Stream& client)
{
    const auto mark = head.target.find('?');
    PageRequest question;
    question.method = head.method;
    question.path = head.target.substr(0, mark);
    if (mark != head.target.npos) question.query = head.target.substr(mark + 1);
    question.host = head.host;
    question.authorization = head.authorization.value_or(std::string_view());
    question.has_body = head.body == http::BodyKind::chunked || head.content_length != 0;
    boost::system::error_code error;
    const bool is_unix = client.socket().local_endpoint(error).protocol().family() == AF_UNIX;
    question.is_local = is_unix || is_loopback(client.peer_address());
    if (is_unix) question.unix_user = unix_user(client.socket());
    return question;
}

std::string_view phrase(int status)
{
    switch (status) {
        case 200: return "OK";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 409: return "Conflict";
        case 421: return "Misdirected Request";
        default: return "Service Unavailable";
    }
}

std::string to_bytes(const Page& page, bool with_body)
{
    std::string bytes = "HTTP/1.1 " + std::to_string(page.status) + " ";
    bytes.append(phrase(page.status));
    bytes.append("\r\nContent-Type: ").append(page.type);
    bytes.append("\r\nContent-Length: ").append(std::to_string(page.body.size()));
    bytes.append("\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
    if (with_body) bytes.append(page.body);
    return bytes;
}

// The head's length; 0: nothing to answer in time.
Awaitable<std::size_t> read_head(net::Input& input)
{
    http::HeadScan scan(http::HeadKind::request, {});
    const auto until = now().steady + patience;
    for (std::size_t scanned = 0;;) {
        const auto unread = input.unread();
        const auto end = scan.feed(unread.substr(scanned));
        if (!end) co_return 0;
        if (*end) co_return **end;
        scanned = unread.size();
        const auto left = std::chrono::ceil<Milliseconds>(until - now().steady);
        if (left <= Milliseconds{0}) co_return 0;
        const auto more = co_await input.fill(left);
        if (more.error) co_return 0;
    }
}

}  // namespace

PageServer::PageServer(
    Executor executor, net::Deadlines& deadlines, const net::ListeningSocket& socket, Answer answer)
    : deadlines_(deadlines), acceptor_(executor), answer_(std::move(answer))
{
    acceptor_.assign(boost::asio::generic::stream_protocol(socket.family(), 0), socket.duplicate());
}

Awaitable<void> PageServer::run()
{
    boost::asio::basic_waitable_timer<std::chrono::steady_clock,
        boost::asio::wait_traits<std::chrono::steady_clock>, Executor>
        pause(acceptor_.get_executor());
    while (!stopped_) {
        net::Socket socket(acceptor_.get_executor());
        const auto [error] = co_await acceptor_.async_accept(socket, token);
        if (stopped_) co_return;
        if (error) {
            pause.expires_after(pause_after_error);
            co_await pause.async_wait(token);
            continue;
        }
        // Whoever says nothing makes room: silence must not keep a probe out.
        if (open_ >= most_open && !silent_.empty()) {
            silent_.front()->close();
            silent_.pop_front();
        }
        if (open_ >= 2 * most_open) continue;
        ++open_;
        auto served = serve(std::move(socket));
        auto ended = [this](std::exception_ptr) { --open_; };
        boost::asio::co_spawn(acceptor_.get_executor(), std::move(served), ended);
    }
}

void PageServer::stop()
{
    stopped_ = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
}

Awaitable<std::size_t> PageServer::wait_for_head(net::Stream& client, net::Input& input)
{
    silent_.push_back(&client);
    const auto length = co_await read_head(input);
    std::erase(silent_, &client);
    co_return length;
}

Awaitable<void> PageServer::serve(net::Socket socket)
{
    net::Stream client(std::move(socket), deadlines_);
    net::Input input(client, 4096, 4096);
    const auto length = co_await wait_for_head(client, input);
    http::RequestHead head;
    if (length == 0 || !http::read_request_head(input.unread().substr(0, length), head)) co_return;
    auto question = read_question(head, client);
    const auto page = co_await answer_(std::move(question));
    const auto bytes = to_bytes(page, head.method != "HEAD");
    co_await client.write(bytes, patience);
    co_await client.shutdown_send(patience);
}

}  // namespace orggate::app
