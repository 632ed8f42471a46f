// Questions beside the data connections: to Sentinels, and to Cluster nodes about their map.

#pragma once

#include "redis/connection.hpp"
#include "redis/connection_setup.hpp"
#include "redis/topology_server.hpp"

#include <memory>
#include <string>

namespace orggate::redis {

// A connection that has said who it is, or why there is none, in words for the log.
struct Introduced {
    std::unique_ptr<Connection> connection;
    std::string reason;
};

// Copied by whoever asks, so that what it began may outlive the Store.
struct Asker {
    Asker(const NodeParts& parts, Credentials who);

    // Within `deadline`, all in all.
    Awaitable<Introduced> connect(config::Address address, Milliseconds deadline) const;

    Executor executor;
    net::Deadlines& deadlines;
    Clock clock;
    net::ClientContext* tls;
    std::string client_name;
    Credentials credentials;
};

// Closes a connection when the time has passed, whatever it waits for.
class TimeLimit {
public:
    TimeLimit(net::Deadlines& deadlines, Connection& connection, Milliseconds from_now);

private:
    net::Deadline deadline_;
};

}  // namespace orggate::redis
