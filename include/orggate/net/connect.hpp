// Resolve and connect, with one deadline for both.

#pragma once

#include "orggate/awaitable.hpp"
#include "orggate/config/config.hpp"
#include "orggate/net/stream.hpp"
#include "orggate/net/tls.hpp"

#include <memory>

namespace orggate::net {

enum class ConnectStep { resolve, connect, handshake };

struct Connected {
    std::unique_ptr<Stream> stream;           // null on failure
    boost::system::error_code error;          // timed_out when the deadline passed
    ConnectStep step = ConnectStep::connect;  // where it failed
};

// Tries the addresses of a name in turn. `tls` null: clear text.
Awaitable<Connected> connect(
    config::Address address, ClientContext* tls, Deadlines& deadlines, Milliseconds deadline);

}  // namespace orggate::net
