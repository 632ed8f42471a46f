#include "edge/limits.hpp"

#include "orggate/clerk/cookies.hpp"
#include "orggate/edge/clients.hpp"
#include "orggate/limit/denied_list.hpp"

#include <algorithm>

namespace orggate::edge {
namespace {

using limit::By;
using limit::Check;
using limit::Decision;
using Outcome = observe::LimitOutcome;

// Beyond the store's deadline: a timer is late by at most this.
constexpr Milliseconds deadline_slack{5};

bool has_session_cookie(std::string_view cookies)
{
    while (const auto cookie = clerk::next_cookie(cookies))
        if (clerk::cookie_kind(cookie->name) == clerk::CookieKind::session) return true;
    return false;
}

Clients::Token token_of(const http::RequestHead& head)
{
    const bool has_any = head.authorization || has_session_cookie(head.cookies);
    return has_any ? Clients::Token::present : Clients::Token::absent;
}

// One part of a request's questions.
struct Part {
    std::span<const Check> checks;
    std::span<const policy::WeightedLimit* const> limits;
    std::vector<Decision>& decisions;
};

void count(const Part& part, std::size_t i, Outcome outcome, Station& station)
{
    station.counters.limits[part.limits[i]->index].outcome[static_cast<std::size_t>(outcome)].add();
}

void note_denied(const Check& check, Instant now, Station& station)
{
    const bool is_of_an_organisation =
        check.per == limit::Per::org || check.per == limit::Per::org_user;
    if (station.denied && is_of_an_organisation) station.denied->note(check, now);
}

// Where one refuses nothing was charged: the others have allowed nothing.
void count_answers(const Part& part, bool is_within, Station& station)
{
    for (std::size_t i = 0; i < part.checks.size(); ++i)
        if (is_within || !part.decisions[i].allowed)
            count(part, i, outcome_of(part.checks[i], part.decisions[i]), station);
}

Result<void> judge(const Part& part, Instant asked_at, Station& station)
{
    bool is_within = true;
    for (std::size_t i = 0; i < part.checks.size(); ++i) {
        const Check& check = part.checks[i];
        Decision& decision = part.decisions[i];
        // From here on the durations count from a clock that is written beside them.
        if (decision.store_clock == Microseconds::zero())
            decision.store_clock =
                std::chrono::floor<Microseconds>(asked_at.wall.time_since_epoch());
        if (decision.allowed || !check.enforced) continue;
        is_within = false;
        note_denied(check, asked_at, station);
    }
    count_answers(part, is_within, station);
    return is_within ? Result<void>() : Denial::quota_exhausted;
}

void note_wait(Microseconds waited, const config::Config& config, observe::StoreCounters& store)
{
    if (!config.redis) return;
    store.wait.observe(waited);
    if (waited > config.redis->deadline + deadline_slack) store.waits_over_deadline.add();
}

Awaitable<Result<void>> charge(Part part, Exchange& x, Station& station)
{
    part.decisions.resize(part.checks.size());
    x.now = station.clock();
    const auto asked_at = x.now;
    // One deadline for all of a request's limits.
    auto began = asked_at;
    began.steady -= x.limit_wait;
    const auto taken = co_await station.limiter.take(part.checks, part.decisions, began);
    x.now = station.clock();
    x.limit_wait = std::chrono::duration_cast<Microseconds>(x.now.steady - began.steady);
    note_wait(x.limit_wait, x.config(), station.counters.store);
    if (taken) co_return judge(part, asked_at, station);
    part.decisions.clear();  // nothing was charged, and nothing is known
    for (std::size_t i = 0; i < part.checks.size(); ++i)
        if (is_closed(part.checks, part.checks[i])) count(part, i, Outcome::error_closed, station);
    co_return taken.error();
}

void release(std::span<const Check> checks, std::vector<Decision>& decisions, Station& station)
{
    const auto holds = [](const Decision& decision) { return decision.holds_permit; };
    if (std::none_of(decisions.begin(), decisions.end(), holds)) return;
    station.limiter.release(checks, decisions, station.clock());
    for (Decision& decision : decisions)
        decision.holds_permit = false;
}

}  // namespace

namespace {

Result<void> ask_clients(Exchange& x, Clients::Token token, Station& station)
{
    if (!station.clients) return Result<void>();
    const auto verdict = station.clients->judge(x.address, token, x.now);
    x.counted_by_clients = verdict.is_counted;
    x.client_refusal = verdict.refusal;
    if (!x.client_refusal) return Result<void>();
    station.counters.clients_refused.add();
    return Denial::quota_exhausted;
}

}  // namespace

Result<void> ask_clients(Exchange& x, Station& station)
{
    return ask_clients(x, token_of(x.head), station);
}

Result<void> ask_clients_of_nobody(Exchange& x, Station& station)
{
    if (x.counted_by_clients || x.pass->session()) return Result<void>();
    return ask_clients(x, Clients::Token::absent, station);
}

bool find_address_limits(Exchange& x)
{
    policy::write_address_checks(*x.rule, x.address, x.address_checks, x.address_limits);
    return !x.address_checks.empty();
}

Awaitable<Result<void>> charge_address(Exchange& x, Station& station)
{
    Part part{x.address_checks, x.address_limits, x.address_decisions};
    return charge(part, x, station);
}

Awaitable<Result<void>> charge_pass(Exchange& x, Station& station)
{
    Part part{x.pass->checks(), x.pass->check_limits(), x.limits};
    return charge(part, x, station);
}

void give_back(Exchange& x, Station& station)
{
    release(x.address_checks, x.address_decisions, station);
    if (x.pass) release(x.pass->checks(), x.limits, station);
}

http::Asked asked(const Exchange& x)
{
    if (x.client_refusal) return {{&x.client_refusal->check, 1}, {&x.client_refusal->decision, 1}};
    using Checks = http::Asked::Checks;
    const bool near = !x.address_decisions.empty(), far = x.pass && !x.limits.empty();
    return {near ? Checks(x.address_checks) : Checks(), x.address_decisions,
        far ? Checks(x.pass->checks()) : Checks(), x.limits};
}

void write_quota_fields(Exchange& x)
{
    x.quota_fields.clear();
    const auto all = asked(x);
    if (all.size() != 0)
        http::append_quota_fields(x.quota_fields, x.config().rate_limit_headers, all, x.now);
}

observe::LimitOutcome outcome_of(const Check& check, const Decision& decision)
{
    if (!decision.allowed && !check.enforced) return Outcome::shadow_denied;
    switch (decision.by) {
        case By::counter:
        case By::lease: return decision.allowed ? Outcome::allowed : Outcome::denied;
        case By::deny_cache: return decision.allowed ? Outcome::allowed : Outcome::denied_locally;
        case By::fallback:
            return decision.allowed ? Outcome::fallback_allowed : Outcome::fallback_denied;
        case By::open: return decision.allowed ? Outcome::error_open : Outcome::error_closed;
    }
    return Outcome::denied;
}

bool is_closed(std::span<const Check> checks, const Check& check)
{
    using limit::OnError;
    if (!check.enforced || check.on_error == OnError::open) return false;
    const bool anyone_says_so = std::any_of(checks.begin(), checks.end(),
        [](const Check& c) { return c.enforced && c.on_error == OnError::closed; });
    return check.on_error == OnError::closed || !anyone_says_so;
}

std::string_view word(By by)
{
    switch (by) {
        case By::counter: return "counter";
        case By::deny_cache: return "deny_cache";
        case By::lease: return "lease";
        case By::fallback: return "fallback";
        case By::open: return "open";
    }
    return {};
}

}  // namespace orggate::edge
