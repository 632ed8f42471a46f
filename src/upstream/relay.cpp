#include "orggate/upstream/relay.hpp"

#include "orggate/http/head_scan.hpp"
#include "upstream/peer_state.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace orggate::upstream {
namespace {

constexpr http::HeadLimits answer_limits{.head = 64 * 1024,
    .field = 32 * 1024,
    .credential_field = 32 * 1024,
    .fields = 200,
    .target = 0};
constexpr int most_interim_answers = 8;
// How often a wait looks whether the client is still there.
constexpr Milliseconds look_around{1000};

http::BodyReader reader_for(const http::RequestHead& request)
{
    using Side = http::BodyReader::Side;
    switch (request.body) {
        case http::BodyKind::none: return {http::Framing::none, 0, Side::request};
        case http::BodyKind::sized:
            return {http::Framing::sized, request.content_length, Side::request};
        case http::BodyKind::chunked: return {http::Framing::chunked, 0, Side::request};
    }
    return {http::Framing::none, 0, Side::request};
}

Denial denial_of(const boost::system::error_code& error)
{
    return error == boost::asio::error::timed_out ? Denial::upstream_timeout
                                                  : Denial::upstream_closed;
}

bool is_interim(const http::ResponseHead& head)
{
    return head.status < 200 && head.status != 101;
}

}  // namespace

bool may_retry(const Attempt& attempt)
{
    constexpr std::string_view idempotent[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
    return attempt.from_pool && !attempt.body_sent && !attempt.answer_begun &&
           attempt.denial == Denial::upstream_closed &&
           std::ranges::find(idempotent, attempt.method) != std::end(idempotent);
}

Relay::Relay(Job job, Pool& pool, observe::Counters& counters)
    : job_(std::move(job)), pool_(pool), counters_(counters), reader_(reader_for(job_.request))
{
}

// The upload runs on objects of this relay: whatever is thrown here waits for its end.
Awaitable<Result<const http::ResponseHead*>> Relay::ask()
{
    std::exception_ptr unexpected;
    try {
        co_return co_await send_and_wait();
    } catch (...) {
        unexpected = std::current_exception();
    }
    co_await stop_upload();
    std::rethrow_exception(unexpected);
}

Awaitable<Result<const http::ResponseHead*>> Relay::send_and_wait()
{
    const auto& request = job_.request;
    if (job_.route.max_body && request.body == http::BodyKind::sized &&
        request.content_length > *job_.route.max_body)
        co_return Denial::body_too_large;
    // What has arrived of the body is judged before the upstream hears of it.
    auto taken = take_body(job_.input.unread(), job_.head);
    if (!taken) co_return taken.error();
    job_.input.consume(*taken);
    body_sent_ = body_bytes_ != 0;

    connection_ = pool_.take_idle(job_.clock().steady);
    for (;;) {
        if (!connection_) {
            auto fresh = co_await pool_.connect(job_.route.timeouts.upstream_connect);
            if (!fresh) co_return fresh.error();
            connection_ = std::move(*fresh);
        }
        auto answered = co_await attempt();
        if (answered) co_return &connection_->head;

        // An upload that has begun has taken bytes that could not be sent again.
        const Attempt failed{job_.request.method, connection_->from_pool, body_sent_ || upload_,
            answer_begun_, answered.error()};
        co_await stop_upload();
        connection_.reset();
        if (client_left_ || !may_retry(failed)) co_return answered.error();
        pool_.counters().retries.add();
    }
}

Awaitable<Result<void>> Relay::attempt()
{
    auto sent = co_await connection_->stream->write(job_.head, job_.route.timeouts.upstream_head);
    if (sent.error) co_return denial_of(sent.error);
    if (!reader_.is_done()) {
        if (job_.request.expects_continue) {
            const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
            auto said = co_await job_.client.write(go_on, job_.route.timeouts.body_gap);
            if (said.error) co_return Denial::body_truncated;
        }
        start_upload();
    }
    auto read = co_await read_answer_head();
    // The body's own mistake is the reason, whatever it did to the connection.
    if (!read && upload_denial_) co_return *upload_denial_;
    co_return read;
}

Awaitable<Result<void>> Relay::read_answer_head()
{
    http::HeadScan scan(http::HeadKind::response, answer_limits);
    auto& input = connection_->input;
    std::size_t scanned = 0;
    for (int interim = 0; interim <= most_interim_answers;) {
        const auto unread = input.unread();
        auto end = scan.feed(unread.substr(scanned));
        if (!end) co_return Denial::upstream_protocol;
        if (!*end) {
            scanned = unread.size();
            auto more = co_await wait_for_answer();
            if (more.error) co_return denial_of(more.error);
            answer_begun_ = true;
            continue;
        }
        const auto raw = unread.substr(0, **end);
        auto read = http::read_response_head(raw, job_.request.method, connection_->head);
        if (!read) co_return Denial::upstream_protocol;
        input.consume(raw.size());
        if (!is_interim(connection_->head)) break;
        if (interim == most_interim_answers) co_return Denial::upstream_protocol;
        auto passed = co_await pass_on_interim();
        if (!passed) co_return passed;
        scan.reset();
        scanned = 0;
        ++interim;
    }
    const auto& head = connection_->head;
    if (is_interim(head)) co_return Denial::upstream_protocol;
    if (head.status == 101) {
        const bool asked = job_.request.is_websocket && head.switches_to_websocket;
        if (!asked || head.websocket_accept != http::websocket_accept(job_.request.websocket_key))
            co_return Denial::upstream_protocol;
    }
    co_return Result<void>();
}

// Our own 100 has been said already, and an HTTP/1.0 client knows no interim answers.
Awaitable<Result<void>> Relay::pass_on_interim()
{
    if (connection_->head.status == 100 || job_.request.minor_version == 0)
        co_return Result<void>();
    std::string interim;
    http::write_interim_head(interim, connection_->head);
    auto said = co_await job_.client.write(interim, job_.route.timeouts.body_gap);
    if (said.error) co_return Denial::upstream_closed;
    co_return Result<void>();
}

Awaitable<net::Transfer> Relay::wait_for_answer()
{
    const auto limit = job_.route.timeouts.upstream_head;
    for (Milliseconds waited{0};;) {
        const auto slice = std::min(look_around, limit - waited);
        auto transfer = co_await connection_->input.fill(slice);
        if (transfer.error != boost::asio::error::timed_out) co_return transfer;
        // The clock for the answer starts when the request is out.
        waited = upload_is_running() ? Milliseconds{0} : waited + slice;
        if (waited >= limit) co_return transfer;
        if (state_of_peer(job_.client) == PeerState::broken) {
            client_left_ = true;
            transfer.error = boost::asio::error::connection_aborted;
            co_return transfer;
        }
    }
}

}  // namespace orggate::upstream
