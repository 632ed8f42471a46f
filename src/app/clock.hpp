// The real clock, read as one Instant, and the real randomness.

#pragma once

#include "orggate/time.hpp"

#include <cstdint>

namespace orggate::app {

Instant now();

// Unpredictable to clients: it keys hash tables.
std::uint64_t random_number();

// In 0..1, for jitter.
double random_fraction();

}  // namespace orggate::app
