#include "app/worker.hpp"

#include "app/clock.hpp"
#include "app/redis_settings.hpp"
#include "orggate/http/assertion.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <stdexcept>
#include <string_view>
#include <utility>

namespace orggate::app {
namespace {

constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable_t<Executor>());
constexpr Milliseconds tick_period{1000};
constexpr Milliseconds last_ticks{20};
// For leases on their way back at the end.
constexpr Milliseconds store_patience{200};
constexpr std::int64_t lately = 10;  // seconds

std::int64_t steady_seconds()
{
    return std::chrono::floor<Seconds>(now().steady.time_since_epoch()).count();
}

}  // namespace

Worker::Worker(Shared& shared, const std::vector<net::ListeningSocket>& sockets, int number)
    : shared_(shared),
      counters_(shared.config->names),
      deadlines_(io_.get_executor()),
      tick_timer_(io_.get_executor())
{
    make_limiter(number);
    station_.emplace(io_.get_executor(), deadlines_, counters_, shared.log, *limiter_, &now,
        &random_number, shared.open_connections,
        [&shared](const std::string& key_id) { shared.ask_for_key(key_id); });
    station_->tls = shared.server_tls.get();
    station_->signer = shared.signer.get();
    station_->clients = shared.clients.get();
    station_->denied = &shared.denied;
    const auto& config = *shared.config;
    for (std::size_t i = 0; i < config.upstreams.size(); ++i)
        station_->pools.push_back(
            std::make_unique<upstream::Pool>(config.upstreams[i], shared.upstream_tls[i].get(),
                config.timeouts.upstream_idle, deadlines_, counters_.upstreams[i], shared.log));
    for (const auto& socket : sockets) {
        const int own = socket.duplicate();
        if (own < 0) throw std::runtime_error("cannot listen: too many open files");
        listeners_.push_back(std::make_unique<edge::Listener>(*station_, own, socket.family()));
    }
    last_turn_ = steady_seconds();
}

Worker::~Worker()
{
    if (thread_.joinable()) thread_.join();
}

void Worker::make_limiter(int number)
{
    const auto& redis = shared_.config->redis;
    if (!redis) {
        limiter_ = limit::make_local_limiter(shared_.limits);
        return;
    }
    auto settings = redis_settings(*redis, shared_.redis_tls.get(), std::to_string(number));
    settings.scripts = redis::limiter_scripts();
    store_ = std::make_unique<redis::Store>(io_.get_executor(), deadlines_, std::move(settings),
        redis_surroundings(), counters_.store, shared_.log);
    auto made = redis::make_limiter({.executor = io_.get_executor(),
        .store = *store_,
        .fallback = shared_.limits,
        .fleet = shared_.fleet,
        .name_space = redis->name_space,
        .deadline = redis->deadline,
        .holder = random_number(),
        .key = HashKey{random_number(), random_number()},
        .clock = &now,
        .counters = counters_.store});
    redis_limiter_ = made.get();
    limiter_ = std::move(made);
}

void Worker::start()
{
    for (auto& listener : listeners_)
        boost::asio::co_spawn(io_, listener->run(), boost::asio::detached);
    boost::asio::co_spawn(io_, tick(), boost::asio::detached);
    boost::asio::post(io_, [this] {
        if (store_) store_->start();
        if (redis_limiter_) redis_limiter_->start();
    });
    thread_ = std::thread([this] { run(); });
}

// The last line of defence: whatever leaves a handler is counted, and the loop goes on.
void Worker::run()
{
    for (;;) {
        try {
            io_.run();
            ended_ = true;
            return;
        } catch (const std::exception& e) {
            counters_.exceptions.add();
            shared_.log.event(observe::Level::error, "unexpected exception in a worker",
                {{"error", std::string_view(e.what())}});
        }
    }
}

Awaitable<void> Worker::tick()
{
    while (!stopping_ || station_->seats != nullptr || station_->turned_away != 0) {
        last_turn_.store(steady_seconds(), std::memory_order_relaxed);
        for (auto& pool : station_->pools)
            pool->sweep(now().steady);
        if (stopping_) cut_connections();
        tick_timer_.expires_after(stopping_ ? last_ticks : tick_period);
        co_await tick_timer_.async_wait(token);
    }
    co_await leave_store();
    // Nothing waits any more: without this timer the loop runs out of work.
    deadlines_.stop();
}

// Gives back what is leased, and lets that go out.
Awaitable<void> Worker::leave_store()
{
    if (!store_) co_return;
    redis_limiter_->stop();
    store_->stop(store_patience);
    tick_timer_.expires_after(store_patience + last_ticks);
    co_await tick_timer_.async_wait(token);
}

void Worker::cut_connections()
{
    for (auto* seat = station_->seats; seat != nullptr; seat = seat->next)
        seat->stream->reset();
}

bool Worker::has_turned_lately() const
{
    return steady_seconds() - last_turn_.load(std::memory_order_relaxed) <= lately;
}

void Worker::adopt(std::shared_ptr<const edge::Serving> serving)
{
    boost::asio::post(
        io_, [this, next = std::move(serving)]() mutable { station_->adopt(std::move(next)); });
}

void Worker::key_answered(std::string key_id)
{
    boost::asio::post(io_, [this, id = std::move(key_id)] { station_->key_wait.answered(id); });
}

void Worker::discourage()
{
    boost::asio::post(io_, [this] { station_->is_draining = true; });
}

void Worker::stop_listening()
{
    boost::asio::post(io_, [this] {
        for (auto& listener : listeners_)
            listener->drain();
    });
}

void Worker::close_resting()
{
    boost::asio::post(io_, [this] { station_->close_resting(); });
}

void Worker::stop()
{
    boost::asio::post(io_, [this] {
        stopping_ = true;
        tick_timer_.cancel();
    });
}

}  // namespace orggate::app
