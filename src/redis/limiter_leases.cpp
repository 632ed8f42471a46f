#include "redis/limiter_work.hpp"

#include "orggate/limit/key.hpp"
#include "orggate/net/await.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <utility>

namespace orggate::redis {

using limit::LeaseBook;

// Counts the demand, also of requests that are then refused from what is known.
void Limiter::find_leases(Question& q, Time now)
{
    const auto parts = q.parts();
    for (std::size_t i = 0; i < parts.size(); ++i) {
        Part& part = parts[i];
        if (!is_leased(part.terms)) continue;
        part.lease = leases_.demand(part.key, part.terms, q.checks[i].weight, now);
        // Two parts of one lease would wait for each other: the second asks for itself.
        for (std::size_t other = 0; other < i; ++other)
            if (parts[other].lease == part.lease) part.lease = nullptr;
    }
}

// Spends what this worker holds. The lease whose answer must be awaited first, or null: the
// parts still open go to the store. In the order of the leases, the same for all requests,
// so that no two wait for each other.
LeaseBook::Lease* Limiter::spend_leases(Question& q, Time now)
{
    const auto parts = q.parts();
    // Behind these units other questions may have to be awaited: they must hold that long.
    const Time at = parts.size() > 1 ? now + parts_.deadline : now;
    while (true) {
        Part* next = nullptr;
        for (Part& part : parts)
            if (part.state == Part::State::open && part.lease && !part.is_asking &&
                (!next || part.lease < next->lease))
                next = &part;
        if (!next) return nullptr;
        const auto i = static_cast<std::size_t>(next - parts.data());
        const auto turn = leases_.turn(*next->lease, next->terms, q.checks[i].weight, askers(), at);
        if (turn.move == LeaseBook::Move::wait) {
            // Once. Where one answer was not enough for all, the rest would queue for the next.
            if (!std::exchange(next->has_waited, true)) return next->lease;
            next->lease = nullptr;
            continue;
        }
        next->turn = turn;
        next->is_asking = turn.move == LeaseBook::Move::ask;
        if (next->is_asking) continue;
        next->state = Part::State::spent;
        q.decisions[i] = turn.hint;
    }
}

Awaitable<void> Limiter::wait_for(LeaseBook::Lease& lease, Time until)
{
    Timer answered(parts_.executor, until);
    waiters_[&lease].push_back(&answered);
    co_await answered.async_wait(net::as_values);
    const auto found = waiters_.find(&lease);
    if (found == waiters_.end()) co_return;
    std::erase(found->second, &answered);
    if (found->second.empty()) waiters_.erase(found);
}

void Limiter::wake(LeaseBook::Lease& lease)
{
    const auto found = waiters_.find(&lease);
    if (found == waiters_.end()) return;
    const auto timers = std::move(found->second);
    waiters_.erase(found);
    for (auto* timer : timers)
        timer->cancel();
}

void Limiter::learn_lease(
    Question& q, std::size_t i, const limit::Answer& answer, bool is_charged, Time sent)
{
    Part& part = q.parts()[i];
    if (!part.lease || !part.is_asking) return;
    part.is_asking = false;
    if (is_charged) {
        part.turn = leases_.granted(*part.lease, part.terms, q.checks[i].weight, answer, sent);
        part.state = Part::State::spent;
        q.decisions[i] = part.turn.hint;
    } else {
        leases_.refused(*part.lease, answer, sent);
    }
    wake(*part.lease);
}

void Limiter::forget_asking(Part& part, Asked asked)
{
    if (!part.lease || !part.is_asking) return;
    part.is_asking = false;
    if (asked == Asked::never)
        leases_.withdrawn(*part.lease, part.turn);
    else
        leases_.failed(*part.lease);
    wake(*part.lease);
}

void Limiter::ask_ahead(Question& q, Time now)
{
    for (Part& part : q.parts()) {
        if (!part.lease || is_stopping_ || !parts_.store.is_up(part.slot)) continue;
        auto turn = leases_.prefetch(*part.lease, part.terms, askers(), now);
        if (!turn) continue;
        auto fetch = fetch_ahead(*part.lease, part.key, part.terms, std::move(*turn));
        boost::asio::co_spawn(parts_.executor, std::move(fetch), boost::asio::detached);
    }
}

Awaitable<void> Limiter::fetch_ahead(
    LeaseBook::Lease& lease, std::string key, limit::Terms terms, LeaseBook::Turn turn)
{
    const limit::Item item{terms, turn.wanted, true, turn.refund, parts_.holder};
    const std::vector<limit::Item> items(1, item);
    std::vector<std::string> arguments;
    limit::append_arguments(arguments, items);
    const std::uint16_t slot = limit::slot_of(key);
    const std::vector<std::string> keys(1, std::move(key));
    const Time sent = parts_.clock().steady;
    const Outcome outcome =
        co_await parts_.store.evaluate(take_script(), slot, keys, arguments, parts_.deadline);
    limit::Answer answer;
    read_integers(outcome.reply, numbers_);
    if (outcome.failure == Failure::not_connected)
        leases_.withdrawn(lease, turn);
    else if (outcome.failure != Failure::none || !limit::read_answers(numbers_, {&answer, 1}))
        leases_.failed(lease);
    else if (answer.decision.allowed)
        leases_.granted(lease, terms, 0, answer, sent);
    else
        leases_.refused(lease, answer, sent);
    wake(lease);
}

void Limiter::report_leases()
{
    const auto& now = leases_.counts();
    parts_.counters.lease_questions.add(now.questions - reported_.questions);
    parts_.counters.lease_granted.add(now.granted - reported_.granted);
    parts_.counters.lease_spent.add(now.spent - reported_.spent);
    parts_.counters.lease_put_back.add(now.put_back - reported_.put_back);
    parts_.counters.lease_returned.add(now.returned - reported_.returned);
    parts_.counters.lease_lapsed.add(now.lapsed - reported_.lapsed);
    reported_ = now;
}

}  // namespace orggate::redis
