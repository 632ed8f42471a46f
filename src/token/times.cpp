#include "token/times.hpp"

#include "orggate/token/verify.hpp"

#include <algorithm>

namespace orggate::token {

namespace {

// Far outside any clock, and its milliseconds still fit.
constexpr std::int64_t last_second = 1'000'000'000'000;

std::int64_t milliseconds(std::int64_t seconds)
{
    return std::clamp(seconds, -last_second, last_second) * 1000;
}

std::int64_t milliseconds(Instant now)
{
    return std::chrono::floor<Milliseconds>(now.wall.time_since_epoch()).count();
}

bool is_ahead(std::optional<std::int64_t> seconds, Milliseconds skew, Instant now)
{
    return seconds && milliseconds(*seconds) > milliseconds(now) + skew.count();
}

}  // namespace

Result<std::optional<std::int64_t>> read_time(const json::Object& payload, std::string_view name)
{
    using Time = std::optional<std::int64_t>;
    const auto* value = payload.find(name);
    if (value == nullptr) return Time();
    if (const auto* whole = value->as<std::int64_t>()) return Time(*whole);
    // The reader refuses what 64 bits cannot hold, so the cast is defined.
    if (const auto* number = value->as<double>()) return Time(static_cast<std::int64_t>(*number));
    return Denial::token_verification_failed;
}

Result<void> check_expiry(std::int64_t expires, Milliseconds skew, Instant now)
{
    if (milliseconds(expires) <= milliseconds(now) - skew.count()) return Denial::token_expired;
    return {};
}

Result<void> check_not_before(
    std::optional<std::int64_t> not_before, Milliseconds skew, Instant now)
{
    if (is_ahead(not_before, skew, now)) return Denial::token_not_active_yet;
    return {};
}

Result<void> check_issued(std::optional<std::int64_t> issued, Milliseconds skew, Instant now)
{
    if (is_ahead(issued, skew, now)) return Denial::token_issued_in_future;
    return {};
}

Result<void> check_times(const Session& session, Milliseconds skew, Instant now)
{
    if (auto checked = check_expiry(session.expires, skew, now); !checked) return checked;
    if (auto checked = check_not_before(session.not_before, skew, now); !checked) return checked;
    return check_issued(session.issued_at, skew, now);
}

}  // namespace orggate::token
