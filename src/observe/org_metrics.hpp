// The busiest organisations of all workers, as one metric family.

#pragma once

#include "observe/exposition.hpp"
#include "orggate/observe/counters.hpp"

namespace orggate::observe {

class OrgMetrics {
public:
    static void append(
        Exposition& out, const CounterNames& names, const std::vector<const Counters*>& workers);
};

}  // namespace orggate::observe
