#include "redis/connection.hpp"

#include "orggate/net/connect.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace orggate::redis {

namespace {

namespace asio = boost::asio;

constexpr Milliseconds to_connect{250}, to_resolve_and_connect{1'000}, to_shake_hands{1'000};
constexpr int keepalive_idle = 30, keepalive_gap = 10, keepalive_tries = 3;  // seconds, probes
constexpr std::size_t most_told = 200;
constexpr unsigned user_timeout = 5'000;  // ms that what was sent may stay unacknowledged

bool is_name(const config::Address& address)
{
    boost::system::error_code no_number;
    asio::ip::make_address(address.host, no_number);
    return !address.is_unix() && no_number.failed();
}

template <class Value>
void set_option(net::Socket& socket, int level, int option, Value value)
{
    ::setsockopt(socket.native_handle(), level, option, &value, sizeof value);
}

// Nothing else tells us of a peer that vanished without a word.
void watch_peer(net::Socket& socket)
{
    set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_idle);
    set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, keepalive_gap);
    set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, keepalive_tries);
    set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout);
}

std::string_view step_name(net::ConnectStep step)
{
    switch (step) {
        case net::ConnectStep::resolve: return "resolving its name: ";
        case net::ConnectStep::connect: return "connecting: ";
        case net::ConnectStep::handshake: return "TLS: ";
    }
    return "";
}

Trouble unreachable(net::ConnectStep step, const boost::system::error_code& error)
{
    return {Failure::not_connected, std::string(step_name(step)) + error.message()};
}

}  // namespace

std::string text_of(const config::Address& address)
{
    if (address.is_unix()) return "unix:" + address.unix_path;
    const bool is_bare_v6 = address.host.find(':') != address.host.npos && address.host[0] != '[';
    const std::string host = is_bare_v6 ? "[" + address.host + "]" : address.host;
    return host + ":" + std::to_string(address.port);
}

std::string told(std::string_view text)
{
    std::string out(text.substr(0, most_told));
    const auto is_odd = [](char c) { return c < ' ' || c > '~'; };
    std::ranges::replace_if(out, is_odd, '?');
    return out;
}

Connection::Connection(net::Deadlines& deadlines, Clock time) : deadlines_(deadlines), clock_(time)
{
}

Awaitable<Trouble> Connection::open(config::Address address, net::ClientContext* tls)
{
    const bool is_unix = address.is_unix();
    constexpr auto aborted = asio::error::operation_aborted;
    if (is_closed_) co_return unreachable(net::ConnectStep::resolve, aborted);
    const Milliseconds wait = is_name(address) ? to_resolve_and_connect : to_connect;
    net::Connected connected = co_await net::connect(address, nullptr, deadlines_, wait);
    if (connected.stream == nullptr) co_return unreachable(connected.step, connected.error);
    stream_ = std::move(connected.stream);
    if (is_closed_) {  // meanwhile
        stream_->close();
        co_return unreachable(net::ConnectStep::connect, aborted);
    }
    if (!is_unix) watch_peer(stream_->socket());
    if (tls == nullptr) co_return Trouble();
    const auto error = co_await stream_->handshake_as_client(*tls, to_shake_hands, address.host);
    if (error) co_return unreachable(net::ConnectStep::handshake, error);
    co_return Trouble();
}

Awaitable<Outcome> Connection::ask(Command command, Milliseconds deadline)
{
    const auto end = clock_().steady + deadline;
    Outcome outcome;
    outcome.failure = co_await send(std::move(command.bytes), deadline);
    for (int i = 0; i < command.replies && outcome.failure == Failure::none; ++i)
        outcome = co_await receive(std::chrono::ceil<Milliseconds>(end - clock_().steady));
    co_return outcome;
}

Awaitable<Failure> Connection::send(std::string bytes, Milliseconds deadline)
{
    if (!is_open()) co_return Failure::not_connected;
    const net::Transfer sent = co_await stream_->write(bytes, deadline);
    co_return sent.error ? failed(sent.error).failure : Failure::none;
}

Awaitable<Outcome> Connection::receive(Milliseconds deadline)
{
    const auto end = clock_().steady + deadline;
    const std::span<char> room(buffer_);
    for (;;) {
        Outcome outcome;
        if (auto reply = reader_.next()) {
            outcome.reply = std::move(*reply);
            co_return outcome;
        }
        outcome.failure = Failure::defect;
        reason_ = reader_.error();
        if (!reason_.empty()) co_return outcome;
        // The whole reply within the deadline, however small its pieces.
        const auto left = std::chrono::ceil<Milliseconds>(end - clock_().steady);
        if (!is_open()) co_return failed(asio::error::not_connected);
        const net::Transfer got = co_await stream_->read_some(room, left);
        if (got.error) co_return failed(got.error);
        reader_.feed(std::string_view(buffer_.data(), got.bytes));
    }
}

void Connection::close()
{
    is_closed_ = true;
    if (stream_ != nullptr) stream_->close();
}

Outcome Connection::failed(const boost::system::error_code& error)
{
    Outcome outcome;
    const bool is_late = error == asio::error::timed_out;
    outcome.failure = is_late ? Failure::timed_out : Failure::lost;
    reason_ = is_late ? "no answer in time" : error.message();
    return outcome;
}

}  // namespace orggate::redis
