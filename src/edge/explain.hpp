// Why a request was refused, in full, for the log at level debug: what the rule demanded
// and what the session held. Never a credential.

#pragma once

#include "edge/exchange.hpp"
#include "orggate/edge/station.hpp"

namespace orggate::edge {

void explain_refusal(const Exchange& x, Station& station);

}  // namespace orggate::edge
