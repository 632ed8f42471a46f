// Names of counters in Redis: NAMESPACE:TAG:{SUBJECT}:RULE[:user|:ip|:u=MEMBER], for example
// og:w1:{org_2abc}:api. RULE is the limit's name, and with several rates LIMIT/QUOTA: api/api-1s.
// `:user` and `:ip`: the subject is no organisation. The tag changes only when the stored
// layout does. Neither units nor window is part of the name: changing a rate keeps the count;
// renaming a limit is a reset.
// Pure.

#pragma once

#include "orggate/limit/quota.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace orggate::limit {

// w1, b1, q1 or c1.
std::string_view layout_tag(Algorithm algorithm);

// Appends an id as it may stand in a key: itself if it is 1 to 64 characters of letters,
// digits, `.`, `_`, `-`; else `h=` and the hex of a 128-bit hash. Never a brace, never empty.
void append_id(std::string& out, std::string_view id);

// Appends the key of the check's counter. All keys of one subject meet in one slot.
void append_key(std::string& out, std::string_view name_space, const Check& check);

// CRC16 (XMODEM) of the hash tag, modulo 16384. Source: Redis cluster specification.
std::uint16_t slot_of(std::string_view key);

}  // namespace orggate::limit
