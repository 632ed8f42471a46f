#include "limit/numbers.hpp"

#include <algorithm>
#include <chrono>

namespace orggate::limit {

namespace {

// Redis keeps a window's counts in four bytes each.
constexpr std::int64_t most_in_window = 0xFFFF'FFFF;

// Redis's numbers are whole up to here.
constexpr std::int64_t most_whole = std::int64_t{1} << 53;

}  // namespace

WindowNumbers window_numbers(const Terms& terms)
{
    const std::int64_t length = terms.window.count() + terms.lease.count();
    return {std::clamp<std::int64_t>(terms.units, 0, most_in_window), length,
        std::max<std::int64_t>(ceil_div(length, slots), 1)};
}

BucketNumbers bucket_numbers(const Terms& terms)
{
    if (terms.units < 1 || terms.burst < 1) return {0, 1};
    const std::int64_t whole =
        std::clamp<std::int64_t>(terms.window.count(), 0, longest_fill / ticks);
    // Rounded up, so that rounding never admits more.
    const std::int64_t interval = std::max<std::int64_t>(ceil_div(whole * ticks, terms.units), 1);
    const std::int64_t lent = ceil_div(terms.lease.count() * ticks, interval);
    const std::int64_t burst = std::min(terms.burst - lent, longest_fill / interval);
    return {std::max<std::int64_t>(burst, 1), interval};
}

CalendarBounds calendar_bounds(Period period, std::int64_t microseconds)
{
    using std::chrono::days;
    using std::chrono::sys_days;
    const auto day =
        std::chrono::floor<days>(std::chrono::sys_time<Microseconds>(Microseconds(microseconds)));
    const auto seconds = [](sys_days at) { return Seconds(at.time_since_epoch()).count(); };
    if (period == Period::day) return {seconds(day), seconds(day + days(1))};
    const std::chrono::year_month_day date(day);
    const auto month = date.year() / date.month();
    const auto next = month + std::chrono::months(1);
    return {seconds(sys_days(month / 1)), seconds(sys_days(next / 1))};
}

std::int64_t countable(std::int64_t units)
{
    return std::clamp<std::int64_t>(units, 0, most_whole);
}

std::int64_t share_of(std::int64_t left, Wanted wanted)
{
    const std::int64_t askers = std::clamp<std::int64_t>(wanted.askers, 1, most_whole / 2);
    const std::int64_t share =
        std::max<std::int64_t>({ceil_div(left, 2 * askers), wanted.least, 1});
    return std::min({share, std::max(wanted.most, wanted.least), left});
}

Wanted exactly(std::int64_t weight)
{
    return {weight, weight, 1};
}

Terms terms_of(const Quota& quota, std::int64_t share)
{
    const auto part = [share](std::int64_t units) {
        return share <= 1 || units <= 0 ? units : std::max<std::int64_t>(units / share, 1);
    };
    return {quota.algorithm, quota.period, part(quota.units), part(quota.burst), quota.window,
        quota.lease};
}

Times times_of(Instant now)
{
    return {std::chrono::floor<Microseconds>(now.steady.time_since_epoch()),
        std::chrono::floor<Microseconds>(now.wall.time_since_epoch())};
}

}  // namespace orggate::limit
