// The app: one thread, streaming bodies both ways.
//
//   any path                  what it received: a page, or JSON where Accept names it
//   /echo                     the body back, chunked, while it still comes in
//   /status/NNN               that status
//   /big?bytes=N              N bytes, with a length
//   /chunked?parts=N&bytes=N  N chunks; `ms` between two of them
//   /early                    413 before the body is read, and the connection ends
//   /websocket                every message back; the text `headers` gives the upgrade request's
//
// Everywhere: `ms` waits before the answer (`/slow?ms=1000`), `header=Name: value` adds a
// field to it.

#pragma once

#include "report.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <vector>

namespace demo_app {

// Accepts until the io_context is stopped; both outlive it.
void start(boost::asio::ip::tcp::acceptor& acceptor, const std::vector<Link>& links);

}  // namespace demo_app
