// Answers a request that was refused: the one place where edge writes a reply of ours.

#pragma once

#include "edge/serve.hpp"

#include <optional>

namespace orggate::edge {

// `x.denial` says why. Gives what becomes of the connection.
Awaitable<After> refuse(Exchange& x, Station& station, net::Stream& client, net::Input& input);

// One answer to a connection that is one too many: of the process, or of its address where
// `refusal` says so. None under TLS, nor to a flood.
Awaitable<void> shed(
    Station& station, net::Stream& client, std::optional<Clients::Refusal> refusal);

// Ends our side, then listens a little: a client that is still sending would
// otherwise be reset before it has read its answer. Source: RFC 9112 section 9.6.
Awaitable<void> close_politely(net::Stream& client);

}  // namespace orggate::edge
