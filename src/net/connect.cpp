#include "orggate/net/connect.hpp"

#include "orggate/net/await.hpp"

#include "net/resolve.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/this_coro.hpp>

#include <sys/un.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace orggate::net {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Time = std::chrono::steady_clock::time_point;
using Endpoint = asio::generic::stream_protocol::endpoint;

Milliseconds left_until(Time end)
{
    return std::chrono::ceil<Milliseconds>(end - std::chrono::steady_clock::now());
}

void cancel_socket(void* socket)
{
    error_code ignored;
    static_cast<Socket*>(socket)->cancel(ignored);
}

// Opens and connects `socket`.
Awaitable<error_code> connect_one(
    Socket& socket, const Endpoint& endpoint, Deadlines& deadlines, Milliseconds wait)
{
    error_code error;
    socket.close(error);
    socket.open(endpoint.protocol(), error);
    if (error) co_return error;
    send_without_delay(socket);
    Deadline deadline(deadlines);
    deadline.on_expiry(&cancel_socket, &socket);
    deadline.set(wait);
    auto [failure] = co_await socket.async_connect(endpoint, as_values);
    if (failure == asio::error::operation_aborted && deadline.has_expired())
        failure = asio::error::timed_out;
    co_return failure;
}

// Each address gets its share of the time that is left: one that swallows everything
// must not keep us from the next.
Awaitable<error_code> connect_any(
    Socket& socket, const std::vector<Endpoint>& endpoints, Deadlines& deadlines, Time end)
{
    error_code error = asio::error::host_not_found;
    auto attempts_left = static_cast<Milliseconds::rep>(endpoints.size());
    for (const Endpoint& endpoint : endpoints) {
        const Milliseconds share = left_until(end) / attempts_left--;
        if (share <= Milliseconds{0}) co_return asio::error::timed_out;
        error = co_await connect_one(socket, endpoint, deadlines, share);
        if (!error) break;
    }
    co_return error;
}

Resolved unix_endpoint(const std::string& path)
{
    Resolved found;
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        found.error = asio::error::name_too_long;
    else
        found.endpoints.emplace_back(asio::local::stream_protocol::endpoint(path));
    return found;
}

}  // namespace

Awaitable<Connected> connect(
    config::Address address, ClientContext* tls, Deadlines& deadlines, Milliseconds deadline)
{
    const Time end = std::chrono::steady_clock::now() + deadline;
    const Executor executor = co_await asio::this_coro::executor;
    Connected result;

    result.step = ConnectStep::resolve;
    Resolved found;
    if (address.is_unix())
        found = unix_endpoint(address.unix_path);
    else
        found = co_await resolve(address.host, address.port, executor, deadline);
    result.error = found.error;
    if (result.error) co_return result;

    result.step = ConnectStep::connect;
    Socket socket(executor);
    result.error = co_await connect_any(socket, found.endpoints, deadlines, end);
    if (result.error) co_return result;

    auto stream = std::make_unique<Stream>(std::move(socket), deadlines);
    if (tls != nullptr) {
        result.step = ConnectStep::handshake;
        result.error = co_await stream->handshake_as_client(*tls, left_until(end));
        if (result.error) co_return result;
    }
    result.stream = std::move(stream);
    co_return result;
}

}  // namespace orggate::net
