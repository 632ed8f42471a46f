#include "edge/refuse.hpp"

#include "edge/explain.hpp"
#include "edge/limits.hpp"
#include "edge/record.hpp"
#include "orggate/http/denial_reply.hpp"

#include <array>
#include <chrono>
#include <string>

namespace orggate::edge {
namespace {

constexpr Milliseconds write_deadline{10'000};
constexpr Milliseconds linger_deadline{1'000};
constexpr std::size_t linger_bytes = 64 * 1024;
constexpr std::int64_t try_again = 2;       // seconds, for troubles of ours
constexpr std::uint64_t longest_pause = 5;  // seconds, while limits cannot be checked
constexpr std::size_t most_turned_away = 64;

// While draining, an app that has stopped before us is no mystery.
Denial as_said(Denial denial, const Station& station)
{
    const bool app_has_left =
        denial == Denial::upstream_unreachable || denial == Denial::upstream_closed;
    return station.is_draining && app_has_left ? Denial::draining : denial;
}

double fraction(std::uint64_t random)
{
    return static_cast<double>(random >> 11) * 0x1p-53;
}

// Random, where all who were refused would otherwise come back at once.
std::int64_t seconds_to_wait(const Exchange& x, const Station& station, Denial denial)
{
    if (denial == Denial::quota_exhausted)
        return http::retry_after(asked(x), fraction(station.random()));
    if (denial == Denial::limiter_unavailable)
        return 1 + static_cast<std::int64_t>(station.random() % longest_pause);
    return blame(denial) == Blame::us ? try_again : 0;
}

std::vector<std::string_view> violated(const Exchange& x, Denial denial)
{
    if (denial != Denial::quota_exhausted) return {};
    return http::violated_policies(asked(x));
}

std::string detail_of(const Exchange& x, Denial denial)
{
    return denial == Denial::quota_exhausted ? http::never_detail(asked(x)) : std::string();
}

// Once per request: whoever was counted already, or refused by `clients`, is not again.
void note_refused(Exchange& x, Station& station, Denial denial)
{
    if (!station.clients || x.counted_by_clients || blame(denial) != Blame::client) return;
    x.counted_by_clients = true;
    station.clients->note_refused(x.address, x.now);
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
    const auto detail = detail_of(x, denial);
    return http::make_denial_reply({.denial = denial,
                                       .head = x.has_head ? &x.head : nullptr,
                                       .rule = x.rule,
                                       .return_to = url.url,
                                       .is_secure = url.is_secure,
                                       .request_id = x.trace.request_id,
                                       .detail = detail,
                                       .retry_after = seconds_to_wait(x, station, denial),
                                       .quota_fields = x.quota_fields,
                                       .violated_policies = violated(x, denial),
                                       .keep_alive = keep_alive && !station.is_draining,
                                       .now = x.now},
        config.clerk.pages, config.cors.allowed);
}

// Counts a connection that is being turned away.
struct TurnedAway {
    explicit TurnedAway(Station& s) : station(s) { ++station.turned_away; }
    ~TurnedAway() { --station.turned_away; }
    TurnedAway(const TurnedAway&) = delete;
    TurnedAway& operator=(const TurnedAway&) = delete;
    Station& station;
};

// Bytes that were refused before they met a rule are not trusted with a next request.
bool ends_the_connection(const Exchange& x, Denial denial)
{
    return !x.rule || http::status_of(denial) == 400 || http::status_of(denial) == 408;
}

}  // namespace

Awaitable<After> refuse(Exchange& x, Station& station, net::Stream& client, net::Input& input)
{
    const auto denial = as_said(*x.denial, station);
    x.now = station.clock();
    if (x.trace.request_id.empty())
        x.trace = http::make_trace({}, false, station.random(), station.random());
    const bool keep = !ends_the_connection(x, denial) && pass_over_body(x, input);
    note_refused(x, station, denial);
    write_quota_fields(x);
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

Awaitable<void> shed(Station& station, net::Stream& client, std::optional<Clients::Refusal> refusal)
{
    const TurnedAway counted(station);
    if (station.turned_away > most_turned_away) co_return;  // a flood is not talked to at all
    Exchange x;
    x.serving = station.serving;
    x.started = x.now = station.clock();
    x.trace = http::make_trace({}, false, station.random(), station.random());
    x.client.address = client.peer_address();
    x.client_refusal = refusal;
    x.denial = refusal ? Denial::quota_exhausted : Denial::overloaded;
    write_quota_fields(x);
    // Under TLS there is nobody to talk to without a handshake, which is what we cannot
    // afford.
    if (station.tls) co_return record(x, station);
    const auto reply = reply_to(x, station, *x.denial, false);
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
