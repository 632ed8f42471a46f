// Steps 2 to 11 of one request, told once.

#pragma once

#include "edge/exchange.hpp"
#include "edge/steps.hpp"
#include "orggate/edge/station.hpp"
#include "orggate/net/input.hpp"

#include <string_view>

namespace orggate::edge {

// What becomes of the client's connection.
enum class After {
    next_request,
    close,  // politely: the client has its whole answer
    reset,  // its answer is not whole and must not look so
};

// Serves the request whose raw head is `raw`. A Denial means that nothing has been
// answered yet. `x` tells the whole story afterwards, refused or not.
Awaitable<Result<After>> serve(Exchange& x, std::string_view raw, const Peer& peer,
    Station& station, net::Stream& client, net::Input& input);

}  // namespace orggate::edge
