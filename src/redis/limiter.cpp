#include "redis/limiter_work.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace orggate::redis {

using limit::Check;
using limit::Decision;

namespace {

const Script& inspect_script()
{
    static const Script script(limit::inspect_script());
    return script;
}

// A Question on loan for one request.
class Loan {
public:
    explicit Loan(std::vector<std::unique_ptr<Question>>& spare) : spare_(spare)
    {
        if (spare_.empty()) {
            question_ = std::make_unique<Question>();
        } else {
            question_ = std::move(spare_.back());
            spare_.pop_back();
        }
    }
    ~Loan() { spare_.push_back(std::move(question_)); }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;

    Question& operator*() const { return *question_; }

private:
    std::vector<std::unique_ptr<Question>>& spare_;
    std::unique_ptr<Question> question_;
};

}  // namespace

const Script& take_script()
{
    static const Script script(limit::take_script());
    return script;
}

const Script& settle_script()
{
    static const Script script(limit::settle_script());
    return script;
}

const std::vector<const Script*>& limiter_scripts()
{
    static const std::vector<const Script*> all{
        &take_script(), &settle_script(), &inspect_script()};
    return all;
}

std::unique_ptr<RedisLimiter> make_limiter(LimiterParts parts)
{
    return std::make_unique<Limiter>(std::move(parts));
}

Limiter::Limiter(LimiterParts parts)
    : parts_(std::move(parts)), denials_(parts_.key), leases_(parts_.key), timer_(parts_.executor)
{
}

Awaitable<Result<void>> Limiter::take(
    std::span<const Check> checks, std::span<Decision> decisions, Instant now)
{
    const Loan loan(spare_);
    Question& q = *loan;
    q.begin(checks, decisions, parts_.name_space);
    heed_generation(q);
    notice_return(now.steady);
    const Time until = now.steady + parts_.deadline;
    now = parts_.clock();

    find_leases(q, now.steady);
    if (answer_from_denials(q, now.steady)) co_return Result<void>();
    while (auto* answer_due = spend_leases(q, now.steady)) {
        co_await wait_for(*answer_due, now.steady + (until - now.steady) / 2);
        now = parts_.clock();
        if (now.steady >= until) break;
        if (!answer_from_denials(q, now.steady)) continue;
        undo(q, now.steady);
        co_return Result<void>();
    }

    while (q.gather(parts_.store.is_cluster(), parts_.holder)) {
        auto verdict = Verdict::unavailable;
        auto asked = Asked::never;
        q.is_counted_here = is_flood(q, now);
        if (!q.is_counted_here && may_ask(q, now.steady, until)) {
            expect_permits(q);
            const auto left = std::chrono::ceil<Milliseconds>(until - now.steady);
            const Outcome outcome = co_await parts_.store.evaluate(
                take_script(), q.slot(), q.keys(), q.arguments(), left);
            const Instant sent = std::exchange(now, parts_.clock());
            verdict = learn(q, outcome, sent);
            if (outcome.failure != Failure::not_connected) asked = Asked::unknown;
        }
        if (verdict == Verdict::unavailable) verdict = fall_back(q, now, asked);
        if (verdict == Verdict::admitted) continue;
        undo(q, now.steady);
        if (verdict == Verdict::unavailable) co_return Denial::limiter_unavailable;
        co_return Result<void>();
    }
    admit(q, now);
    co_return Result<void>();
}

// Somebody reset a counter, or the store lost its data.
void Limiter::heed_generation(Question& q)
{
    q.generation = parts_.fleet.generation.load(std::memory_order_relaxed);
    if (q.generation == generation_) return;
    generation_ = q.generation;
    denials_.clear();
    leases_.drop_units();
}

bool Limiter::answer_from_denials(Question& q, Time now)
{
    for (std::size_t i = 0; i < q.checks.size(); ++i) {
        const Check& check = q.checks[i];
        const Part& part = q.parts()[i];
        if (!check.enforced || part.state != Part::State::open) continue;
        if (part.lease && leases_.can_spend(*part.lease, check.weight, now)) continue;
        const auto known = denials_.find(part.key, check.weight, now, part.terms);
        if (!known) continue;
        // Nothing is known of the others, and nothing is charged.
        for (auto& decision : q.decisions) {
            decision = Decision{};
            decision.allowed = true;
            decision.by = limit::By::deny_cache;
            decision.has_numbers = false;
        }
        q.decisions[i] = *known;
        parts_.counters.deny_cache_hits.add();
        return true;
    }
    return false;
}

bool Limiter::may_ask(Question& q, Time now, Time until) const
{
    if (is_stopping_ || now >= until || !parts_.store.is_up(q.slot())) return false;
    const bool has_permits =
        std::ranges::any_of(q.members(), [&](std::size_t i) { return is_permit(q.part(i).terms); });
    return !has_permits || now >= settled_at_;
}

// Addresses cost a client nothing: of more new ones than this a second none becomes a key in
// Redis. They are counted here, as while the store is away.
bool Limiter::is_flood(const Question& q, Instant now)
{
    constexpr int most_new_addresses = 500;
    const auto is_of_address = [&](std::size_t i) { return q.checks[i].per == limit::Per::ip; };
    if (!std::ranges::all_of(q.members(), is_of_address)) return false;
    for (const auto i : q.members()) {
        if (parts_.fallback->inspect(q.checks[i], now)) continue;
        if (now.steady >= flood_second_ + Seconds{1}) {
            flood_second_ = now.steady;
            new_addresses_ = 0;
        }
        if (++new_addresses_ > most_new_addresses) return true;
    }
    return false;
}

// The request is refused: what earlier answers had charged goes back.
void Limiter::undo(Question& q, Time now)
{
    for (std::size_t i = 0; i < q.checks.size(); ++i) {
        Part& part = q.parts()[i];
        Decision& decision = q.decisions[i];
        const auto weight = q.checks[i].weight;
        forget_asking(part, Asked::never);
        if (decision.holds_permit) {
            decision.holds_permit = false;
            Decision held;
            held.holds_permit = true;
            if (part.state == Part::State::fallen_back)
                parts_.fallback->release({&q.checks[i], 1}, {&held, 1});
            permits_.release(part.key);
            if (auto* holding = permits_.find(part.key)) tell(part.key, *holding);
        } else if (part.state == Part::State::spent) {
            leases_.put_back(*part.lease, weight, part.turn, now);
        } else if (part.is_charged) {
            give_back(part.key, part.terms, {weight, part.charge_slot});
        }
    }
}

void Limiter::admit(Question& q, Instant now)
{
    local_checks_.clear();
    for (std::size_t i = 0; i < q.checks.size(); ++i) {
        const bool is_noted = q.parts()[i].state == Part::State::fallen_back;
        if (!is_noted && q.decisions[i].allowed) local_checks_.push_back(q.checks[i]);
    }
    if (!local_checks_.empty()) parts_.fallback->note(local_checks_, now);
    ask_ahead(q, now.steady);
}

}  // namespace orggate::redis
