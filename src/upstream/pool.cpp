#include "orggate/upstream/pool.hpp"

#include "orggate/net/connect.hpp"

#include <boost/asio/error.hpp>

#include <utility>

namespace orggate::upstream {
namespace {

constexpr std::size_t buffer_size = 16 * 1024;
constexpr std::size_t most_resting = 256;  // more is a burst that is over

Denial why(const net::Connected& failed)
{
    if (failed.error == boost::asio::error::timed_out) return Denial::upstream_timeout;
    switch (failed.step) {
        case net::ConnectStep::resolve: return Denial::upstream_name;
        case net::ConnectStep::connect: return Denial::upstream_unreachable;
        case net::ConnectStep::handshake: return Denial::upstream_tls;
    }
    return Denial::upstream_unreachable;
}

std::string_view step_name(net::ConnectStep step)
{
    switch (step) {
        case net::ConnectStep::resolve: return "resolve";
        case net::ConnectStep::connect: return "connect";
        case net::ConnectStep::handshake: return "handshake";
    }
    return "connect";
}

}  // namespace

Connection::Connection(std::unique_ptr<net::Stream> connected)
    : stream(std::move(connected)), input(*stream, buffer_size, buffer_size)
{
}

Pool::Pool(const config::Upstream& upstream, net::ClientContext* tls, Milliseconds idle,
    net::Deadlines& deadlines, observe::Counters::Upstream& counters, observe::Log& log)
    : upstream_(upstream),
      tls_(tls),
      idle_(idle),
      deadlines_(deadlines),
      counters_(counters),
      log_(log)
{
}

std::unique_ptr<Connection> Pool::take_idle(std::chrono::steady_clock::time_point now)
{
    while (!resting_.empty()) {
        auto connection = std::move(resting_.back());
        resting_.pop_back();
        // A word from an upstream that was not asked belongs to no request.
        if (now - connection->idle_since >= idle_) continue;
        if (connection->stream->has_something_to_read()) continue;
        connection->from_pool = true;
        counters_.reused.add();
        return connection;
    }
    return nullptr;
}

Awaitable<Result<std::unique_ptr<Connection>>> Pool::connect(Milliseconds deadline)
{
    auto connected = co_await net::connect(upstream_.address, tls_, deadlines_, deadline);
    note(connected);
    if (!connected.stream) {
        counters_.connect_failures.add();
        co_return why(connected);
    }
    counters_.connects.add();
    co_return std::make_unique<Connection>(std::move(connected.stream));
}

void Pool::note(const net::Connected& connected)
{
    const bool fails = connected.stream == nullptr;
    if (fails == is_failing_) return;
    is_failing_ = fails;
    const std::string_view name = upstream_.name, authority = upstream_.authority;
    const auto why = connected.error.message();
    if (fails)
        log_.event(observe::Level::warn, "upstream cannot be reached",
            {{"upstream", name}, {"address", authority}, {"step", step_name(connected.step)},
                {"error", std::string_view(why)}});
    else
        log_.event(observe::Level::info, "upstream can be reached again",
            {{"upstream", name}, {"address", authority}});
}

void Pool::give_back(
    std::unique_ptr<Connection> connection, std::chrono::steady_clock::time_point now)
{
    connection->input.settle();
    if (resting_.size() >= most_resting || !connection->input.unread().empty()) return;
    connection->idle_since = now;
    resting_.push_back(std::move(connection));
}

void Pool::sweep(std::chrono::steady_clock::time_point now)
{
    // Oldest first: the pool lends the newest.
    std::size_t stale = 0;
    while (stale < resting_.size() && now - resting_[stale]->idle_since >= idle_)
        ++stale;
    resting_.erase(resting_.begin(), resting_.begin() + static_cast<std::ptrdiff_t>(stale));
}

}  // namespace orggate::upstream
