// One client connection: its requests one after another, until one of them or the
// clock ends it.

#pragma once

#include "orggate/edge/station.hpp"

namespace orggate::edge {

// Owns the socket to its end.
Awaitable<void> serve_connection(Station& station, net::Socket socket);

}  // namespace orggate::edge
