// One worker's limiter over Redis, in the order of a request: what is known, what is leased,
// what the store says, and what happens without it.

#pragma once

#include "orggate/limit/deny_cache.hpp"
#include "orggate/limit/lease.hpp"
#include "orggate/limit/script.hpp"
#include "orggate/redis/limiter.hpp"
#include "redis/permit_book.hpp"
#include "redis/question.hpp"

#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace orggate::redis {

const Script& take_script();
const Script& settle_script();

inline bool is_leased(const limit::Terms& terms)
{
    return terms.lease > Microseconds::zero();
}

inline bool is_permit(const limit::Terms& terms)
{
    return terms.algorithm == limit::Algorithm::concurrent;
}

// The reply as numbers; empty if it is anything else.
void read_integers(const Reply& reply, std::vector<std::int64_t>& out);

class Limiter final : public RedisLimiter {
public:
    explicit Limiter(LimiterParts parts);

    Awaitable<Result<void>> take(std::span<const limit::Check> checks,
        std::span<limit::Decision> decisions, Instant now) override;
    void release(std::span<const limit::Check> checks, std::span<const limit::Decision> decisions,
        Instant now) override;
    void start() override;
    void stop() override;

private:
    using Check = limit::Check;
    using Decision = limit::Decision;
    using LeaseBook = limit::LeaseBook;
    using Time = std::chrono::steady_clock::time_point;
    using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
        boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;
    enum class Verdict { admitted, refused, unavailable };
    enum class Asked { never, unknown };  // what became of a question without an answer

    // Steps of take(), in their order.
    void heed_generation(Question& q);
    void find_leases(Question& q, Time now);
    bool answer_from_denials(Question& q, Time now);
    LeaseBook::Lease* spend_leases(Question& q, Time now);
    Awaitable<void> wait_for(LeaseBook::Lease& lease, Time until);
    bool may_ask(Question& q, Time now, Time until) const;
    Verdict learn(Question& q, const Outcome& outcome, Instant sent);
    Verdict fall_back(Question& q, Instant now, Asked asked);
    void undo(Question& q, Time now);
    void admit(Question& q, Instant now);

    bool read_reply(Question& q, const Outcome& outcome);
    void learn_lease(
        Question& q, std::size_t i, const limit::Answer& answer, bool is_charged, Time sent);
    void note_denial(const Question& q, std::size_t i, Time sent);
    void forget_asking(Part& part, Asked asked);
    void wake(LeaseBook::Lease& lease);
    void ask_ahead(Question& q, Time now);
    Awaitable<void> fetch_ahead(
        LeaseBook::Lease& lease, std::string key, limit::Terms terms, LeaseBook::Turn turn);

    void expect_permits(Question& q);
    void settle_permits(Question& q, bool is_known, bool admitted);
    void tell(const std::string& key, PermitBook::Holding& holding);
    void give_back(std::string_view key, const limit::Terms& terms, limit::Refund refund);
    void correct(std::string_view key, std::uint16_t slot, const limit::Correction& correction);

    // Corrections of one call.
    struct Words {
        std::uint16_t slot = 0;
        std::vector<std::string> keys, arguments;
        std::vector<std::int64_t> counts;
    };
    limit::Correction correction_of(PermitBook::Holding& holding) const;
    Words next_words();
    Awaitable<void> remind(std::size_t count);
    void notice_return(Time now);
    bool is_flood(const Question& q, Instant now);

    Awaitable<void> tick();
    void report_leases();
    std::int64_t askers() const { return parts_.fleet.workers.load(std::memory_order_relaxed); }
    std::int64_t share() const { return parts_.fleet.processes.load(std::memory_order_relaxed); }

    LimiterParts parts_;
    limit::DenyCache denials_;
    LeaseBook leases_;
    PermitBook permits_;
    std::uint64_t generation_ = 0;
    std::vector<std::string> due_;  // counters whose permits are to be told again
    std::size_t due_per_tick_ = 0;
    std::uint64_t returns_ = 0;     // of the store, as counted
    bool has_fallen_back_ = false;  // since the start
    Time settled_at_{};             // until then permits are counted here alone
    Time flood_second_{};
    int new_addresses_ = 0;  // since then
    std::unordered_map<LeaseBook::Lease*, std::vector<Timer*>> waiters_;
    limit::LeaseCounts reported_;
    std::vector<std::unique_ptr<Question>> spare_;
    std::vector<std::int64_t> numbers_;
    std::vector<Check> local_checks_;
    std::vector<Decision> local_decisions_;
    std::vector<std::string> one_key_, its_arguments_;
    Timer timer_;
    bool is_stopping_ = false;
};

}  // namespace orggate::redis
