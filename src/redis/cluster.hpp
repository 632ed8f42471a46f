// The servers of a Cluster: who owns which slot, one connection for every primary.
// The map is asked for at start, every 60 s, and, at most once a second, when a command was
// sent to the wrong server or a server is not reached. One io_context, not thread-safe.
// Source: Redis documentation, cluster specification.

#pragma once

#include "redis/topology_server.hpp"

#include <memory>
#include <string>

namespace orggate::redis {

class Cluster {
public:
    explicit Cluster(const NodeParts& parts);
    ~Cluster();
    Cluster(Cluster&&) = delete;

    void start();
    void stop(Milliseconds patience);

    // Null: nobody owns it, as far as is known.
    std::shared_ptr<Server> find(std::uint16_t slot) const;

    // The server at an address that a redirect named, opened if it is new: for ASK `at`, for
    // MOVED `moved`, which remembers the slot and asks for the map. Null: too many servers.
    std::shared_ptr<Server> at(const config::Address& address);
    std::shared_ptr<Server> moved(std::uint16_t slot, const config::Address& address);

    void refresh_soon();

    // Of the map, or of the first server that is not up; empty: every slot has its server.
    std::string trouble() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace orggate::redis
