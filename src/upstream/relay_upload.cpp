// The request's body on its way up, beside the wait for the answer.

#include "orggate/upstream/relay.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>

#include <memory>

namespace orggate::upstream {
namespace {

constexpr std::size_t piece = 32 * 1024;

}  // namespace

Result<std::size_t> Relay::take_body(std::string_view bytes, std::string& out)
{
    auto taken = frame_body(bytes, out);
    // Where a refused body ends is nobody's business: its bytes stay unread.
    if (!taken) body_refused_ = true;
    return taken;
}

Result<std::size_t> Relay::frame_body(std::string_view bytes, std::string& out)
{
    gathered_.clear();
    std::size_t consumed = 0;
    while (!reader_.is_done()) {
        auto step = reader_.read(bytes.substr(consumed));
        if (!step) return step.error();
        if (step->consumed == 0) break;
        gathered_.append(step->payload);
        consumed += step->consumed;
    }
    body_bytes_ += gathered_.size();
    if (job_.route.max_body && body_bytes_ > *job_.route.max_body) return Denial::body_too_large;
    if (job_.request.body == http::BodyKind::sized) out.append(gathered_);
    if (job_.request.body == http::BodyKind::chunked) {
        if (!gathered_.empty()) http::append_chunk(out, gathered_);
        if (reader_.is_done()) http::append_last_chunk(out);
    }
    return consumed;
}

void Relay::start_upload()
{
    upload_.emplace(job_.client.socket().get_executor());
    // Set when the coroutine's frame is gone, an unexpected exception included.
    auto ended = [this](std::exception_ptr unexpected) {
        if (unexpected) {
            counters_.exceptions.add();
            fail_upload(Denial::body_truncated);
        }
        upload_->set();
    };
    boost::asio::co_spawn(job_.client.socket().get_executor(), upload(), ended);
}

Awaitable<void> Relay::upload()
{
    const auto buffer = std::make_unique_for_overwrite<char[]>(piece);
    std::string out;
    while (!reader_.is_done() && !stopping_) {
        const std::span<char> room(buffer.get(), piece);
        auto read = co_await job_.client.read_some(room, job_.route.timeouts.body_gap);
        if (stopping_) co_return;
        if (read.error) {
            const bool late = read.error == boost::asio::error::timed_out;
            fail_upload(late ? Denial::body_timeout : Denial::body_truncated);
            co_return;
        }
        out.clear();
        const std::string_view bytes(buffer.get(), read.bytes);
        auto taken = take_body(bytes, out);
        if (!taken) {
            fail_upload(taken.error());
            co_return;
        }
        if (*taken != bytes.size()) job_.input.push_back(bytes.substr(*taken));
        body_sent_ = true;
        auto sent = co_await connection_->stream->write(out, job_.route.timeouts.upstream_head);
        // The upstream has stopped listening; its answer may be on its way all the same.
        if (sent.error) {
            upload_cut_ = true;
            co_return;
        }
    }
}

// Wakes whoever waits for the answer: a body that will never be whole has none.
void Relay::fail_upload(Denial denial)
{
    upload_denial_ = denial;
    connection_->stream->reset();
}

Awaitable<void> Relay::stop_upload()
{
    if (!upload_) co_return;
    if (!upload_->is_set()) {
        stopping_ = true;
        job_.client.hurry_read();
        connection_->stream->close();
    }
    co_await upload_->wait();
}

}  // namespace orggate::upstream
