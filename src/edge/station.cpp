#include "orggate/edge/station.hpp"

#include "edge/exchange.hpp"

#include <sys/socket.h>

#include <utility>

namespace orggate::edge {

Station::Station(Executor executor_, net::Deadlines& deadlines_, observe::Counters& counters_,
    observe::Log& log_, limit::Limiter& limiter_, Clock clock_, std::uint64_t (*random_)(),
    std::atomic<std::size_t>& open, std::function<void(const std::string&)> ask_for_key)
    : executor(executor_),
      deadlines(deadlines_),
      counters(counters_),
      log(log_),
      limiter(limiter_),
      clock(clock_),
      random(random_),
      open_connections(open),
      key_wait(executor_, std::move(ask_for_key)),
      verifier(nullptr, {}, 0, 1)
{
}

Station::~Station() = default;

namespace {

// Nothing has come that the connection's own read is about to take. Only a look: under
// TLS a read here would take the bytes away from it.
bool is_silent(net::Stream& stream)
{
    char byte;
    return ::recv(stream.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
}

void close_blocked_tunnels(Station& station)
{
    const auto& tenants = station.serving->tenants_now();
    if (tenants.size() == 0) return;
    const auto now = station.clock();
    for (auto* seat = station.seats; seat != nullptr; seat = seat->next) {
        if (seat->tunnel_org.empty() || seat->is_blocked) continue;
        const auto* tenant = tenants.find(seat->tunnel_org, now);
        if (tenant == nullptr || !tenant->blocked) continue;
        seat->is_blocked = true;
        seat->stream->close();
        station.log.event(observe::Level::info, "tunnel closed: its organisation is blocked",
            {{"org_id", seat->tunnel_org}, {"tenant_reason", std::string_view(tenant->reason)}});
    }
}

}  // namespace

void Station::adopt(std::shared_ptr<const Serving> next)
{
    const bool same_keys =
        serving && serving->config == next->config && serving->keys == next->keys;
    serving = std::move(next);
    // A change of tenants alone costs nobody the tokens that are verified already.
    if (!same_keys)
        verifier = token::Verifier(serving->keys, serving->config->clerk.expectations, random());
    close_blocked_tunnels(*this);
}

void Station::close_resting()
{
    for (auto* seat = seats; seat != nullptr; seat = seat->next)
        if (seat->is_resting && is_silent(*seat->stream)) seat->stream->close();
}

}  // namespace orggate::edge
