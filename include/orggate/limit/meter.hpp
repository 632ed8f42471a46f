// One counter's state and arithmetic, under any algorithm, in memory. Redis runs the same
// arithmetic (script.hpp); one table of cases holds for both.
// Pure: time is an argument.

#pragma once

#include "orggate/limit/quota.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace orggate::limit {

// Times in microseconds. Windows and buckets use `steady`, any one clock; the calendar uses
// `wall`, since 1970. In Redis both are its TIME.
struct Times {
    Microseconds steady{}, wall{};
};
Times times_of(Instant now);

// A block of units, granted at once.
struct Grant {
    Decision decision;  // allowed: at least the least wanted was granted
    std::int64_t units = 0;
    std::int64_t slot = 0;  // names the block when units are given back
};

// What a lease asks for.
struct Wanted {
    std::int64_t least = 1, most = 1;
    std::int64_t askers = 1;  // the remaining units are shared with so many (A)
};

// Units of an earlier grant that were never spent.
struct Refund {
    std::int64_t units = 0, slot = 0;
};

// A clock that went back by up to 1 s stands still until it has caught up; by more, and the
// counter moves with it: what is counted is kept, for one window at most.

// The strict sliding window. Admissions are kept as (time of the last admission in its
// slot, units), with 60 slots to a window: an entry leaves late, never early, so the
// promise holds exactly and at least 60/61 of the quota can be used. With Terms::lease E
// the window is longer by E, so that units spent up to E later still keep the promise.
class Window {
public:
    Decision check(const Terms& terms, std::int64_t weight, Microseconds now);
    // Only after a check at the same instant allowed it; or by force, above the quota.
    Decision charge(const Terms& terms, std::int64_t weight, Microseconds now);
    // At most max(1, what is left / (2 * askers)), unless `least` is more.
    Grant grant(const Terms& terms, Wanted wanted, Microseconds now);
    // Never raises a count, never makes one negative; an unknown slot changes nothing.
    void give_back(
        Refund refund, const Terms& terms, std::optional<Microseconds> now = std::nullopt);
    // `length`: of the window, with the lease.
    bool is_empty(Microseconds length, Microseconds now) const;
    std::size_t entries() const { return entries_.size(); }

private:
    struct Entry {
        std::int64_t at;  // microseconds
        std::int64_t units;
    };
    // What counts at an instant. Entries that have left stay until something is charged, as in
    // Redis: the clock may go back.
    struct View {
        std::int64_t at;    // the time that counts as now
        std::size_t first;  // entry that has not left
        std::int64_t used;
    };
    View settle(const Terms& terms, Microseconds now);
    void forget(View& view);
    Decision state(const View& view, const Terms& terms, Microseconds now) const;
    Microseconds until_freed(
        const View& view, std::int64_t units, const Terms& terms, Microseconds now) const;

    std::vector<Entry> entries_;
    std::int64_t sum_ = 0;
};

// GCRA: what is used is a time, in sixteenths of a microsecond, after which the bucket is
// full again. A unit is worth the interval between two units; when the rate changes, what is
// used stays the same in units. With Terms::lease E the bucket is smaller by the units that
// come back within E.
class Bucket {
public:
    Decision check(const Terms& terms, std::int64_t weight, Microseconds now);
    Decision charge(const Terms& terms, std::int64_t weight, Microseconds now);
    Grant grant(const Terms& terms, Wanted wanted, Microseconds now);
    // What the units are worth less their age, for the bucket has been filling as if they
    // were spent; nothing if the rate has changed since. Refund::slot: when they were granted.
    void give_back(Refund refund, const Terms& terms, Microseconds now);
    bool is_empty(Microseconds now) const;

private:
    std::int64_t settle(const Terms& terms, Microseconds now);
    Decision state(const Terms& terms, Microseconds now) const;
    std::int64_t debt(std::int64_t at) const;

    std::int64_t full_at_ = 0;   // sixteenths
    std::int64_t at_ = 0;        // of the newest charge, microseconds
    std::int64_t interval_ = 0;  // between two units, sixteenths; 0: never used
    std::int64_t since_ = 0;     // units granted until then are not taken back
};

// A count for one day or month in UTC.
class Calendar {
public:
    // Decision::next_unit, and wait, end with the period.
    Decision check(const Terms& terms, std::int64_t weight, Microseconds wall);
    Decision charge(const Terms& terms, std::int64_t weight, Microseconds wall);
    // A grant must not be spent after the period: Decision::next_unit says when it ends.
    Grant grant(const Terms& terms, Wanted wanted, Microseconds wall);
    void give_back(
        Refund refund, const Terms& terms, std::optional<Microseconds> wall = std::nullopt);
    bool is_empty(Microseconds wall) const;

private:
    struct View {
        std::int64_t began, ends;  // seconds since 1970
        std::int64_t used;
    };
    View settle(const Terms& terms, Microseconds wall);
    void keep(const View& view);
    static Decision state(const View& view, const Terms& terms, Microseconds wall);

    View kept_{0, 0, 0};  // as last charged
};

// Permits held now, in this process. Nobody knows how long: Decision::wait is 0, or max() for
// a weight that never fits.
class Permits {
public:
    Decision check(const Terms& terms, std::int64_t weight) const;
    Decision charge(const Terms& terms, std::int64_t weight);
    void release(std::int64_t weight);
    bool is_empty() const { return held_ == 0; }
    std::int64_t held() const { return held_; }

private:
    std::int64_t held_ = 0;
};

// Any of them. A counter that is asked under another algorithm than before starts anew.
class Meter {
public:
    // What a check of `weight` would get; charges nothing. A weight above what can ever
    // pass: wait is max().
    Decision check(const Terms& terms, std::int64_t weight, Times now);
    // After check() allowed it at the same instant; also by force, above the quota, to
    // note what somebody else admitted.
    Decision charge(const Terms& terms, std::int64_t weight, Times now);
    Grant grant(const Terms& terms, Wanted wanted, Times now);
    // A bucket can't tell the units' age without the time, and then takes nothing back.
    void give_back(Refund refund, const Terms& terms, std::optional<Times> now = std::nullopt);
    void release(std::int64_t weight);  // concurrent
    // Nothing is held: the counter may be forgotten. `terms` as last charged under.
    bool is_empty(const Terms& terms, Times now) const;

private:
    template <class State>
    State& as();

    std::variant<Window, Bucket, Calendar, Permits> state_;
};

}  // namespace orggate::limit
