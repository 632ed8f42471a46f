#include "orggate/http/quota_fields.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace orggate::http {

namespace {

using limit::Check;
using limit::Decision;

// RFC 9651 section 3.3.1: integers have at most 15 digits.
constexpr std::int64_t largest_integer = 999'999'999'999'999;

// With more windows than this only the deciding one is shown in RateLimit: the draft
// allows leaving others out, and clients read the first ones.
constexpr std::size_t most_items = 4;

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

void append_policy(std::string& out, std::span<const Check> checks)
{
    std::string_view between = "RateLimit-Policy: ";
    for (const Check& check : checks) {
        if (!check.enforced) continue;
        out.append(between);
        append_quoted(out, check.quota->name);
        out.append(";q=");
        append_integer(out, check.quota->units);
        out.append(";w=");
        append_integer(out, std::max<std::int64_t>(seconds_up(check.quota->window), 1));
        between = ", ";
    }
    out.append("\r\n");
}

void append_item(std::string& out, const Check& check, const Decision& decision)
{
    append_quoted(out, check.quota->name);
    out.append(";r=");
    append_integer(out, decision.remaining);
    if (decision.next_unit <= Microseconds::zero()) return;
    out.append(";t=");
    append_integer(out, seconds_up(decision.next_unit));
}

void append_state(std::string& out, std::span<const Check> checks,
    std::span<const Decision> decisions, std::size_t deciding)
{
    const auto enforced = std::count_if(
        checks.begin(), checks.end(), [](const Check& check) { return check.enforced; });
    const bool only_deciding = static_cast<std::size_t>(enforced) > most_items;
    std::string_view between = "RateLimit: ";
    for (std::size_t i = 0; i < checks.size(); ++i) {
        if (!checks[i].enforced || (only_deciding && i != deciding)) continue;
        out.append(between);
        append_item(out, checks[i], decisions[i]);
        between = ", ";
    }
    out.append("\r\n");
}

// When this client would get on: at once if nothing is used, after the wait if it was
// refused, else when the next unit comes back.
Microseconds until_reset(const Decision& decision)
{
    const bool helps = !decision.allowed && decision.wait != Microseconds::max();
    return helps ? decision.wait : decision.next_unit;
}

struct Legacy {
    std::string_view limit, remaining, reset;
};
constexpr Legacy legacy_names{
    "X-RateLimit-Limit: ", "\r\nX-RateLimit-Remaining: ", "\r\nX-RateLimit-Reset: "};
constexpr Legacy ietf06_names{
    "RateLimit-Limit: ", "\r\nRateLimit-Remaining: ", "\r\nRateLimit-Reset: "};

void append_three(std::string& out, const Legacy& names, const Check& check,
    const Decision& decision, std::int64_t reset)
{
    out.append(names.limit);
    append_integer(out, check.quota->units);
    out.append(names.remaining);
    append_integer(out, decision.remaining);
    out.append(names.reset);
    append_integer(out, reset);
    out.append("\r\n");
}

// Decides between two answers: a refusal before a pass, the slower refusal, the pass with
// less left.
bool is_tighter(const Decision& a, const Decision& b)
{
    if (a.allowed != b.allowed) return !a.allowed;
    return a.allowed ? a.remaining < b.remaining : a.wait > b.wait;
}

}  // namespace

void append_quota_fields(std::string& out, const QuotaFieldForms& forms,
    std::span<const Check> checks, std::span<const Decision> decisions, Instant now)
{
    const std::size_t deciding = deciding_check(checks, decisions);
    if (deciding == checks.size()) return;
    if (forms.ietf) {
        append_policy(out, checks);
        append_state(out, checks, decisions, deciding);
    }
    const Microseconds reset = until_reset(decisions[deciding]);
    if (forms.legacy) {
        // The instant is the same from request to request; only rounding the sum, not
        // its parts, keeps the seconds the same too.
        const auto at = std::chrono::floor<Microseconds>(now.wall.time_since_epoch()) + reset;
        append_three(out, legacy_names, checks[deciding], decisions[deciding], seconds_up(at));
    }
    if (forms.ietf06)
        append_three(out, ietf06_names, checks[deciding], decisions[deciding], seconds_up(reset));
}

std::int64_t retry_after(std::span<const Check> checks, std::span<const Decision> decisions)
{
    const std::size_t deciding = deciding_check(checks, decisions);
    if (deciding == checks.size()) return 0;
    const Decision& decision = decisions[deciding];
    if (decision.allowed || decision.wait == Microseconds::max()) return 0;
    return std::max<std::int64_t>(seconds_up(decision.wait), 1);
}

std::size_t deciding_check(std::span<const Check> checks, std::span<const Decision> decisions)
{
    std::size_t deciding = checks.size();
    for (std::size_t i = 0; i < checks.size(); ++i) {
        if (!checks[i].enforced) continue;
        if (deciding == checks.size() || is_tighter(decisions[i], decisions[deciding]))
            deciding = i;
    }
    return deciding;
}

}  // namespace orggate::http
