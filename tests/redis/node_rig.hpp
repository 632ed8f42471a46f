// A node towards a scripted server, with a clock that moves when the test says so, or the
// real one.

#pragma once

#include "redis/connection.hpp"
#include "redis/fake_server.hpp"
#include "redis/node.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <memory>
#include <string>

namespace orggate::test {

inline Instant& hand_set()
{
    static Instant instant;
    return instant;
}

inline Instant hand_set_clock()
{
    return hand_set();
}

inline Instant ticking_clock()
{
    return {std::chrono::system_clock::now(), std::chrono::steady_clock::now()};
}

inline double no_chance()
{
    return 0.0;
}

inline observe::LogOptions errors_off()
{
    observe::LogOptions options;
    options.level = observe::Level::error;
    return options;
}

struct NodeRig {
    explicit NodeRig(Clock time = &ticking_clock, observe::LogOptions log_options = errors_off())
        : log(std::move(log_options)), clock(time)
    {
        hand_set() = Instant();
        hand_set().steady += std::chrono::hours(1);
        settings.client_name = "orggate-test";
    }
    ~NodeRig() { node.reset(); }

    redis::Node& make_node(redis::FindAddress find, redis::Duty duty = redis::Duty::primary)
    {
        redis::NodeParts parts{loop.io.get_executor(), loop.deadlines, settings,
            redis::Surroundings{clock, &no_chance}, counters, log};
        node = std::make_unique<redis::Node>(parts, std::move(find), duty);
        return *node;
    }
    redis::Node& make_node(redis::Duty duty = redis::Duty::primary)
    {
        return make_node(
            [this]() -> Awaitable<std::optional<config::Address>> {
                ++asked_for_address;
                co_return server.address();
            },
            duty);
    }

    // Turns of the loop until `what` holds: progress, not time.
    Awaitable<void> until(std::function<bool()> what)
    {
        using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
            boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;
        Timer timer(loop.io.get_executor());
        const auto end = std::chrono::steady_clock::now() + enough;
        bool is_so = what();
        while (!is_so && std::chrono::steady_clock::now() < end) {
            timer.expires_after(std::chrono::microseconds(100));
            co_await timer.async_wait(net::as_values);
            is_so = what();
        }
        CHECK(is_so);
    }
    Awaitable<void> until_up()
    {
        std::function<bool()> is_up = [this] { return node->is_up(); };
        co_await until(std::move(is_up));
    }

    // Lets everybody who can go on do so, the kernel included.
    Awaitable<void> turn()
    {
        int turns = 0;
        std::function<bool()> some = [&turns] { return ++turns > 2; };
        co_await until(std::move(some));
    }

    // Moves the hand-set clock and lets the node see it.
    void advance(Milliseconds by)
    {
        hand_set().steady += by;
        node->expire(hand_set().steady);
    }

    // A request of its own that leaves its outcome behind.
    struct Request {
        redis::Outcome outcome;
        bool is_done = false;
    };
    std::shared_ptr<Request> ask(redis::Command command, Milliseconds deadline = enough)
    {
        auto request = std::make_shared<Request>();
        loop.spawn(run(request, std::move(command), deadline));
        return request;
    }
    std::shared_ptr<Request> ask(std::string_view word, Milliseconds deadline = enough)
    {
        return ask(redis::make_command({word}), deadline);
    }
    Awaitable<void> run(
        std::shared_ptr<Request> request, redis::Command command, Milliseconds deadline)
    {
        request->outcome = co_await node->execute(std::move(command), deadline);
        request->is_done = true;
    }

    Loop loop;
    FakeServer server{loop};
    redis::Settings settings;
    observe::StoreCounters counters;
    observe::Log log;
    Clock clock;
    std::unique_ptr<redis::Node> node;
    int asked_for_address = 0;
};

}  // namespace orggate::test
