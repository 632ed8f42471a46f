// Rates such as 100/1m, and what an algorithm asks of them.

#include "config/sections.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <utility>

namespace orggate::config {

namespace {

using namespace std::chrono_literals;
using limit::Algorithm;

constexpr std::string_view rate_form = "a rate such as 100/1m";
constexpr std::string_view rates_form = "a rate such as 100/1m, or a list of them";
constexpr std::int64_t most_units = 1'000'000'000;
constexpr std::size_t most_rates = 8;  // each costs the store time with every request
// Times of a bucket are kept in sixteenths of a microsecond, in doubles.
constexpr double longest_refill_s = 366.0 * 86'400;

double seconds(Microseconds duration)
{
    return static_cast<double>(duration.count()) / 1e6;
}

// The fields of the rate limits count whole seconds.
bool is_window(Milliseconds window)
{
    return window >= 1s && window <= 31 * 24h && window % 1s == 0s;
}

// The units that a bucket keeps back while its blocks are out: ceil(lease / T).
std::int64_t kept_back(const limit::Quota& quota)
{
    if (quota.lease <= Microseconds{0}) return 0;
    const auto window = quota.window.count();
    return (quota.units * quota.lease.count() + window - 1) / window;
}

bool check_calendar(Reader& reader, const Text& text, const Rate& rate)
{
    const bool is_day = rate.window_text == "1d";
    if (!is_day && !rate.is_month)
        reader.expected(text.where, "a rate per 1d or 1mo, as algorithm: calendar counts");
    return is_day || rate.is_month;
}

bool check_window(Reader& reader, const Text& text, const Rate& rate)
{
    if (rate.is_month)
        reader.expected(text.where, "a window from 1s to 31d; only algorithm: calendar has months");
    else if (!is_window(rate.window))
        reader.expected(text.where, "a window of whole seconds, from 1s to 31d");
    return !rate.is_month && is_window(rate.window);
}

bool check_bucket(Reader& reader, const Text& text, const limit::Quota& quota)
{
    const auto burst = static_cast<double>(quota.burst);
    if (burst * seconds(quota.window) / static_cast<double>(quota.units) > longest_refill_s) {
        reader.error(text.where, "at this rate the burst takes more than 366d to come back");
        return false;
    }
    const auto least = kept_back(quota) + 1;
    if (quota.burst >= least) return true;
    reader.error(text.where, "leased, a bucket of this rate needs a burst of at least " +
                                 std::to_string(least) + "; it has " + std::to_string(quota.burst));
    return false;
}

// Units of a block are held for the lease's length beyond the window.
void warn_short_lease(Reader& reader, const Text& text, const limit::Quota& quota)
{
    if (quota.algorithm != Algorithm::window || quota.lease <= Microseconds{0}) return;
    if (quota.window >= 10 * quota.lease) return;
    const auto percent = 100 * quota.window.count() / (quota.window + quota.lease).count();
    reader.warn(text.where, "leased, so short a window passes at most about " +
                                std::to_string(percent) + " % of its rate");
}

void check_name(Reader& reader, const Text& text, std::string_view limit, const limit::Quota& quota,
    const std::vector<std::string>& limits)
{
    const bool is_taken =
        quota.name != limit && std::find(limits.begin(), limits.end(), quota.name) != limits.end();
    if (is_taken)
        reader.error(text.where,
            "in the answers this rate is called " + shown(quota.name) + ", as another limit is");
}

}  // namespace

std::optional<limit::Quota> read_rate(
    Reader& reader, const Text& text, std::string_view form, const RateTerms& terms)
{
    const auto rate = parse_rate(text.text);
    if (!rate) {
        reader.expected(text.where, form);
        return std::nullopt;
    }
    if (rate->units < 1 || rate->units > most_units) {
        reader.expected(text.where, "from 1 to 1000000000 requests in the window");
        return std::nullopt;
    }
    const bool is_calendar = terms.algorithm == Algorithm::calendar;
    if (is_calendar ? !check_calendar(reader, text, *rate) : !check_window(reader, text, *rate))
        return std::nullopt;
    limit::Quota quota{.units = rate->units,
        .window = rate->window,
        .name = {},
        .algorithm = terms.algorithm,
        .period = rate->is_month ? limit::Period::month : limit::Period::day,
        .lease = terms.lease};
    if (terms.algorithm == Algorithm::bucket) {
        quota.burst = terms.burst > 0 ? terms.burst : rate->units;
        if (!check_bucket(reader, text, quota)) return std::nullopt;
    }
    warn_short_lease(reader, text, quota);
    return quota;
}

std::vector<limit::Quota> read_rates(Reader& reader, const Value& at, std::string_view limit,
    const RateTerms& terms, const std::vector<std::string>& limits)
{
    const bool is_list = at && at.node->kind == Node::Kind::list;
    std::vector<limit::Quota> quotas;
    reader.refuse_empty(at, rates_form);
    const auto texts = reader.texts(at, rates_form);
    if (texts.size() > most_rates) reader.error(at, "expected at most 8 rates");
    for (const auto& text : texts) {
        auto quota = read_rate(reader, text, rate_form, terms);
        if (!quota) continue;
        quota->name = limit;
        if (is_list) quota->name += "-" + std::string(parse_rate(text.text)->window_text);
        const bool is_repeated = std::any_of(quotas.begin(), quotas.end(),
            [&](const limit::Quota& other) { return other.window == quota->window; });
        if (is_repeated) reader.error(text.where, "two rates have this window");
        check_name(reader, text, limit, *quota, limits);
        quotas.push_back(std::move(*quota));
    }
    return quotas;
}

std::int64_t most_at_once(const limit::Quota& quota)
{
    return quota.algorithm == Algorithm::bucket ? quota.burst - kept_back(quota) : quota.units;
}

}  // namespace orggate::config
