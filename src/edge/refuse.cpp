#include "edge/refuse.hpp"

#include "edge/explain.hpp"
#include "edge/record.hpp"
#include "orggate/http/denial_reply.hpp"
#include "orggate/http/quota_fields.hpp"

#include <array>
#include <chrono>
#include <string>

namespace orggate::edge {
namespace {

constexpr Milliseconds write_deadline{10'000};
constexpr Milliseconds linger_deadline{1'000};
constexpr std::size_t linger_bytes = 64 * 1024;
constexpr std::int64_t try_again = 2;  // seconds, for troubles of ours

// While draining, an app that has stopped before us is no mystery.
Denial as_said(Denial denial, const Station& station)
{
    const bool app_has_left =
        denial == Denial::upstream_unreachable || denial == Denial::upstream_closed;
    return station.is_draining && app_has_left ? Denial::draining : denial;
}

std::int64_t seconds_to_wait(const Exchange& x, Denial denial)
{
    if (denial == Denial::quota_exhausted) return http::retry_after(x.pass->checks(), x.limits);
    return blame(denial) == Blame::us ? try_again : 0;
}

std::string_view violated(const Exchange& x, Denial denial)
{
    if (denial != Denial::quota_exhausted) return {};
    return x.pass->checks()[http::deciding_check(x.pass->checks(), x.limits)].quota->name;
}

// A request's body that is already here is passed over; any other ends the connection,
// or its bytes would be read as the next request.
bool pass_over_body(const Exchange& x, net::Input& input)
{
    if (!x.has_head || !x.head.keep_alive || x.head.expects_continue) return false;
    if (x.whole_body) return *x.whole_body;
    if (x.head.body == http::BodyKind::none) return true;
    const auto length = x.head.content_length;
    if (x.head.body != http::BodyKind::sized || input.unread().size() < length) return false;
    input.consume(length);
    return true;
}

http::Reply reply_to(const Exchange& x, const Station& station, Denial denial, bool keep_alive)
{
    const auto url = x.has_head ? public_url(x) : PublicUrl{};
    const auto& config = x.config();
    return http::make_denial_reply({.denial = denial,
                                       .head = x.has_head ? &x.head : nullptr,
                                       .rule = x.rule,
                                       .return_to = url.url,
                                       .is_secure = url.is_secure,
                                       .request_id = x.trace.request_id,
                                       .detail = {},
                                       .retry_after = seconds_to_wait(x, denial),
                                       .extra_fields = x.extra_fields,
                                       .violated_limit = violated(x, denial),
                                       .keep_alive = keep_alive && !station.is_draining},
        config.clerk.pages, config.cors.allowed);
}

// Bytes that were refused before they met a rule are not trusted with a next request.
bool ends_the_connection(const Exchange& x, Denial denial)
{
    return !x.rule || http::status_of(denial) == 400 || http::status_of(denial) == 408;
}

}  // namespace

Awaitable<After> refuse(Exchange& x, Station& station, net::Stream& client, net::Input& input)
{
    const auto denial = as_said(*x.denial, station);
    if (x.trace.request_id.empty())
        x.trace = http::make_trace({}, false, station.random(), station.random());
    const bool keep = !ends_the_connection(x, denial) && pass_over_body(x, input);
    const auto reply = reply_to(x, station, denial, keep);
    if (reply.denial != denial) x.cause = denial;
    x.denial = reply.denial;
    x.status = reply.status;
    explain_refusal(x, station);
    const auto written = co_await client.write(reply.bytes, write_deadline);
    x.bytes_out += written.bytes;
    if (written.error) co_return After::reset;
    co_return keep && !station.is_draining ? After::next_request : After::close;
}

Awaitable<void> shed(Station& station, net::Stream& client)
{
    Exchange x;
    x.serving = station.serving;
    x.started = x.now = station.clock();
    x.client.address = client.peer_address();
    x.denial = Denial::overloaded;
    const auto reply = reply_to(x, station, Denial::overloaded, false);
    x.status = reply.status;
    const auto written = co_await client.write(reply.bytes, linger_deadline);
    x.bytes_out = written.bytes;
    record(x, station);
    co_await close_politely(client);
}

Awaitable<void> close_politely(net::Stream& client)
{
    co_await client.shutdown_send(linger_deadline);
    std::array<char, 4096> scratch;
    const std::span<char> room(scratch);
    const auto until = std::chrono::steady_clock::now() + linger_deadline;
    for (std::size_t heard = 0; heard < linger_bytes;) {
        const auto left =
            std::chrono::duration_cast<Milliseconds>(until - std::chrono::steady_clock::now());
        if (left <= Milliseconds{0}) break;
        const auto read = co_await client.read_some(room, left);
        if (read.error) break;
        heard += read.bytes;
    }
    client.close();
}

}  // namespace orggate::edge
