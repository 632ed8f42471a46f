// A host's addresses, or an error in time.
// One io_context, not thread-safe.

#pragma once

#include "orggate/awaitable.hpp"
#include "orggate/time.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/system/error_code.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace orggate::net {

struct Resolved {
    boost::system::error_code error;  // timed_out when the deadline passed
    std::vector<boost::asio::generic::stream_protocol::endpoint> endpoints;  // in order, not empty
};

// Numeric addresses (IPv6 also in brackets) need no wait. The system's resolver can't be
// interrupted: after the deadline it ends in the background and its answer is dropped.
Awaitable<Resolved> resolve(
    std::string host, std::uint16_t port, Executor executor, Milliseconds deadline);

}  // namespace orggate::net
