// One server: one pipelined connection that is kept up, and the breaker before it.
//
// Commands go out at once if nothing is being written, else all together when that write
// completes: no timer, and batches grow by themselves. A late reply is read and dropped; it
// can never answer another command. One io_context, not thread-safe.

#pragma once

#include "orggate/limit/breaker.hpp"
#include "orggate/redis/store.hpp"
#include "redis/command.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace orggate::redis {

// Where to connect now: asked anew for every connection. Nothing: nobody knows; try later.
// A stop cancels it: its wait ends with an exception (operation_aborted), as Asio does.
using FindAddress = std::function<Awaitable<std::optional<config::Address>>()>;

// What a connection must prove before it takes commands.
enum class Duty {
    primary,       // ROLE must say master
    cluster_node,  // no SELECT; ROLE must say master
};

struct NodeParts {
    Executor executor;
    net::Deadlines& deadlines;
    const Settings& settings;
    Surroundings world;
    observe::StoreCounters& counters;
    observe::Log& log;
};

class Node {
public:
    Node(NodeParts parts, FindAddress find_address, Duty duty);
    ~Node();
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    // Connects, sets up (AUTH, CLIENT SETNAME, SELECT, ROLE, SCRIPT LOAD), and does so again
    // with full jitter (limit::backoff) whenever the connection is lost, until stop().
    void start();
    void stop(Milliseconds patience);

    // Connected, set up, breaker closed.
    bool is_up() const;
    // Why not, in words: the last reason. Empty when it is up.
    std::string_view trouble() const;

    // Returns within `deadline`, whatever the server does. Failure::not_connected at once
    // while it is not up or the queue (4096 commands, 1 MiB) is full. An error reply is an
    // Outcome with Failure::none: what it means is the caller's to say, but see report().
    Awaitable<Outcome> execute(Command command, Milliseconds deadline);
    // Nobody waits; dropped while it is not up.
    void send(Command command);

    // What an answered error meant for the server's health: Failure::down counts towards the
    // breaker, and `why` is then its trouble. Timeouts and losses are counted without being
    // told.
    void report(Failure failure, std::string_view why);

    // Closes the connection, what waits gets Failure::lost, and starts over at once:
    // for READONLY, a switch of the primary, a new address. No failure for the breaker.
    void reconnect();

    // Ends the waits whose deadline has passed at `now`, gives up a connection that does not
    // answer, and asks whether the server is well when that is due. Called by the node's own
    // timer, within 5 ms; tests call it with a time of theirs.
    void expire(std::chrono::steady_clock::time_point now);

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace orggate::redis
