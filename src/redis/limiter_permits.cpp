#include "redis/limiter_work.hpp"

#include "orggate/limit/key.hpp"
#include "orggate/net/await.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <utility>

namespace orggate::redis {

using limit::Check;
using limit::Decision;
using limit::LeaseBook;

namespace {

constexpr Seconds tick_period{1};
constexpr int ticks_per_reminder = 5;   // a third of a permit's lifetime
constexpr std::size_t most_words = 64;  // in one call: half a millisecond of the server
constexpr Seconds grace{1};
static_assert(tick_period * ticks_per_reminder * 3 <= limit::permit_lifetime);

}  // namespace

void Limiter::expect_permits(Question& q)
{
    for (const auto i : q.members())
        if (const Part& part = q.parts()[i]; is_permit(part.terms))
            permits_.ask(part.key, part.terms, part.slot);
}

void Limiter::settle_permits(Question& q, bool is_known, bool admitted)
{
    using Fate = PermitBook::Fate;
    for (std::size_t m = 0; m < q.members().size(); ++m) {
        const Part& part = q.parts()[q.members()[m]];
        if (!is_permit(part.terms)) continue;
        const bool is_granted = admitted && q.answers()[m].decision.allowed;
        const auto fate = !is_known ? Fate::unknown : is_granted ? Fate::granted : Fate::refused;
        const bool was_told_too_many = permits_.answered(part.key, fate);
        auto* holding = permits_.find(part.key);
        if (was_told_too_many && holding) tell(part.key, *holding);
    }
}

void Limiter::release(std::span<const Check> checks, std::span<const Decision> decisions, Instant)
{
    parts_.fallback->release(checks, decisions);
    std::string key;
    for (std::size_t i = 0; i < checks.size(); ++i) {
        if (!decisions[i].holds_permit) continue;
        key.clear();
        limit::append_key(key, parts_.name_space, checks[i]);
        permits_.release(key);
        if (auto* holding = permits_.find(key)) tell(key, *holding);
    }
}

void Limiter::tell(const std::string& key, PermitBook::Holding& holding)
{
    correct(key, holding.slot, correction_of(holding));
}

limit::Correction Limiter::correction_of(PermitBook::Holding& holding) const
{
    limit::Correction correction;
    correction.terms = holding.terms;
    correction.held = PermitBook::to_tell(holding);
    correction.holder = parts_.holder;
    holding.told_asked = holding.asked > 0;
    return correction;
}

void Limiter::give_back(std::string_view key, const limit::Terms& terms, limit::Refund refund)
{
    limit::Correction correction;
    correction.terms = terms;
    correction.refund = refund;
    correct(key, limit::slot_of(key), correction);
}

void Limiter::correct(std::string_view key, std::uint16_t slot, const limit::Correction& correction)
{
    one_key_.assign(1, std::string(key));
    its_arguments_.clear();
    limit::append_arguments(its_arguments_, std::span(&correction, 1));
    parts_.store.send(settle_script(), slot, one_key_, its_arguments_);
}

// ---- its own time ------------------------------------------------------------------

void Limiter::start()
{
    boost::asio::co_spawn(parts_.executor, tick(), boost::asio::detached);
}

Awaitable<void> Limiter::tick()
{
    const auto back = [this](std::string_view key, const limit::Terms& terms,
                          limit::Refund refund) { give_back(key, terms, refund); };
    Time swept = parts_.clock().steady;
    for (int ticks = 0; !is_stopping_; ++ticks) {
        timer_.expires_after(tick_period);
        co_await timer_.async_wait(net::as_values);
        if (is_stopping_) break;
        // A process that stood still must not forget what its requests are about to use.
        swept = std::min(parts_.clock().steady, swept + 2 * tick_period);
        leases_.sweep(LeaseBook::Sweep::lapsed, swept, back);
        report_leases();
        notice_return(parts_.clock().steady);
        if (ticks % ticks_per_reminder == 0) {
            due_ = permits_.to_remind();
            due_per_tick_ = due_.size() / ticks_per_reminder + 1;
        }
        co_await remind(due_per_tick_);
    }
}

// Spread over the ticks, so that requests find room in the queue between them.
Awaitable<void> Limiter::remind(std::size_t count)
{
    while (count > 0 && !due_.empty() && !is_stopping_) {
        Words words = next_words();
        count -= std::min(count, words.keys.size());
        if (words.keys.empty() || !parts_.store.is_up(words.slot)) continue;
        const Outcome outcome = co_await parts_.store.evaluate(
            settle_script(), words.slot, words.keys, words.arguments, parts_.deadline);
        if (outcome.failure != Failure::none) continue;
        for (std::size_t i = 0; i < words.keys.size(); ++i)
            permits_.heard(words.keys[i], words.counts[i]);
    }
}

// The next of those that are due, as many as one call may name.
Limiter::Words Limiter::next_words()
{
    Words words;
    std::vector<limit::Correction> corrections;
    while (!due_.empty() && words.keys.size() < most_words) {
        auto* holding = permits_.find(due_.back());
        const bool fits = !holding || words.keys.empty() || holding->slot == words.slot ||
                          !parts_.store.is_cluster();
        if (!fits) break;
        if (holding) {
            if (words.keys.empty()) words.slot = holding->slot;
            corrections.push_back(correction_of(*holding));
            words.counts.push_back(PermitBook::to_tell(*holding));
            words.keys.push_back(std::move(due_.back()));
        }
        due_.pop_back();
    }
    limit::append_arguments(words.arguments, corrections);
    return words;
}

void Limiter::stop()
{
    is_stopping_ = true;
    timer_.cancel();
    leases_.sweep(LeaseBook::Sweep::all, parts_.clock().steady,
        [this](std::string_view key, const limit::Terms& terms, limit::Refund refund) {
            give_back(key, terms, refund);
        });
    permits_.drop_all();
    for (due_ = permits_.to_remind(); !due_.empty();) {
        const Words words = next_words();
        if (!words.keys.empty())
            parts_.store.send(settle_script(), words.slot, words.keys, words.arguments);
    }
    report_leases();
}

// ---- when the store comes back -----------------------------------------------------

// It may have lost the permits of all workers, or let them lapse: ours are told again at
// once, and until the others have done the same permits are counted here alone.
void Limiter::notice_return(Time now)
{
    const auto& counters = parts_.counters;
    const auto returns = counters.connects.value() + counters.breaker_closed.value();
    if (returns == returns_) return;
    const bool is_first = std::exchange(returns_, returns) == 0;
    if (is_first && !has_fallen_back_) return;
    settled_at_ = now + grace;
    due_ = permits_.to_remind();
    due_per_tick_ = due_.size() / ticks_per_reminder + 1;
    boost::asio::co_spawn(parts_.executor, remind(due_.size()), boost::asio::detached);
}

}  // namespace orggate::redis
