// Points in time as RFC 3339 text.
// Pure.

#pragma once

#include <chrono>
#include <string>

namespace orggate::observe {

// 2026-01-31T23:59:59.999Z: UTC, milliseconds, rounded down. 24 bytes for the years
// 0 to 9999; others are shown as the nearest of these.
void append_timestamp(std::string& out, std::chrono::system_clock::time_point time);

}  // namespace orggate::observe
