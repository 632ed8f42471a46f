// The answer on its way down.

#include "orggate/upstream/relay.hpp"
#include "upstream/peer_state.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace orggate::upstream {
namespace {

constexpr Milliseconds look_around{1000};

}  // namespace

Awaitable<Delivery> Relay::deliver(http::ClientHead client)
{
    std::exception_ptr unexpected;
    try {
        co_return co_await pass_on(client);
    } catch (...) {
        unexpected = std::current_exception();
    }
    co_await stop_upload();
    std::rethrow_exception(unexpected);
}

Awaitable<Delivery> Relay::pass_on(http::ClientHead client)
{
    Delivery delivery;
    auto& out = connection_->out;
    out.clear();
    client.keep_alive = client.keep_alive && reader_.is_done();
    const auto framing =
        http::write_client_head(out, connection_->head, job_.request.method, client);
    if (connection_->head.status == 101) {
        co_await tunnel(delivery);
        co_return delivery;
    }
    delivery.is_complete = co_await send_answer(framing, delivery);
    const bool whole_request = reader_.is_done() && !upload_is_running();
    co_await stop_upload();
    if (upload_denial_ && !delivery.is_complete) delivery.cut = upload_denial_;
    delivery.client_may_stay = delivery.is_complete && whole_request && framing.keep_alive;
    if (delivery.is_complete && whole_request && !upload_cut_) release_connection();
    connection_.reset();
    co_return delivery;
}

// Head and body. False when the client does not have all of it, and then it must not
// look complete.
Awaitable<bool> Relay::send_answer(http::ClientFraming framing, Delivery& delivery)
{
    const auto& head = connection_->head;
    auto& out = connection_->out;
    auto& input = connection_->input;
    http::BodyReader body(head.framing, head.content_length, http::BodyReader::Side::response);
    for (;;) {
        gathered_.clear();
        while (!body.is_done()) {
            auto step = body.read(input.unread());
            if (!step) {
                delivery.cut = Denial::upstream_protocol;
                co_return false;
            }
            if (step->consumed == 0) break;
            gathered_.append(step->payload);
            input.consume(step->consumed);
        }
        const bool chunked = framing.framing == http::Framing::chunked;
        if (!chunked) out.append(gathered_);
        if (chunked && !gathered_.empty()) http::append_chunk(out, gathered_);
        if (chunked && body.is_done()) http::append_last_chunk(out);
        const bool written = co_await write_to_client(out, delivery);
        if (!written) co_return false;
        if (body.is_done()) co_return true;

        auto more = co_await wait_for_body();
        if (!more.error) continue;
        if (more.error == boost::asio::error::eof && body.ends_with_connection()) {
            if (chunked) http::append_last_chunk(out);
            co_return co_await write_to_client(out, delivery);
        }
        if (more.error != boost::asio::error::connection_aborted)
            delivery.cut = more.error == boost::asio::error::timed_out ? Denial::upstream_timeout
                                                                       : Denial::upstream_closed;
        co_return false;
    }
}

// An event stream may be silent for minutes. A client that has ended its side by then
// has left: browsers say goodbye in no other way. An answer of known size is worth
// waiting for even so.
Awaitable<net::Transfer> Relay::wait_for_body()
{
    const auto limit = job_.route.timeouts.stream_idle;
    for (Milliseconds waited{0};;) {
        const auto slice = std::min(look_around, limit - waited);
        auto transfer = co_await connection_->input.fill(slice);
        if (transfer.error != boost::asio::error::timed_out) co_return transfer;
        waited += slice;
        if (waited >= limit) co_return transfer;
        const bool is_sized = connection_->head.framing == http::Framing::sized;
        const auto state = state_of_peer(job_.client);
        const bool has_left =
            state == PeerState::broken || (state == PeerState::finished && !is_sized);
        if (!upload_is_running() && has_left) {
            transfer.error = boost::asio::error::connection_aborted;
            co_return transfer;
        }
    }
}

Awaitable<bool> Relay::write_to_client(std::string& bytes, Delivery& delivery)
{
    if (bytes.empty()) co_return true;
    auto written = co_await job_.client.write(bytes, job_.route.timeouts.body_gap);
    delivery.bytes += written.bytes;
    bytes.clear();
    co_return !written.error;
}

// Only a connection with nothing left over is lent again.
void Relay::release_connection()
{
    const auto& head = connection_->head;
    if (!head.keep_alive || head.framing == http::Framing::until_close) return;
    if (!connection_->input.unread().empty()) return;
    connection_->out.clear();
    pool_.give_back(std::move(connection_), job_.clock().steady);
}

}  // namespace orggate::upstream
