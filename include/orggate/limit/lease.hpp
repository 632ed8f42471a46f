// Blocks of units that one worker holds, so that most requests need no question to the
// store. A unit is spent only before its block's deadline, which counts from before the
// block was asked for; the store counts with a window longer by that lifetime. So the fleet
// never spends more than the quota in any window, whatever the clocks.
// Pure: time is an argument, questions are returned. One worker, not thread-safe.

#pragma once

#include "orggate/keyed_hash.hpp"
#include "orggate/limit/meter.hpp"
#include "orggate/limit/script.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace orggate::limit {

// Units. Once nothing is held any more, granted + put_back = spent + returned + lapsed.
struct LeaseCounts {
    std::uint64_t granted = 0;
    std::uint64_t spent = 0, put_back = 0;
    std::uint64_t returned = 0;   // sent back to the store, once
    std::uint64_t lapsed = 0;     // neither spent nor returned
    std::uint64_t questions = 0;  // calls, not units: grants asked for
};

class LeaseBook {
public:
    using Time = std::chrono::steady_clock::time_point;
    // One counter's blocks. Stays where it is while it is asked for, holds units, or was in
    // demand within the last `forgotten_after`.
    struct Lease;
    static constexpr Seconds forgotten_after{10};

    explicit LeaseBook(HashKey key, std::size_t capacity = 1u << 16);
    ~LeaseBook();
    LeaseBook(const LeaseBook&) = delete;
    LeaseBook& operator=(const LeaseBook&) = delete;

    // The lease of this key, made if it is new. Counts the demand: once for each request, also
    // for one that is then refused from what is known.
    // Null: the book is full of leases in use; ask for this request alone.
    Lease* demand(std::string_view key, const Terms& terms, std::int64_t weight, Time now);

    // Whether turn() would spend. If not, a refusal known to hold still saves the turn.
    bool can_spend(const Lease& lease, std::int64_t weight, Time now) const;

    enum class Move {
        spent,  // units of a block; `hint` says what to tell the client
        ask,    // go to the store with `wanted` and `refund`
        wait,   // another request's question is on its way: try again when it is answered
    };
    struct Turn {
        Move move = Move::ask;
        Wanted wanted;
        Refund refund;
        Decision hint;
        // Of the oldest block spent from, for put_back().
        std::int64_t slot = 0;
        Time deadline{};
    };
    // What the request does next. A question asks for half of what is in demand within a
    // lifetime, one question at a time. From 8 units in demand on (until 4) the others wait
    // for it, unless so little remains that it would bring a single unit; else they ask, each
    // for itself alone. After `ask` exactly one of granted(), refused(), failed()
    // or withdrawn() follows, and those who wait try again.
    Turn turn(Lease& lease, const Terms& terms, std::int64_t weight, std::int64_t askers, Time now);

    // The answer's block: `weight` of it is spent at once, the rest is kept. `sent`: before
    // the question went out, and less than a lifetime ago. Gives a turn that has spent; or, if
    // the store granted less than `weight`, one that says ask: nothing is spent.
    Turn granted(
        Lease& lease, const Terms& terms, std::int64_t weight, const Answer& answer, Time sent);
    void refused(Lease& lease, const Answer& answer, Time sent);
    // Nobody knows what became of the question: its refund is not sent again.
    void failed(Lease& lease);
    // The question certainly never went out: its refund waits for the next one.
    void withdrawn(Lease& lease, const Turn& question);

    // Units of a request that was refused for another reason: they were not spent after all.
    // `spent`: the turn that spent them.
    void put_back(Lease& lease, std::int64_t weight, const Turn& spent, Time now);

    // The next block before this one is used up: at a quarter left, one question at a time.
    // Its answer goes to granted() with weight 0, or refused(), or failed().
    std::optional<Turn> prefetch(Lease& lease, const Terms& terms, std::int64_t askers, Time now);

    // Drops what has lapsed, forgets counters nobody asks for, and gives what should be
    // returned to the store now and did not go with a question. Looks at a bounded number of
    // leases, going round from call to call. `all`: everything, at the end.
    enum class Sweep { lapsed, all };
    void sweep(Sweep what, Time now,
        const std::function<void(std::string_view key, const Terms& terms, Refund refund)>&
            give_back);

    // Forgets every block and refund: the store's counters were reset, and to give back what
    // they no longer hold would free units of others.
    void drop_units();

    std::size_t size() const;
    const LeaseCounts& counts() const { return counts_; }

private:
    struct Leases;
    void note_lapsed(std::int64_t units) { counts_.lapsed += static_cast<std::uint64_t>(units); }
    Turn spend(Lease& lease, std::int64_t weight, Time now);
    Turn ask(Lease& lease, Wanted wanted);

    std::unique_ptr<Leases> leases_;
    LeaseCounts counts_;
};

}  // namespace orggate::limit
