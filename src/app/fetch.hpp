// A tiny HTTP client: probes of the app's health path, and questions to a process of ours.

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

struct Fetched {
    int status = 0;  // 0: no answer in time
    std::string body;
};

// `request` is a whole head. The body ends with the connection, as ours do; at most 4 MiB.
Awaitable<Fetched> fetch(config::Address address, net::ClientContext* tls, std::string request,
    std::string method, net::Deadlines& deadlines, Milliseconds deadline);

}  // namespace orggate::app
