#include "edge/connection.hpp"

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
        station_.counters.in_flight.subtract();
        renew(*exchange_);
        if (station_.spare.size() < 64) station_.spare.push_back(std::move(exchange_));
    }
    Story(const Story&) = delete;
    Story& operator=(const Story&) = delete;

    Exchange& operator*() { return *exchange_; }

private:
    // A new Exchange in all but the memory its head holds.
    static void renew(Exchange& x)
    {
        auto fields = std::move(x.head.fields);
        x = Exchange{};
        fields.clear();
        x.head.fields = std::move(fields);
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
    net::Input& input, const HeadRead& read)
{
    Story story(station);
    auto& x = *story;
    const auto raw = input.unread().substr(0, read.length);
    input.consume(read.length);
    x.bytes_in = raw.size();
    x.client.address = peer.address;
    Result<After> after = Denial::head_timeout;
    if (read.denial)
        after = *read.denial;
    else
        after = co_await serve(x, raw, peer, station, client, input);
    if (!after) {
        x.denial = after.error();
        after = co_await refuse(x, station, client, input);
    }
    record(x, station);
    co_return *after;
}

}  // namespace

Awaitable<void> serve_connection(Station& station, net::Socket socket)
{
    net::Stream client(std::move(socket), station.deadlines);
    Seated seated(station, client);
    if (station.tls) {
        const auto refused = co_await client.handshake_as_server(*station.tls, handshake_deadline);
        if (refused) co_return;
    }
    const Peer peer{client.peer_address(), client.is_tls()};
    net::Input input(client, resting_buffer, working_buffer);
    for (auto after = After::next_request; after == After::next_request;) {
        const auto read = co_await read_head(station, client, input, seated.seat_);
        if (read.length == 0 && !read.denial) co_return;
        after = co_await one_request(station, peer, client, input, read);
        input.settle();
        if (after == After::close) co_await close_politely(client);
        if (after == After::reset) client.reset();
    }
}

}  // namespace orggate::edge
