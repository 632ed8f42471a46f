// SipHash-1-3: a fast hash whose results nobody can predict without the key.
// Pure. Source: Aumasson and Bernstein, SipHash, a fast short-input PRF.

#pragma once

#include <cstdint>
#include <string_view>

namespace orggate {

struct HashKey {
    std::uint64_t low = 0, high = 0;
};

std::uint64_t keyed_hash(const HashKey& key, std::string_view bytes);

}  // namespace orggate
