// One worker's limiter over a real redis-server, and how tests ask it.

#pragma once

#include "orggate/limit/local.hpp"
#include "orggate/redis/limiter.hpp"
#include "orggate/redis/store.hpp"

#include "net/loop.hpp"
#include "support/redis_server.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace orggate::test {

inline Instant real_clock()
{
    return {std::chrono::system_clock::now(), std::chrono::steady_clock::now()};
}

inline double no_jitter()
{
    return 0.0;
}

// Until `what` holds; looked at every millisecond.
inline Awaitable<void> until(Loop& loop, std::function<bool()> what)
{
    boost::asio::basic_waitable_timer<std::chrono::steady_clock,
        boost::asio::wait_traits<std::chrono::steady_clock>, Executor>
        timer(loop.io.get_executor());
    const auto end = std::chrono::steady_clock::now() + enough;
    while (!what() && std::chrono::steady_clock::now() < end) {
        timer.expires_after(std::chrono::milliseconds(1));
        co_await timer.async_wait(net::as_values);
    }
    CHECK(what());
}

struct LimiterRig {
    LimiterRig(Loop& loop_, const RedisServer& server, Milliseconds deadline = Milliseconds{250})
        : loop(loop_),
          settings(make_settings(server, deadline)),
          store(loop.io.get_executor(), loop.deadlines, settings,
              redis::Surroundings{&real_clock, &no_jitter}, counters.store, log),
          limiter(redis::make_limiter({.executor = loop.io.get_executor(),
              .store = store,
              .fallback = fallback,
              .fleet = fleet,
              .name_space = "og:test",
              .deadline = deadline,
              .holder = ++last_holder,
              .key = {1, 2},
              .clock = &real_clock,
              .counters = counters.store}))
    {
        store.start();
        limiter->start();
    }

    static observe::LogOptions quiet()
    {
        observe::LogOptions options;
        options.level = observe::Level::error;
        return options;
    }

    static redis::Settings make_settings(const RedisServer& server, Milliseconds deadline)
    {
        redis::Settings settings;
        config::Address address;
        address.host = "127.0.0.1";
        address.port = server.port();
        settings.redis.addresses.push_back(address);
        settings.redis.name_space = "og:test";
        settings.redis.deadline = deadline;
        settings.client_name = "orggate-test";
        settings.scripts = redis::limiter_scripts();
        return settings;
    }

    Awaitable<void> ready()
    {
        auto is_up = [this] { return store.is_up(0); };
        std::function<bool()> what = is_up;
        co_await until(loop, what);
    }

    void stop()
    {
        limiter->stop();
        store.stop(Milliseconds{50});
    }

    static inline std::uint64_t last_holder = 0;
    Loop& loop;
    observe::Counters counters{observe::CounterNames{}};
    observe::Log log{quiet()};
    std::shared_ptr<limit::LocalTable> fallback =
        std::make_shared<limit::LocalTable>(HashKey{3, 4});
    redis::FleetView fleet;
    redis::Settings settings;
    redis::Store store;
    std::unique_ptr<redis::RedisLimiter> limiter;
};

// The checks of one request, with what they refer to.
struct Asked {
    std::vector<limit::Check> checks;
    std::vector<limit::Decision> decisions;
    Result<void> taken = Denial::limiter_unavailable;

    bool passed() const
    {
        if (!taken) return false;
        for (std::size_t i = 0; i < checks.size(); ++i)
            if (checks[i].enforced && !decisions[i].allowed) return false;
        return true;
    }
};

inline Awaitable<Asked> ask(LimiterRig& rig, std::vector<limit::Check> checks)
{
    Asked asked;
    asked.checks = std::move(checks);
    asked.decisions.resize(asked.checks.size());
    asked.taken = co_await rig.limiter->take(asked.checks, asked.decisions, real_clock());
    co_return asked;
}

inline limit::Check check_of(const limit::Quota& quota, std::string_view org = "org_one")
{
    limit::Check check;
    check.limit = quota.name;
    check.subject = org;
    check.quota = &quota;
    return check;
}

}  // namespace orggate::test
