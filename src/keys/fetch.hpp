// One fetch of a document, bounded in time and size. No redirect is followed.
// One io_context, not thread-safe.

#pragma once

#include "orggate/awaitable.hpp"
#include "orggate/config/config.hpp"
#include "orggate/net/connect.hpp"

#include <string>

namespace orggate::keys {

struct Request {
    config::Address address;
    net::ClientContext* tls = nullptr;  // null: clear text
    std::string head;                   // complete, with its blank line
    Milliseconds deadline{};            // for the whole fetch
};

struct Fetched {
    std::string body;
    std::string error;  // for people; empty: the body is good
};

// `in_flight` points to the connection while there is one: closing that ends the fetch.
Awaitable<Fetched> fetch(
    const Request& request, net::Deadlines& deadlines, net::Stream*& in_flight);

}  // namespace orggate::keys
