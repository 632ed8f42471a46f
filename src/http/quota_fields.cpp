#include "orggate/http/quota_fields.hpp"

#include <algorithm>
#include <charconv>

namespace orggate::http {

namespace {

using limit::Algorithm;
using limit::By;
using limit::Check;
using limit::Decision;
using limit::Quota;

// RFC 9651 section 3.3.1: integers have at most 15 digits.
constexpr std::int64_t largest_integer = 999'999'999'999'999;

// With more windows than this only the tightest are shown in RateLimit: the draft allows
// leaving others out, and clients read the first ones.
constexpr std::size_t most_items = 4;

// Of the random part of a wait.
constexpr Microseconds shortest_delayed = Seconds{10};
constexpr Microseconds longest_delay = Seconds{5};
constexpr Microseconds longest_calendar_delay = Seconds{60};

void append_integer(std::string& out, std::int64_t value)
{
    char digits[20];
    const auto end = std::to_chars(
        digits, digits + sizeof digits, std::clamp<std::int64_t>(value, 0, largest_integer));
    out.append(digits, end.ptr);
}

// A structured-field String (RFC 9651 section 3.3.3): printable ASCII, quoted.
void append_quoted(std::string& out, std::string_view text)
{
    out.push_back('"');
    for (const char c : text) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c >= ' ' && c <= '~' ? c : '_');
    }
    out.push_back('"');
}

template <class Duration>
std::int64_t seconds_up(Duration duration)
{
    return std::chrono::ceil<Seconds>(duration).count();
}

std::int64_t window_seconds(Microseconds window)
{
    return std::max<std::int64_t>(seconds_up(window), 1);
}

// What may pass at once.
std::int64_t units_at_once(const Quota& quota)
{
    return quota.algorithm == Algorithm::bucket && quota.burst > 0 ? quota.burst : quota.units;
}

// A bucket is full again after this, however empty it was. Floating point is good enough:
// it is rounded up to seconds.
Microseconds time_to_fill(const Quota& quota)
{
    const auto units = static_cast<double>(std::max<std::int64_t>(quota.units, 1));
    const double us = static_cast<double>(quota.window.count()) / units *
                      static_cast<double>(units_at_once(quota));
    return Microseconds{static_cast<std::int64_t>(std::min(us, 9e15))};
}

bool has_policy(const Check& check, const Decision& decision)
{
    return check.enforced && decision.by != By::open;
}

bool has_state(const Check& check, const Decision& decision)
{
    return has_policy(check, decision) && decision.has_numbers;
}

bool is_rate(const Check& check)
{
    return check.quota->algorithm != Algorithm::concurrent;
}

// The draft's `w` is the time a quota is for; of a bucket the rate is what is enforced, so
// it is said too, under a name of ours.
void append_policy_item(std::string& out, const Quota& quota)
{
    append_quoted(out, quota.name);
    append_integer(out.append(";q="), units_at_once(quota));
    switch (quota.algorithm) {
        case Algorithm::concurrent: out.append(";qu=\"concurrent-requests\""); return;
        case Algorithm::bucket:
            append_integer(out.append(";w="), window_seconds(time_to_fill(quota)));
            append_integer(out.append(";orggate-rate=\""), quota.units);
            append_integer(out.append("/"), window_seconds(quota.window));
            out.append("s\"");
            return;
        case Algorithm::window:
        case Algorithm::calendar: append_integer(out.append(";w="), window_seconds(quota.window));
    }
}

void append_state_item(std::string& out, const Check& check, const Decision& decision)
{
    append_quoted(out, check.quota->name);
    append_integer(out.append(";r="), decision.remaining);
    if (decision.next_unit <= Microseconds::zero() || !is_rate(check)) return;
    append_integer(out.append(";t="), seconds_up(decision.next_unit));
}

// Appends one list field with the items of those `is_shown` chooses, or nothing.
template <class Shown, class Item>
void append_list(
    std::string& out, std::string_view name, const Asked& asked, Shown is_shown, Item append_item)
{
    std::string_view between = name;
    for (std::size_t i = 0; i < asked.size(); ++i) {
        if (!is_shown(i)) continue;
        append_item(out.append(between), i);
        between = ", ";
    }
    if (between != name) out.append("\r\n");
}

// Decides between two answers: a refusal before a pass, the slower refusal, the pass with
// less left, a number before none.
bool is_tighter(const Decision& a, const Decision& b)
{
    if (a.allowed != b.allowed) return !a.allowed;
    if (!a.allowed) return a.wait > b.wait;
    if (a.has_numbers != b.has_numbers) return a.has_numbers;
    return a.remaining < b.remaining;
}

// The tightest of those `counts` chooses; asked.size() if there is none.
template <class Counts>
std::size_t tightest(const Asked& asked, Counts counts)
{
    std::size_t found = asked.size();
    for (std::size_t i = 0; i < asked.size(); ++i) {
        if (!counts(asked.check(i), asked.decision(i))) continue;
        if (found == asked.size() || is_tighter(asked.decision(i), asked.decision(found)))
            found = i;
    }
    return found;
}

// Of equal fractions the quotients are equal too: both are rounded the same way.
double share_left(const Check& check, const Decision& decision)
{
    const auto most = std::max<std::int64_t>(units_at_once(*check.quota), 1);
    return static_cast<double>(decision.remaining) / static_cast<double>(most);
}

// Of two states: a refusal before a pass, then the smaller share left, then a rate, whose
// units come back by themselves at a time one can tell.
bool is_told_before(const Asked& asked, std::size_t a, std::size_t b)
{
    const Check &first = asked.check(a), &second = asked.check(b);
    const Decision &one = asked.decision(a), &other = asked.decision(b);
    if (one.allowed != other.allowed) return !one.allowed;
    const double left = share_left(first, one), others_left = share_left(second, other);
    if (left != others_left) return left < others_left;
    if (is_rate(first) != is_rate(second)) return is_rate(first);
    return a < b;
}

// How many states are tighter than this one.
std::size_t tighter_than(const Asked& asked, std::size_t i)
{
    std::size_t count = 0;
    for (std::size_t j = 0; j < asked.size(); ++j)
        count +=
            j != i && has_state(asked.check(j), asked.decision(j)) && is_told_before(asked, j, i);
    return count;
}

void append_ietf(std::string& out, const Asked& asked)
{
    append_list(
        out, "RateLimit-Policy: ", asked,
        [&](std::size_t i) { return has_policy(asked.check(i), asked.decision(i)); },
        [&](std::string& to, std::size_t i) { append_policy_item(to, *asked.check(i).quota); });

    std::size_t items = 0;
    for (std::size_t i = 0; i < asked.size(); ++i)
        items += has_state(asked.check(i), asked.decision(i));
    append_list(
        out, "RateLimit: ", asked,
        [&](std::size_t i) {
            return has_state(asked.check(i), asked.decision(i)) &&
                   (items <= most_items || tighter_than(asked, i) < most_items);
        },
        [&](std::string& to, std::size_t i) {
            append_state_item(to, asked.check(i), asked.decision(i));
        });
}

// When this client would get on: at once if nothing is used, after the wait if it was
// refused, else when the next unit comes back.
Microseconds until_reset(const Decision& decision)
{
    const bool helps = !decision.allowed && decision.wait != Microseconds::max();
    return helps ? decision.wait : decision.next_unit;
}

struct Three {
    std::string_view limit, remaining, reset;
};
constexpr Three legacy_names{
    "X-RateLimit-Limit: ", "\r\nX-RateLimit-Remaining: ", "\r\nX-RateLimit-Reset: "};
constexpr Three ietf06_names{
    "RateLimit-Limit: ", "\r\nRateLimit-Remaining: ", "\r\nRateLimit-Reset: "};

void append_three(std::string& out, const Three& names, const Check& check,
    const Decision& decision, std::int64_t reset)
{
    append_integer(out.append(names.limit), units_at_once(*check.quota));
    append_integer(out.append(names.remaining), decision.remaining);
    append_integer(out.append(names.reset), reset);
    out.append("\r\n");
}

Microseconds delay(const Check& check, Microseconds wait, double unit)
{
    auto most = wait > shortest_delayed ? std::min(wait / 10, longest_delay) : Microseconds{0};
    if (check.quota->algorithm == Algorithm::calendar) most = longest_calendar_delay;
    const double part = std::clamp(unit, 0.0, 1.0) * static_cast<double>(most.count());
    return Microseconds{static_cast<std::int64_t>(part)};
}

// max(): never. Nobody knows when a permit will be given back.
Microseconds wait_of(const Check& check, const Decision& decision)
{
    if (is_rate(check)) return decision.wait;
    return check.weight > check.quota->units ? Microseconds::max() : Seconds{1};
}

bool is_violated(const Check& check, const Decision& decision)
{
    return check.enforced && !decision.allowed;
}

}  // namespace

void append_quota_fields(
    std::string& out, const QuotaFieldForms& forms, const Asked& asked, Instant now)
{
    if (forms.ietf) append_ietf(out, asked);
    if (!forms.legacy && !forms.ietf06) return;
    const std::size_t shown = tightest(asked, [](const Check& check, const Decision& d) {
        return has_state(check, d) && is_rate(check);
    });
    if (shown == asked.size()) return;
    const Check& check = asked.check(shown);
    const Decision& decision = asked.decision(shown);
    const Microseconds reset = until_reset(decision);
    if (forms.legacy) {
        // The instant is the same from request to request, by one clock; only rounding the
        // sum, not its parts, keeps the seconds the same too.
        const auto counted_from =
            decision.store_clock != Microseconds::zero()
                ? decision.store_clock
                : std::chrono::floor<Microseconds>(now.wall.time_since_epoch());
        append_three(out, legacy_names, check, decision, seconds_up(counted_from + reset));
    }
    if (forms.ietf06) append_three(out, ietf06_names, check, decision, seconds_up(reset));
}

std::int64_t retry_after(const Asked& asked, double unit)
{
    std::int64_t seconds = 0;
    for (std::size_t i = 0; i < asked.size(); ++i) {
        const Check& check = asked.check(i);
        if (!is_violated(check, asked.decision(i))) continue;
        const Microseconds wait = wait_of(check, asked.decision(i));
        if (wait == Microseconds::max()) return 0;
        seconds = std::max({seconds, seconds_up(wait + delay(check, wait, unit)), std::int64_t{1}});
    }
    return seconds;
}

std::string never_detail(const Asked& asked)
{
    for (std::size_t i = 0; i < asked.size(); ++i) {
        const Check& check = asked.check(i);
        const std::int64_t most = units_at_once(*check.quota);
        // A process that holds a part of the limit for itself may refuse for now what fits.
        if (!is_violated(check, asked.decision(i)) || check.weight <= most) continue;
        return "This request weighs " + std::to_string(check.weight) + ", the limit is " +
               std::to_string(most) + ": it can never pass.";
    }
    return {};
}

std::size_t deciding_check(const Asked& asked)
{
    return tightest(asked, [](const Check& check, const Decision&) { return check.enforced; });
}

std::vector<std::string_view> violated_policies(const Asked& asked)
{
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < asked.size(); ++i) {
        const std::string_view name = asked.check(i).quota->name;
        if (is_violated(asked.check(i), asked.decision(i)) &&
            std::find(names.begin(), names.end(), name) == names.end())
            names.push_back(name);
    }
    return names;
}

}  // namespace orggate::http
