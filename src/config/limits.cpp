// How much an organisation may do.

#include "config/sections.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <utility>

namespace orggate::config {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view rate_form = "a rate such as 100/1m";
constexpr std::string_view rates_form = "a rate such as 100/1m, or a list of them";
constexpr std::int64_t most_units = 1'000'000'000;

// The fields of RFC-style rate limits count whole seconds.
bool is_window(Milliseconds window)
{
    return window >= 1s && window <= 31 * 24h && window % 1s == 0s;
}

std::optional<Rate> read_rate(Reader& reader, const Text& text)
{
    const auto rate = parse_rate(text.text);
    if (!rate) {
        reader.expected(text.where, rate_form);
        return std::nullopt;
    }
    if (rate->units < 1 || rate->units > most_units) {
        reader.expected(text.where, "from 1 to 1000000000 requests in the window");
        return std::nullopt;
    }
    if (!is_window(rate->window)) {
        reader.expected(text.where, "a window of whole seconds, from 1s to 31d");
        return std::nullopt;
    }
    return rate;
}

void read_plans(Reader& reader, const Value& at, limit::Limit& limit)
{
    for (const auto& entry : reader.entries(at, "a mapping of plan to rate")) {
        const auto plan = policy::org_scoped_name(entry.name);
        auto rates = read_rates(reader, entry.value, limit.name);
        if (!plan)
            reader.error(entry.place, at.key,
                "found the plan " + shown(entry.name) + ", expected a plan of organisations");
        else if (!limit.plans.emplace(*plan, std::move(rates)).second)
            reader.error(entry.place, at.key, "the plan " + shown(*plan) + " is named twice");
    }
}

// Words for what is the only choice today, so that files can say it.
void read_only_choice(Reader& reader, const Value& at, std::string_view word)
{
    reader.choice<int>(at, {{word, 0}});
}

std::shared_ptr<limit::Limit> read_limit(Reader& reader, const NamedValue& entry)
{
    auto limit = std::make_shared<limit::Limit>();
    limit->name = entry.name;
    const Map map(reader, entry.value, "limits.*");
    if (map && !map["rate"])
        reader.error(entry.place, entry.value.key, "rate is missing, such as 100/1m");
    limit->quotas = read_rates(reader, map["rate"], limit->name);
    read_plans(reader, map["plans"], *limit);
    read_only_choice(reader, map["algorithm"], "window");
    read_only_choice(reader, map["per"], "org");
    read_only_choice(reader, map["mode"], "exact");
    set(limit->on_error, reader.choice<limit::OnError>(map["on_error"],
                             {{"local", limit::OnError::local}, {"open", limit::OnError::open},
                                 {"closed", limit::OnError::closed}}));
    if (limit->on_error == limit::OnError::open)
        reader.warn(map["on_error"], "while the limiter is unavailable everything passes");
    set(limit->shadow, reader.boolean(map["shadow"]));
    return limit;
}

}  // namespace

std::vector<limit::Quota> read_rates(Reader& reader, const Value& at, std::string_view limit)
{
    const bool is_list = at && at.node->kind == Node::Kind::list;
    std::vector<limit::Quota> quotas;
    reader.refuse_empty(at, rates_form);
    for (const auto& text : reader.texts(at, rates_form)) {
        const auto rate = read_rate(reader, text);
        if (!rate) continue;
        auto name = std::string(limit);
        if (is_list) name += "-" + std::string(rate->window_text);
        const bool is_repeated = std::any_of(quotas.begin(), quotas.end(),
            [&](const limit::Quota& other) { return other.window == rate->window; });
        if (is_repeated) reader.error(text.where, "two rates have this window");
        quotas.push_back({rate->units, rate->window, std::move(name)});
    }
    return quotas;
}

void read_limits(Reader& reader, const Map& root, Draft& draft)
{
    for (const auto& entry : reader.entries(root["limits"], "a mapping of name to limit")) {
        if (!is_plain_name(entry.name))
            reader.error(entry.place, "limits",
                "found the name " + shown(entry.name) + ", expected a name of a-z 0-9 _ -");
        draft.config.limits.push_back(read_limit(reader, entry));
        draft.limit_places.emplace_back(entry.name, Value{entry.value.node, entry.value.key});
    }
}

}  // namespace orggate::config
