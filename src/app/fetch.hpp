// A tiny GET for probes: the app's health path, and our own telemetry.

#pragma once

#include "orggate/awaitable.hpp"
#include "orggate/config/config.hpp"
#include "orggate/net/deadlines.hpp"
#include "orggate/net/tls.hpp"

#include <string>

namespace orggate::app {

// The answer's status, or 0 if there was none in time.
Awaitable<int> get_status(config::Address address, net::ClientContext* tls, std::string host,
    std::string path, net::Deadlines& deadlines, Milliseconds deadline);

}  // namespace orggate::app
