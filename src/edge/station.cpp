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

}  // namespace

void Station::adopt(std::shared_ptr<const Serving> next)
{
    serving = std::move(next);
    verifier = token::Verifier(serving->keys, serving->config->clerk.expectations, random());
}

void Station::close_resting()
{
    for (auto* seat = seats; seat != nullptr; seat = seat->next)
        if (seat->is_resting && is_silent(*seat->stream)) seat->stream->close();
}

}  // namespace orggate::edge
