// How many processors this process may really use. hardware_concurrency() knows
// neither the affinity mask nor the container's quota.

#pragma once

#include <string>

namespace orggate::app {

// min(affinity, ceil(cgroup quota)), at least 1. `root` is "/" but in tests.
int usable_processors(const std::string& root = "/");

// The quota alone, rounded up; 0: none. cgroup v2 `cpu.max`, else v1 `cpu.cfs_quota_us`.
int quota_processors(const std::string& root);

}  // namespace orggate::app
