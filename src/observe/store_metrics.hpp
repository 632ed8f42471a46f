// The families that tell about the store of limits.
// Pure.

#pragma once

#include "observe/exposition.hpp"
#include "orggate/observe/counters.hpp"

#include <vector>

namespace orggate::observe {

void append_store_metrics(Exposition& out, const std::vector<const Counters*>& workers);

}  // namespace orggate::observe
