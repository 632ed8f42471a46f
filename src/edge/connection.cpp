#include "edge/connection.hpp"

#include "edge/limits.hpp"
#include "edge/record.hpp"
#include "edge/refuse.hpp"
#include "edge/serve.hpp"
#include "orggate/http/head_scan.hpp"

#include <boost/asio/error.hpp>

#include <utility>

namespace orggate::edge {
namespace {

constexpr std::size_t resting_buffer = 4 * 1024;
constexpr std::size_t working_buffer = 16 * 1024;
constexpr Milliseconds handshake_deadline{5'000};

// Keeps the connection's seat in the station's list, and the counts right.
class Seated {
public:
    Seated(Station& station, net::Stream& stream) : station_(station)
    {
        seat_.stream = &stream;
        seat_.next = station.seats;
        if (seat_.next) seat_.next->previous = &seat_;
        station.seats = &seat_;
        station.counters.connections.add();
    }
    ~Seated()
    {
        if (seat_.next) seat_.next->previous = seat_.previous;
        (seat_.previous ? seat_.previous->next : station_.seats) = seat_.next;
        station_.counters.connections.subtract();
        station_.open_connections.fetch_sub(1, std::memory_order_relaxed);
    }
    Seated(const Seated&) = delete;
    Seated& operator=(const Seated&) = delete;

    Seat seat_;

private:
    Station& station_;
};

// An Exchange on loan for one request.
class Story {
public:
    explicit Story(Station& station) : station_(station)
    {
        if (station.spare.empty()) {
            exchange_ = std::make_unique<Exchange>();
        } else {
            exchange_ = std::move(station.spare.back());
            station.spare.pop_back();
        }
        exchange_->serving = station.serving;
        exchange_->started = exchange_->now = station.clock();
        station.counters.in_flight.add();
    }
    ~Story()
    {
        give_back(*exchange_, station_);
        station_.counters.in_flight.subtract();
        renew(*exchange_);
        if (station_.spare.size() < 64) station_.spare.push_back(std::move(exchange_));
    }
    Story(const Story&) = delete;
    Story& operator=(const Story&) = delete;

    Exchange& operator*() { return *exchange_; }

private:
    // A new Exchange in all but the memory it holds.
    static void renew(Exchange& x)
    {
        Exchange next;
        keep(x.head.fields, next.head.fields);
        keep(x.limits, next.limits);
        keep(x.quota_fields, next.quota_fields);
        x = std::move(next);
    }
    template <class Memory>
    static void keep(Memory& from, Memory& to)
    {
        to = std::move(from);
        to.clear();
    }

    Station& station_;
    std::unique_ptr<Exchange> exchange_;
};

struct HeadRead {
    std::size_t length = 0;        // 0: none
    std::optional<Denial> denial;  // neither: the client is done
};

// Step 1: the next head, within its limits of size and time. A connection on which
// nothing is asked ends without a word.
Awaitable<HeadRead> read_head(Station& station, net::Stream& client, net::Input& input, Seat& seat)
{
    const auto& config = *station.serving->config;
    http::HeadScan scan(http::HeadKind::request, config.head_limits);
    const auto& timeouts = config.timeouts;
    std::optional<std::chrono::steady_clock::time_point> until;
    for (std::size_t scanned = 0;;) {
        const auto unread = input.unread();
        const auto end = scan.feed(unread.substr(scanned));
        if (!end) co_return HeadRead{0, end.error()};
        if (*end) co_return HeadRead{**end, {}};
        scanned = unread.size();

        auto deadline = timeouts.client_idle;
        if (!unread.empty()) {
            const auto now = station.clock().steady;
            if (!until) until = now + timeouts.client_head;
            deadline = std::chrono::ceil<Milliseconds>(*until - now);
            if (deadline <= Milliseconds{0}) co_return HeadRead{0, Denial::head_timeout};
        }
        seat.is_resting = unread.empty();
        const auto more = co_await input.fill(deadline);
        seat.is_resting = false;
        if (!more.error) continue;
        const bool late = more.error == boost::asio::error::timed_out && !unread.empty();
        if (!late) client.close();
        HeadRead none;
        if (late) none.denial = Denial::head_timeout;
        co_return none;
    }
}

// One request from its head to its record. Gives what becomes of the connection.
Awaitable<After> one_request(Station& station, const Peer& peer, net::Stream& client,
    net::Input& input, Seat& seat, const HeadRead& read)
{
    Story story(station);
    auto& x = *story;
    const auto raw = input.unread().substr(0, read.length);
    input.consume(read.length);
    x.bytes_in = raw.size();
    x.client.address = peer.address;
    x.address = http::limited_address(peer.address);
    x.seat = &seat;
    Result<After> after = Denial::head_timeout;
    if (read.denial)
        after = *read.denial;
    else
        after = co_await serve(x, raw, peer, station, client, input);
    if (!after) {
        x.denial = after.error();
        after = co_await refuse(x, station, client, input);
    }
    seat.tunnel_org = {};
    if (seat.is_blocked) {
        x.denial = Denial::blocked;
        x.client_left = false;  // it was shown the door
    }
    record(x, station);
    co_return *after;
}

void note_handshake(const boost::system::error_code& error, const Peer& peer, Station& station)
{
    station.counters.tls_handshake_failures.add();
    if (!station.log.is_on(observe::Level::debug)) return;
    const auto reason = error.message();
    station.log.event(observe::Level::debug, "TLS handshake failed",
        {{"client_ip", std::string_view(peer.address)}, {"error", std::string_view(reason)}});
}

}  // namespace

Awaitable<void> serve_connection(Station& station, net::Socket socket)
{
    net::Stream client(std::move(socket), station.deadlines);
    Seated seated(station, client);
    Peer peer{client.peer_address(), false};
    const Clients::Connection counted(
        station.clients, http::limited_address(peer.address), station.clock());
    if (counted.refusal()) {
        station.counters.clients_refused.add();
        co_await shed(station, client, counted.refusal());
        co_return;
    }
    if (station.tls) {
        const auto refused = co_await client.handshake_as_server(*station.tls, handshake_deadline);
        if (refused) co_return note_handshake(refused, peer, station);
        peer.is_tls = true;
    }
    net::Input input(client, resting_buffer, working_buffer);
    for (auto after = After::next_request; after == After::next_request;) {
        const auto read = co_await read_head(station, client, input, seated.seat_);
        if (read.length == 0 && !read.denial) co_return;
        after = co_await one_request(station, peer, client, input, seated.seat_, read);
        input.settle();
        if (after == After::close) co_await close_politely(client);
        if (after == After::reset) client.reset();
    }
}

}  // namespace orggate::edge
