// The limiter's programs for Redis: their text, their arguments, the meaning of their
// replies. The arithmetic is meter.hpp's. Time is Redis's own TIME; rates are arguments.
// Pure.

#pragma once

#include "orggate/limit/meter.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::limit {

// One key of a call, in the order of the keys.
struct Item {
    Terms terms;
    Wanted wanted;  // exact: least = most = the weight
    bool enforced = true;
    Refund refund;             // of an earlier grant for this key, applied first
    std::uint64_t holder = 0;  // concurrent: who holds; one number per worker
};

struct Answer {
    Decision decision;  // store_clock is set
    std::int64_t granted = 0, slot = 0;
};

// Charges all enforced items or none; answers every one. An item that is not enforced is
// charged if it fits and the request passes. Where the request does not pass nothing is
// granted, and every key stays byte for byte as it was, but for refunds and for what a clock
// that went back or a new rate make of it. Items that name the same key are charged one after
// the other. A key's life covers the time until its state is empty.
//
// The reply is integers: the time, then for each item allowed, granted, remaining, wait (-1:
// never), until the next unit, and the slot of the grant; times in microseconds.
std::string_view take_script();

// Appends the call's arguments behind the keys, one string of 74 bytes each. `at`:
// microseconds since 1970 instead of TIME, for tests alone.
void append_arguments(std::vector<std::string>& out, std::span<const Item> items,
    std::optional<Microseconds> at = std::nullopt);

// False if the reply is not one of ours. `answers` has the size of the items.
bool read_answers(std::span<const std::int64_t> reply, std::span<Answer> answers);

// Corrections that ask nothing: returns of units, and how many permits a holder has now
// (which also keeps them alive: a holder that says nothing for 15 s has none). The number
// replaces what is noted, so it includes permits that were asked for before on the same
// connection and are not answered yet. The reply is to be ignored.
struct Correction {
    Terms terms;
    Refund refund;
    std::optional<std::int64_t> held;  // concurrent: the holder's count now
    std::uint64_t holder = 0;
};
inline constexpr Seconds permit_lifetime{15};
std::string_view settle_script();
void append_arguments(std::vector<std::string>& out, std::span<const Correction> corrections,
    std::optional<Microseconds> at = std::nullopt);

// What a counter holds, changed by nothing. The reply is as for take (decision.allowed:
// whether one unit would pass), items with wanted = 1.
std::string_view inspect_script();

}  // namespace orggate::limit
