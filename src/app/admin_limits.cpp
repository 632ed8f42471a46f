// What counters hold, who was refused, and forgetting it.

#include "app/admin.hpp"
#include "app/admin_answers.hpp"
#include "app/tenant_text.hpp"
#include "orggate/limit/key.hpp"
#include "orggate/limit/script.hpp"

#include <charconv>

namespace orggate::app {
namespace {

constexpr Milliseconds inspect_deadline{1'000};
constexpr Seconds longest_within{86'400};

// "60s", "5m", "2h"
std::optional<Seconds> read_span(std::string_view text)
{
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number < 1 || number > longest_within.count()) return {};
    const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
    const std::int64_t factor = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
    if (factor == 0 || number * factor > longest_within.count()) return {};
    return Seconds(number * factor);
}

// Integers alone.
std::optional<std::vector<std::int64_t>> integers(const redis::Reply& reply)
{
    if (!reply.is(redis::Reply::Kind::array)) return {};
    std::vector<std::int64_t> numbers;
    for (const auto& element : reply.elements) {
        if (!element.is(redis::Reply::Kind::integer)) return {};
        numbers.push_back(element.integer);
    }
    return numbers;
}

}  // namespace

const redis::Script& inspect_script()
{
    static const redis::Script script(limit::inspect_script());
    return script;
}

std::string Admin::key_of(const limit::Check& check) const
{
    std::string key;
    limit::append_key(key, parts_.config.redis->name_space, check);
    return key;
}

Awaitable<redis::Failure> Admin::inspect(
    const limit::Check& check, std::optional<limit::Decision>& decision)
{
    const std::vector<std::string> keys{key_of(check)};
    limit::Item item;
    item.terms = limit::terms_of(*check.quota);
    std::vector<std::string> arguments;
    limit::append_arguments(arguments, std::span<const limit::Item>(&item, 1));
    const auto slot = limit::slot_of(keys.front());
    const auto outcome =
        co_await parts_.store->evaluate(inspect_script(), slot, keys, arguments, inspect_deadline);
    if (outcome.failure != redis::Failure::none) co_return outcome.failure;
    const auto numbers = integers(outcome.reply);
    limit::Answer answer;
    if (!numbers || !limit::read_answers(*numbers, std::span<limit::Answer>(&answer, 1)))
        co_return redis::Failure::defect;
    decision = answer.decision;
    co_return redis::Failure::none;
}

// As the fallback holds them: each process to its share.
void Admin::inspect_here(
    const std::vector<limit::Check>& checks, Decisions& decisions, std::int64_t share) const
{
    for (std::size_t i = 0; i < checks.size(); ++i) {
        limit::Quota part = *checks[i].quota;
        const auto terms = limit::terms_of(part, share);
        part.units = terms.units;
        part.burst = terms.burst;
        auto check = checks[i];
        check.quota = &part;
        decisions[i] = parts_.limits.inspect(check, parts_.clock());
    }
}

Page Admin::undone(redis::Fleet::Told told) const
{
    const auto trouble = parts_.store ? parts_.store->trouble() : std::string();
    return told == redis::Fleet::Told::forbidden ? redis_forbids(trouble) : redis_is_away(trouble);
}

Awaitable<Page> Admin::limits(std::string text)
{
    const auto query = Query::parse(text, {"org", "user", "ip", "limit", "plan"});
    if (!query) co_return refusal(query.error());
    const auto asked = read_asked(*query, parts_.config);
    if (!asked) co_return refusal(asked.error());
    const auto tenants = parts_.tenants.merged();
    const auto checks =
        find_counters(parts_.config, tenants, *asked, Quotas::in_force, parts_.clock());

    Decisions decisions(checks.size());
    auto failure = parts_.store ? redis::Failure::none : redis::Failure::not_connected;
    for (std::size_t i = 0; i < checks.size() && failure == redis::Failure::none; ++i)
        failure = co_await inspect(checks[i], decisions[i]);
    const bool is_up = failure == redis::Failure::none;
    const std::int64_t share = is_up || !parts_.view ? 1 : parts_.view->processes.load();
    if (!is_up) inspect_here(checks, decisions, share);

    std::string rows;
    for (std::size_t i = 0; i < checks.size(); ++i) {
        if (!rows.empty()) rows.push_back(',');
        append_counter(rows, checks[i], decisions[i], share);
    }
    std::string body = "{";
    append_pair(body, "from", is_up ? "redis" : "process");
    if (!is_up && parts_.store) {
        body.append(",\"share\":").append(std::to_string(share)).push_back(',');
        append_pair(body, "redis", failure == redis::Failure::forbidden ? "forbids" : "away");
        body.push_back(',');
        append_pair(body, "trouble", parts_.store->trouble());
    }
    if (const auto* tenant = tenants.find(asked->org, parts_.clock()))
        body.append(",\"tenant\":").append(tenant_text(*tenant));
    co_return json_page(body.append(",\"limits\":[").append(rows).append("]}"));
}

Awaitable<Page> Admin::reset(std::string text)
{
    const auto query = Query::parse(text, {"org", "user", "ip", "limit"});
    if (!query) co_return refusal(query.error());
    const auto asked = read_asked(*query, parts_.config);
    if (!asked) co_return refusal(asked.error());
    const auto tenants = parts_.tenants.merged();
    const auto checks = find_counters(parts_.config, tenants, *asked, Quotas::all, parts_.clock());

    if (parts_.fleet) {
        std::vector<std::string> keys;
        // Permits that are held stay held: whoever holds them gives them back.
        for (const auto& check : checks)
            if (check.quota->algorithm != limit::Algorithm::concurrent)
                keys.push_back(key_of(check));
        const auto told = co_await parts_.fleet->reset(std::move(keys));
        if (told != redis::Fleet::Told::done) co_return undone(told);
    }
    for (const auto& check : checks) {
        parts_.limits.reset(check);
        parts_.denied.forget(check.subject);
    }
    const auto& subject =
        asked->org.empty() ? asked->user.empty() ? asked->ip : asked->user : asked->org;
    parts_.log.event(observe::Level::info, "counters reset",
        {{"subject", std::string_view(subject)}, {"limit", std::string_view(asked->limit)},
            {"counters", static_cast<std::int64_t>(checks.size())}});
    co_return json_page("{\"reset\":" + std::to_string(checks.size()) + ",\"in\":\"" +
                        (parts_.fleet ? "fleet" : "process") + "\"}");
}

Page Admin::denied(const std::string& text) const
{
    const auto query = Query::parse(text, {"within"});
    if (!query) return refusal(query.error());
    const auto within = query->has("within") ? read_span(query->get("within")) : Seconds(60);
    if (!within)
        return refusal(400, "within: expected a time such as 60s, 5m or 2h, at most a day");
    std::string rows;
    for (const auto& row : parts_.denied.lately(*within, parts_.clock())) {
        rows.append(rows.empty() ? "{" : ",{");
        append_pair(rows, "subject", row.subject);
        rows.push_back(',');
        append_pair(rows, "limit", row.limit);
        rows.append(",\"times\":").append(std::to_string(row.times)).push_back(',');
        append_pair(rows, "last", utc_text(row.last));
        rows.push_back('}');
    }
    return json_page("{\"in\":\"process\",\"within_seconds\":" + std::to_string(within->count()) +
                     ",\"denied\":[" + rows + "]}");
}

}  // namespace orggate::app
