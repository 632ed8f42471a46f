// The last step: what happened, as counters and one access line.

#pragma once

#include "edge/exchange.hpp"
#include "orggate/edge/station.hpp"

namespace orggate::edge {

void record(const Exchange& x, Station& station);

}  // namespace orggate::edge
