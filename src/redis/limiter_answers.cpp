#include "redis/limiter_work.hpp"

namespace orggate::redis {

using limit::By;
using limit::Check;
using limit::Decision;
using limit::OnError;

// The reply as numbers; empty if it is anything else.
void read_integers(const Reply& reply, std::vector<std::int64_t>& out)
{
    out.clear();
    if (!reply.is(Reply::Kind::array)) return;
    for (const auto& element : reply.elements) {
        if (!element.is(Reply::Kind::integer)) return out.clear();
        out.push_back(element.integer);
    }
}

bool Limiter::read_reply(Question& q, const Outcome& outcome)
{
    if (outcome.failure != Failure::none) return false;
    read_integers(outcome.reply, numbers_);
    if (limit::read_answers(numbers_, q.answers())) return true;
    parts_.counters.defects.add();
    return false;
}

Limiter::Verdict Limiter::learn(Question& q, const Outcome& outcome, Instant sent)
{
    const bool is_known = read_reply(q, outcome);
    bool admitted = is_known;
    for (std::size_t m = 0; is_known && m < q.members().size(); ++m)
        admitted =
            admitted && (q.answers()[m].decision.allowed || !q.checks[q.members()[m]].enforced);
    settle_permits(q, is_known, admitted);
    if (!is_known) return Verdict::unavailable;

    for (std::size_t m = 0; m < q.members().size(); ++m) {
        const auto i = q.members()[m];
        const Check& check = q.checks[i];
        const auto& answer = q.answers()[m];
        Part& part = q.parts()[i];
        q.decisions[i] = answer.decision;
        const bool is_charged =
            admitted && answer.granted >= check.weight && answer.decision.allowed;
        if (!answer.decision.allowed) note_denial(q, i, sent.steady);
        part.state = Part::State::charged;  // what was refused in shadow is answered too
        learn_lease(q, i, answer, is_charged, sent.steady);
        part.is_charged = is_charged && !part.lease && !is_permit(part.terms);
        part.charge_slot = answer.slot;
        q.decisions[i].holds_permit = is_charged && is_permit(part.terms);
    }
    return admitted ? Verdict::admitted : Verdict::refused;
}

// Permits come back at any time: their refusals are not kept. Nor are those from before a
// reset.
void Limiter::note_denial(const Question& q, std::size_t i, Time sent)
{
    const Part& part = q.part(i);
    const bool is_of_now = q.generation == parts_.fleet.generation.load(std::memory_order_relaxed);
    if (is_permit(part.terms) || !is_of_now) return;
    const auto most = is_leased(part.terms) ? part.terms.lease : Microseconds::max();
    denials_.note(part.key, q.checks[i].weight, q.decisions[i], sent, most, part.terms);
}

// The store is away from these parts: each limit's on_error decides.
Limiter::Verdict Limiter::fall_back(Question& q, Instant now, Asked asked)
{
    has_fallen_back_ = true;
    local_checks_.clear();
    // All of them before anything is decided: a refund that may have arrived is not sent twice.
    for (const auto i : q.members())
        forget_asking(q.parts()[i], asked);
    for (const auto i : q.members()) {
        const Check& check = q.checks[i];
        const bool is_local = q.is_local(i);
        if (!is_local && check.on_error == OnError::closed) return Verdict::unavailable;
        if (is_local) local_checks_.push_back(check);
    }
    local_decisions_.assign(local_checks_.size(), Decision{});
    if (!local_checks_.empty() &&
        !parts_.fallback->take(local_checks_, local_decisions_, now, share()))
        return Verdict::unavailable;

    bool admitted = true;
    std::size_t next = 0;
    for (const auto i : q.members()) {
        const Check& check = q.checks[i];
        Part& part = q.parts()[i];
        Decision& decision = q.decisions[i];
        part.state = Part::State::fallen_back;
        const bool is_local = q.is_local(i);
        decision = is_local ? local_decisions_[next++] : Decision{};
        decision.by = is_local ? By::fallback : By::open;
        if (!is_local) {
            decision.allowed = true;
            decision.has_numbers = false;
        }
        if (decision.holds_permit) permits_.hold(part.key, part.terms, part.slot);
        admitted = admitted && (decision.allowed || !check.enforced);
    }
    return admitted ? Verdict::admitted : Verdict::refused;
}

}  // namespace orggate::redis
