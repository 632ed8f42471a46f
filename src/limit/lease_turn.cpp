#include "limit/lease_book.hpp"

#include <cmath>

namespace orggate::limit {

namespace {

// Units asked for in a lease's lifetime: from where on requests share a question, and until
// where they go on. Fewer rarely meet while a question is open, and only wait for each other.
constexpr double enter_at = 8, leave_at = 4;

// A quarter of fewer is no unit.
constexpr std::int64_t least_fetched_ahead = 4;

// Of one question, whatever the demand; and no answer is believed above it.
constexpr std::int64_t largest_block = 1 << 16;

// Later than any real clock; a reply may claim anything.
constexpr Microseconds latest_clock{std::int64_t{1} << 53};

std::uint64_t unsigned_of(std::int64_t units)
{
    return static_cast<std::uint64_t>(units);
}

double asked_in_lifetime(const LeaseBook::Lease& lease, LeaseBook::Time now)
{
    return lease.demand.rate(now) * std::chrono::duration<double>(lease.terms.lease).count();
}

// Half of what is asked for in a lifetime: used up long before it lapses.
std::int64_t guided_block(const LeaseBook::Lease& lease, LeaseBook::Time now)
{
    const double half = std::ceil(asked_in_lifetime(lease, now) / 2);
    return static_cast<std::int64_t>(std::min(half, static_cast<double>(largest_block)));
}

// The most the store would grant of what remained at its last answer.
std::int64_t share_of(const LeaseBook::Lease& lease, std::int64_t askers)
{
    askers = std::clamp<std::int64_t>(askers, 1, largest_block);
    return (lease.seen.remaining + 2 * askers - 1) / (2 * askers);
}

// A thousandth less, for clocks that run apart.
Microseconds shortened(Microseconds lifetime)
{
    return lifetime - (lifetime + Microseconds(999)) / 1000;
}

// A calendar's units end with its period; the answer says when.
Microseconds lifetime(const Terms& terms, const Decision& answer)
{
    if (terms.algorithm != Algorithm::calendar) return shortened(terms.lease);
    return shortened(std::clamp(answer.next_unit, Microseconds::zero(), terms.lease));
}

// What is known now: the last answer, aged, and what is held here. The clock moves with the
// wait, so that the time of the next unit stands still.
Decision hint_of(const LeaseBook::Lease& lease, LeaseBook::Time now)
{
    Decision hint = lease.seen;
    const auto age = std::max(
        std::chrono::duration_cast<Microseconds>(now - lease.seen_at), Microseconds::zero());
    hint.allowed = true;
    hint.by = By::lease;
    hint.wait = Microseconds::zero();
    hint.remaining = lease.seen.remaining + lease.blocks.held();
    hint.next_unit = std::max(lease.seen.next_unit - age, Microseconds::zero());
    if (hint.store_clock != Microseconds::zero()) hint.store_clock += age;
    return hint;
}

void close_question(LeaseBook::Lease& lease)
{
    if (lease.questions > 0) --lease.questions;
}

// Answers may overtake one another: the younger question's holds.
void learn(LeaseBook::Lease& lease, const Answer& answer, LeaseBook::Time sent)
{
    if (sent < lease.seen_at) return;
    const std::int64_t most = std::max(lease.terms.units, lease.terms.burst);
    lease.seen = answer.decision;
    lease.seen.remaining = std::clamp<std::int64_t>(lease.seen.remaining, 0, most);
    lease.seen.next_unit = std::max(lease.seen.next_unit, Microseconds::zero());
    const Microseconds clock = lease.seen.store_clock;
    if (clock < Microseconds::zero() || clock > latest_clock) lease.seen.store_clock = {};
    lease.seen_at = sent;
}

}  // namespace

void LeaseBook::Lease::choose_mode(Time now)
{
    const double asked = asked_in_lifetime(*this, now);
    if (asked >= enter_at) is_leasing = true;
    if (asked <= leave_at) is_leasing = false;
}

bool LeaseBook::can_spend(const Lease& lease, std::int64_t weight, Time now) const
{
    return lease.blocks.live(now) >= weight;
}

LeaseBook::Turn LeaseBook::turn(
    Lease& lease, const Terms& terms, std::int64_t weight, std::int64_t askers, Time now)
{
    weight = std::max<std::int64_t>(weight, 0);
    note_lapsed(lease.blocks.lapse(now, fate_of_unspent(terms)));
    // A weight of nothing needs no unit, but something true to say.
    const bool can_answer = weight > 0 || lease.has_seen();
    if (can_answer && lease.blocks.held() >= weight) return spend(lease, weight, now);

    const bool is_alone = lease.questions == 0;
    // Single units are no block to share: to wait for one would only be to queue.
    const bool has_blocks = !lease.has_seen() || share_of(lease, askers) > 1;
    if (!is_alone && lease.is_leasing && has_blocks) {
        Turn turn;
        turn.move = Move::wait;
        return turn;
    }
    // One question at a time takes more than its request needs.
    const std::int64_t most = is_alone ? guided_block(lease, now) : weight;
    return ask(lease, {weight, std::max(most, weight), askers});
}

std::optional<LeaseBook::Turn> LeaseBook::prefetch(
    Lease& lease, const Terms& terms, std::int64_t askers, Time now)
{
    if (!lease.is_leasing || lease.questions > 0) return std::nullopt;
    note_lapsed(lease.blocks.lapse(now, fate_of_unspent(terms)));
    const bool is_used_up = lease.blocks.held() * 4 <= lease.block;
    if (lease.block < least_fetched_ahead || !is_used_up) return std::nullopt;
    // While little remains it comes to less the earlier it is asked for.
    const std::int64_t block = std::max<std::int64_t>(guided_block(lease, now), 1);
    if (share_of(lease, askers) * 2 < block) return std::nullopt;
    return ask(lease, {1, block, askers});
}

LeaseBook::Turn LeaseBook::granted(
    Lease& lease, const Terms& terms, std::int64_t weight, const Answer& answer, Time sent)
{
    close_question(lease);
    learn(lease, answer, sent);
    weight = std::max<std::int64_t>(weight, 0);
    LeaseBlocks::Block block;
    block.units = std::clamp<std::int64_t>(answer.granted, 0, std::max(weight, largest_block));
    block.slot = answer.slot;
    block.deadline = sent + lifetime(terms, answer.decision);
    counts_.granted += unsigned_of(block.units);
    lease.block = block.units;

    Turn turn;
    turn.slot = block.slot;
    turn.deadline = block.deadline;
    if (block.units >= weight) {
        turn.move = Move::spent;
        block.units -= weight;
        counts_.spent += unsigned_of(weight);
    }
    note_lapsed(lease.blocks.add(block, fate_of_unspent(terms)));
    turn.hint = hint_of(lease, sent);
    turn.hint.allowed = turn.move == Move::spent;
    turn.hint.by = By::counter;
    return turn;
}

void LeaseBook::refused(Lease& lease, const Answer& answer, Time sent)
{
    close_question(lease);
    learn(lease, answer, sent);
    lease.block = 0;
}

void LeaseBook::failed(Lease& lease)
{
    close_question(lease);
}

void LeaseBook::withdrawn(Lease& lease, const Turn& question)
{
    close_question(lease);
    --counts_.questions;
    counts_.returned -= unsigned_of(question.refund.units);
    note_lapsed(lease.blocks.owe(question.refund));
}

void LeaseBook::put_back(Lease& lease, std::int64_t weight, const Turn& spent, Time now)
{
    const auto fate = fate_of_unspent(lease.terms);
    weight = std::max<std::int64_t>(weight, 0);
    counts_.put_back += unsigned_of(weight);
    note_lapsed(lease.blocks.add({weight, spent.slot, spent.deadline}, fate));
    note_lapsed(lease.blocks.lapse(now, fate));
}

LeaseBook::Turn LeaseBook::spend(Lease& lease, std::int64_t weight, Time now)
{
    const LeaseBlocks::Block oldest = lease.blocks.spend(weight);
    counts_.spent += unsigned_of(weight);
    Turn turn;
    turn.move = Move::spent;
    turn.slot = oldest.slot;
    turn.deadline = oldest.deadline;
    turn.hint = hint_of(lease, now);
    return turn;
}

LeaseBook::Turn LeaseBook::ask(Lease& lease, Wanted wanted)
{
    ++lease.questions;
    lease.has_asked = true;
    ++counts_.questions;
    Turn turn;
    turn.wanted = wanted;
    turn.refund = lease.blocks.take_refund();
    counts_.returned += unsigned_of(turn.refund.units);
    return turn;
}

}  // namespace orggate::limit
