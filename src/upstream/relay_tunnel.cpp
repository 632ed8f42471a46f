// After a switch to WebSocket: bytes both ways, judged by nobody, for a bounded time.

#include "orggate/upstream/relay.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>

#include <array>
#include <exception>

namespace orggate::upstream {
namespace {

constexpr std::size_t piece = 8 * 1024;

struct Ends {
    net::Stream *client, *upstream;
};

void cut_both(void* ends)
{
    static_cast<Ends*>(ends)->client->close();
    static_cast<Ends*>(ends)->upstream->close();
}

}  // namespace

Awaitable<void> Relay::tunnel(Delivery& delivery)
{
    auto& upstream = *connection_->stream;
    // What either side has already said goes first.
    auto& out = connection_->out;
    out.append(connection_->input.unread());
    connection_->input.consume(connection_->input.unread().size());
    const bool opened = co_await write_to_client(out, delivery);
    if (!opened) co_return;
    const auto early = job_.input.unread();
    auto sent = co_await upstream.write(early, job_.websocket.idle);
    job_.input.consume(early.size());
    if (sent.error) co_return;

    counters_.tunnels.add();
    Ends ends{&job_.client, &upstream};
    net::Deadline oldest(pool_.deadlines());
    oldest.on_expiry(cut_both, &ends);
    oldest.set(job_.websocket.max_age);
    last_activity_ = job_.clock().steady;
    net::Signal up_ended(job_.client.socket().get_executor());
    auto ended = [this, &up_ended, &ends](std::exception_ptr unexpected) {
        if (unexpected) {
            counters_.exceptions.add();
            cut_both(&ends);
        }
        up_ended.set();
    };
    auto up = copy(job_.client, upstream, body_bytes_);
    boost::asio::co_spawn(job_.client.socket().get_executor(), std::move(up), ended);
    std::exception_ptr unexpected;
    try {
        co_await copy(upstream, job_.client, delivery.bytes);
    } catch (...) {
        unexpected = std::current_exception();
        cut_both(&ends);
    }
    co_await up_ended.wait();
    counters_.tunnels.subtract();
    if (unexpected) std::rethrow_exception(unexpected);
    delivery.is_complete = true;
}

// Until the end of `from`, which becomes the end of what `to` hears; any error ends both.
Awaitable<void> Relay::copy(net::Stream& from, net::Stream& to, std::uint64_t& bytes)
{
    std::array<char, piece> buffer;
    const std::span<char> room(buffer);
    for (;;) {
        auto read = co_await from.read_some(room, job_.websocket.idle);
        if (read.error == boost::asio::error::timed_out &&
            job_.clock().steady - last_activity_ < job_.websocket.idle)
            continue;
        if (read.error == boost::asio::error::eof) {
            co_await to.shutdown_send(job_.route.timeouts.body_gap);
            co_return;
        }
        if (read.error) break;
        last_activity_ = job_.clock().steady;
        const std::string_view heard(buffer.data(), read.bytes);
        auto written = co_await to.write(heard, job_.websocket.idle);
        if (written.error) break;
        bytes += written.bytes;
    }
    from.close();
    to.close();
}

}  // namespace orggate::upstream
