#include "keys/fetch.hpp"

#include "keys/answer.hpp"

#include <boost/asio/error.hpp>

#include <chrono>
#include <utility>

namespace orggate::keys {

namespace {

using boost::system::error_code;
using Time = std::chrono::steady_clock::time_point;

Milliseconds left_until(Time end)
{
    return std::chrono::ceil<Milliseconds>(end - std::chrono::steady_clock::now());
}

std::string text_of(const char* step, const error_code& error)
{
    if (error == boost::asio::error::timed_out) return std::string(step) + ": took too long";
    return std::string(step) + ": " + error.message();
}

std::string text_of(const net::Connected& failed)
{
    switch (failed.step) {
        case net::ConnectStep::resolve: return text_of("looking up the host", failed.error);
        case net::ConnectStep::connect: return text_of("connecting", failed.error);
        case net::ConnectStep::handshake: return text_of("TLS", failed.error);
    }
    return {};
}

Awaitable<Fetched> exchange(net::Stream& stream, std::string_view head, Time end)
{
    Fetched fetched;
    const net::Transfer sent = co_await stream.write(head, left_until(end));
    if (sent.error) fetched.error = text_of("sending", sent.error);
    Answer answer;
    char buffer[8192];
    const std::span<char> room(buffer);
    while (fetched.error.empty() && !answer.is_complete()) {
        const net::Transfer got = co_await stream.read_some(room, left_until(end));
        if (got.error == boost::asio::error::eof)
            fetched.error = answer.end();
        else if (got.error)
            fetched.error = text_of("receiving", got.error);
        else
            fetched.error = answer.take(std::string_view(buffer, got.bytes));
    }
    if (fetched.error.empty()) fetched.body = answer.body();
    co_return fetched;
}

}  // namespace

Awaitable<Fetched> fetch(const Request& request, net::Deadlines& deadlines, net::Stream*& in_flight)
{
    const Time end = std::chrono::steady_clock::now() + request.deadline;
    net::Connected connected =
        co_await net::connect(request.address, request.tls, deadlines, request.deadline);
    Fetched fetched;
    if (connected.error) {
        fetched.error = text_of(connected);
        co_return fetched;
    }
    in_flight = connected.stream.get();
    fetched = co_await exchange(*connected.stream, request.head, end);
    in_flight = nullptr;
    co_return fetched;
}

}  // namespace orggate::keys
