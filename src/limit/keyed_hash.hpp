// SipHash-2-4: a hash whose collisions nobody can choose without its key.
// Pure. Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.

#pragma once

#include "orggate/limit/local.hpp"

#include <cstdint>
#include <string_view>

namespace orggate::limit {

std::uint64_t keyed_hash(HashSeed seed, std::string_view text);

}  // namespace orggate::limit
