// What a node knows and does: its life in node_life.cpp, its commands in node_commands.cpp,
// its health in node_health.cpp.

#pragma once

#include "redis/connection.hpp"
#include "redis/node.hpp"
#include "redis/pipeline.hpp"
#include "redis/reply_wait.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <string>
#include <string_view>

namespace orggate::redis {

enum class Ending { lost, deliberate };

struct Node::State : std::enable_shared_from_this<Node::State> {
    using SteadyClock = std::chrono::steady_clock;
    using Time = SteadyClock::time_point;
    using Timer = boost::asio::basic_waitable_timer<SteadyClock,
        boost::asio::wait_traits<SteadyClock>, Executor>;

    State(NodeParts node_parts, FindAddress find, Duty node_duty);
    Time now() const { return parts.world.clock().steady; }

    // Life. Two coroutines: one connects and reads, one writes.
    void spawn_run();
    void spawn_writer();
    void stop(Milliseconds patience);
    void shut_down();
    void reconnect();
    Awaitable<void> run();
    Awaitable<void> back_off();
    Awaitable<void> connect_once();
    Awaitable<Trouble> establish(Connection& connection, config::Address address);
    void fail_attempt(const Trouble& why);
    void begin(std::shared_ptr<Connection> connection);
    Awaitable<void> read_replies(std::shared_ptr<Connection> connection);
    Awaitable<void> write_commands();
    void plan_retry(Time time, const Trouble& why);

    // Commands.
    bool is_up() const { return link != nullptr && !breaker.is_open() && !is_stopping; }
    // none: `who`, if any, will be answered.
    Failure enqueue(const Command& command, ReplyWait* who, Milliseconds deadline);
    void append(const Command& command, ReplyWait* who, Time time, Milliseconds deadline);
    void take(Reply reply, Time time);
    void expire(Time time);
    enum class Fault { servers, ours };
    void expire_waits(Time time, Fault fault);
    void drop(const Trouble& why, Ending ending);
    void arm(Time time);
    Time next_due() const;
    Milliseconds stuck_after() const;

    // Health.
    void count_failure(Time time, std::string_view why);
    void open_breaker(Time time);
    void check_health(Time time);
    Time next_check() const;
    void note_opened(Time time);
    void take_probe(const Outcome& outcome, Time time);
    void settle_probe(bool is_good, Time time);
    void update_up();
    // As CLIENT LIST shows it: which of a process's connections this is.
    std::string_view our_name() const { return parts.settings.client_name; }
    void say_connected(Time time);
    void say_failed(std::string_view what, const Trouble& why, Time time);
    void say_breaker(std::string_view what, Time time);

    NodeParts parts;
    FindAddress find_address;
    Duty duty;
    std::string server;                          // where we are or try to be, for the log
    std::string why_down = "not connected yet";  // why it is not up, or was not the last time

    std::shared_ptr<Connection> link;     // that takes commands
    std::shared_ptr<Connection> attempt;  // that is being set up
    Pipeline pipeline;
    std::string pending;  // bytes not yet given to the socket
    Pause write_wake;
    net::Deadline timer;
    Time armed = Time::max();
    Time last_heard{}, connected_at{};

    limit::Breaker breaker;
    ReplyWait probe;  // stands in the pipeline for a question of ours; nobody waits on it
    bool is_probing = false;
    int failed_probes = 0;
    Time next_probe{};
    bool is_counted_up = false;

    boost::asio::cancellation_signal cancel;
    Timer retry_timer;
    Milliseconds retry_in{0};
    int failures = 0;          // since a connection lasted
    bool starts_over = false;  // the attempt under way is of no interest any more
    bool is_stopping = false, is_closed = false;
    Time stop_at = Time::max();

    std::optional<Time> said_failed_at, said_connected_at, said_breaker_at;
    Failure last_failure = Failure::none;  // since we were connected
    bool said_failed = false, said_opened = false;
};

}  // namespace orggate::redis
