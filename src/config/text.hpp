// How values appear in messages, and the small texts the configuration is made of.
// Pure.

#pragma once

#include "orggate/time.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::config {

// In quotes, control bytes escaped, cut at 60 bytes. What looks like a credential is
// not shown: a secret may stand behind any key by mistake.
std::string shown(std::string_view text);

// `a, b or c`.
std::string any_of(const std::vector<std::string_view>& words);

// The known word nearest to a misspelt one, if it is near.
std::optional<std::string_view> nearest(
    std::string_view word, const std::vector<std::string_view>& known);

// Where the first byte is that no text file has: a control byte, or broken UTF-8.
std::optional<std::size_t> find_not_text(std::string_view text);

// `250ms 10s 5m 1h 30d`; nothing for anything else, a bare number included.
std::optional<Milliseconds> parse_duration(std::string_view text);

// `512B 48KiB 1MiB 2GiB`, in bytes.
std::optional<std::uint64_t> parse_size(std::string_view text);

// Decimal digits alone.
std::optional<std::int64_t> parse_integer(std::string_view text);

// `100/1m`: units and window; `1mo` is a calendar month.
struct Rate {
    std::int64_t units = 0;
    Milliseconds window{};  // of a month 31 days, the longest
    bool is_month = false;
    std::string_view window_text;  // as written: `1m`
};
std::optional<Rate> parse_rate(std::string_view text);

// RFC 3339, in UTC: 2027-03-01T00:00:00Z.
std::optional<std::chrono::system_clock::time_point> parse_utc_time(std::string_view text);

// 1 to 64 of a-z 0-9 _ -, the alphabet of names that become labels and field values.
bool is_plain_name(std::string_view text);

std::string to_lower(std::string_view text);

}  // namespace orggate::config
