// The connections of one worker to one upstream: idle ones are kept a few seconds and
// lent again, newest first. One io_context, not thread-safe.

#pragma once

#include "orggate/config/config.hpp"
#include "orggate/denial.hpp"
#include "orggate/http/response_head.hpp"
#include "orggate/net/input.hpp"
#include "orggate/net/stream.hpp"
#include "orggate/net/tls.hpp"
#include "orggate/observe/counters.hpp"
#include "orggate/observe/log.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace orggate::upstream {

}  // namespace orggate::upstream

namespace orggate::net {
struct Connected;
}

namespace orggate::upstream {

// One connection and what it keeps from use to use.
struct Connection {
    explicit Connection(std::unique_ptr<net::Stream> connected);

    std::unique_ptr<net::Stream> stream;
    net::Input input;
    http::ResponseHead head;  // of the answer being relayed; views into `input`
    std::string out;          // bytes on their way to the client
    bool from_pool = false;
    std::chrono::steady_clock::time_point idle_since{};
};

class Pool {
public:
    // `tls` null: clear text. `idle` is how long a connection may rest.
    // Changes of state are logged, not every failure.
    Pool(const config::Upstream& upstream, net::ClientContext* tls, Milliseconds idle,
        net::Deadlines& deadlines, observe::Counters::Upstream& counters, observe::Log& log);

    // A resting connection that is still silent, or null.
    std::unique_ptr<Connection> take_idle(std::chrono::steady_clock::time_point now);

    // A new connection.
    // Refuses: upstream_unreachable, upstream_name, upstream_tls, upstream_timeout.
    Awaitable<Result<std::unique_ptr<Connection>>> connect(Milliseconds deadline);

    // Only a connection whose exchange is over to the last byte.
    void give_back(
        std::unique_ptr<Connection> connection, std::chrono::steady_clock::time_point now);

    // Closes what has rested too long.
    void sweep(std::chrono::steady_clock::time_point now);

    observe::Counters::Upstream& counters() { return counters_; }
    net::Deadlines& deadlines() { return deadlines_; }

private:
    void note(const net::Connected& connected);

    const config::Upstream& upstream_;
    net::ClientContext* tls_;
    Milliseconds idle_;
    net::Deadlines& deadlines_;
    observe::Counters::Upstream& counters_;
    observe::Log& log_;
    bool is_failing_ = false;
    std::vector<std::unique_ptr<Connection>> resting_;
};

}  // namespace orggate::upstream
