#include "redis/limiter_work.hpp"

#include "orggate/limit/key.hpp"
#include "orggate/net/await.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace orggate::redis {

using limit::Check;
using limit::Decision;
using limit::LeaseBook;

namespace {

constexpr Seconds tick_period{1};
constexpr int ticks_per_reminder = 5;  // a third of a permit's lifetime
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
    limit::Correction correction;
    correction.terms = holding.terms;
    correction.held = PermitBook::to_tell(holding);
    correction.holder = parts_.holder;
    holding.told_asked = holding.asked > 0;
    correct(key, holding.slot, correction);
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

void Limiter::start()
{
    boost::asio::co_spawn(parts_.executor, tick(), boost::asio::detached);
}

Awaitable<void> Limiter::tick()
{
    const auto back = [this](std::string_view key, const limit::Terms& terms,
                          limit::Refund refund) { give_back(key, terms, refund); };
    const auto word = [this](const std::string& key, PermitBook::Holding& holding) {
        tell(key, holding);
    };
    for (int ticks = 1; !is_stopping_; ++ticks) {
        timer_.expires_after(tick_period);
        co_await timer_.async_wait(net::as_values);
        if (is_stopping_) break;
        leases_.sweep(LeaseBook::Sweep::lapsed, parts_.clock().steady, back);
        if (ticks % ticks_per_reminder == 0) permits_.remind(word);
        report_leases();
    }
}

void Limiter::stop()
{
    is_stopping_ = true;
    timer_.cancel();
    leases_.sweep(LeaseBook::Sweep::all, parts_.clock().steady,
        [this](std::string_view key, const limit::Terms& terms, limit::Refund refund) {
            give_back(key, terms, refund);
        });
    permits_.drop_all(
        [this](const std::string& key, PermitBook::Holding& holding) { tell(key, holding); });
    report_leases();
}

}  // namespace orggate::redis
