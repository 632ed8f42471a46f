// One store over real servers, driven from a test's own lines: each call runs the loop until
// it has what it waits for.

#pragma once

#include "orggate/redis/store.hpp"

#include "orggate/limit/key.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace orggate::test {

inline const redis::Script add_script("return redis.call('INCRBY', KEYS[1], ARGV[1])");
inline const redis::Script pair_script(
    "redis.call('INCRBY', KEYS[2], ARGV[1]) return redis.call('INCRBY', KEYS[1], ARGV[1])");
inline const redis::Script get_script("return redis.call('GET', KEYS[1])");

struct StoreRig {
    using Kind = config::Redis::Topology;
    static constexpr Milliseconds long_enough{20'000};

    static Instant clock()
    {
        return {std::chrono::system_clock::now(), std::chrono::steady_clock::now()};
    }
    static double half() { return 0.5; }

    static observe::LogOptions quiet()
    {
        observe::LogOptions options;
        options.level = observe::Level::error;
        return options;
    }

    static redis::Settings settings_for(Kind kind, const std::vector<std::uint16_t>& ports)
    {
        redis::Settings settings;
        settings.redis.topology = kind;
        for (const std::uint16_t port : ports)
            settings.redis.addresses.push_back({"127.0.0.1", port, {}});
        settings.redis.deadline = Milliseconds{250};
        settings.client_name = "orggate-test";
        settings.scripts = {&add_script, &pair_script, &get_script};
        return settings;
    }

    explicit StoreRig(redis::Settings settings)
        : store(io.get_executor(), deadlines, std::move(settings), {&clock, &half}, counters, log)
    {
        store.start();
    }
    StoreRig(Kind kind, const std::vector<std::uint16_t>& ports)
        : StoreRig(settings_for(kind, ports))
    {
    }
    ~StoreRig()
    {
        store.stop(Milliseconds{0});
        deadlines.stop();
        io.restart();
        io.run_for(std::chrono::seconds(5));
        // Whatever the store began has ended with it.
        CHECK(io.stopped());
    }

    template <class Condition>
    bool until(Condition condition, Milliseconds at_most = long_enough)
    {
        const auto end = std::chrono::steady_clock::now() + at_most;
        while (!condition()) {
            if (std::chrono::steady_clock::now() >= end) return false;
            io.restart();
            io.run_one_for(std::chrono::milliseconds(2));
        }
        return true;
    }
    void run_for(Milliseconds duration)
    {
        until([] { return false; }, duration);
    }
    bool wait_until_up(std::uint16_t slot = 0)
    {
        return until([&] { return store.is_up(slot); });
    }
    bool wait_until_down(std::uint16_t slot = 0)
    {
        return until([&] { return !store.is_up(slot); });
    }

    // A call under way: what it is given lives here.
    struct Pending {
        std::vector<std::string> keys, arguments;
        redis::Outcome outcome;
        bool is_done = false;
        std::chrono::steady_clock::time_point begun, ended;
        Milliseconds took() const
        {
            return std::chrono::duration_cast<Milliseconds>(ended - begun);
        }
    };

    void spawn(Pending& pending, Awaitable<redis::Outcome> story)
    {
        pending.begun = std::chrono::steady_clock::now();
        boost::asio::co_spawn(
            io, std::move(story), [&pending](std::exception_ptr failure, redis::Outcome outcome) {
                if (failure) std::rethrow_exception(failure);
                pending.outcome = std::move(outcome);
                pending.ended = std::chrono::steady_clock::now();
                pending.is_done = true;
            });
    }

    std::unique_ptr<Pending> begin(const redis::Script& script, std::vector<std::string> keys,
        Milliseconds within, std::vector<std::string> arguments = {"1"})
    {
        auto pending = std::make_unique<Pending>();
        pending->keys = std::move(keys);
        pending->arguments = std::move(arguments);
        spawn(*pending, store.evaluate(script, limit::slot_of(pending->keys.front()), pending->keys,
                            pending->arguments, within));
        return pending;
    }

    redis::Outcome evaluate(const redis::Script& script, std::vector<std::string> keys,
        Milliseconds within = Milliseconds{250}, std::vector<std::string> arguments = {"1"})
    {
        const auto pending = begin(script, std::move(keys), within, std::move(arguments));
        REQUIRE(until([&] { return pending->is_done; }));
        return pending->outcome;
    }

    redis::Outcome command(std::vector<std::string> words, std::uint16_t slot = 0)
    {
        Pending pending;
        spawn(pending, store.command(slot, std::move(words)));
        REQUIRE(until([&] { return pending.is_done; }));
        return pending.outcome;
    }

    bool finish(const std::vector<std::unique_ptr<Pending>>& all)
    {
        return until([&] {
            for (const auto& pending : all)
                if (!pending->is_done) return false;
            return true;
        });
    }

    boost::asio::io_context io{1};
    net::Deadlines deadlines{io.get_executor()};
    observe::StoreCounters counters;
    observe::Log log{quiet()};
    redis::Store store;
};

}  // namespace orggate::test
