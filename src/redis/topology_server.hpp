// One server of a topology, and what is known of it beside its connection.

#pragma once

#include "redis/node.hpp"

#include <boost/asio/basic_waitable_timer.hpp>

#include <chrono>
#include <utility>

namespace orggate::redis {

struct Server {
    Server(const NodeParts& parts, config::Address where, FindAddress find_address, Duty duty)
        : address(std::move(where)), node(parts, std::move(find_address), duty)
    {
    }
    config::Address address;  // as configured or as the Cluster says
    Node node;
    bool is_loading = false;  // its scripts, again
};

using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
    boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

}  // namespace orggate::redis
