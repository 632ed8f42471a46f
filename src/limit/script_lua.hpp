// The parts of the program that Redis runs. A counter's part answers:
//   granted (false: refused), left, wait (-1: never), until more, slot, new state, its life
// in microseconds; without a new state nothing is written.
// Private to this folder.

#pragma once

#include <string_view>

namespace orggate::limit {

extern const std::string_view head_lua, window_lua, bucket_lua, calendar_lua, permits_lua, tail_lua;

}  // namespace orggate::limit
