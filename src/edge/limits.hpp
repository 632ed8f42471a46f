// The limits of one request: asked, judged, shown, given back.

#pragma once

#include "edge/exchange.hpp"
#include "orggate/edge/station.hpp"
#include "orggate/http/quota_fields.hpp"
#include "orggate/limit/quota.hpp"
#include "orggate/observe/counters.hpp"

#include <span>
#include <string_view>

namespace orggate::edge {

// Before the token is looked at: what `clients` says of this address.
// Refuses: quota_exhausted.
Result<void> ask_clients(Exchange& x, Station& station);

// After it: a token that proved nothing counts as none. Refuses: quota_exhausted.
Result<void> ask_clients_of_nobody(Exchange& x, Station& station);

// The rule's limits per address, charged before the token is read. False: it has none.
bool find_address_limits(Exchange& x);
// Both wait, record the wait, count every answer and note who was refused.
// Refuse: quota_exhausted, limiter_unavailable.
Awaitable<Result<void>> charge_address(Exchange& x, Station& station);
Awaitable<Result<void>> charge_pass(Exchange& x, Station& station);

// Gives back every permit this request holds, once, however often it is called.
void give_back(Exchange& x, Station& station);

// Everything that was asked for this request and answered.
http::Asked asked(const Exchange& x);
// Writes `x.quota_fields`: what an answer says about it.
void write_quota_fields(Exchange& x);

// What one answer counts as. Plain.
observe::LimitOutcome outcome_of(const limit::Check& check, const limit::Decision& decision);
// Whether a check is what made the limiter refuse altogether: it is enforced and says closed,
// or, where none says so (a full table), does not say open. Plain.
bool is_closed(std::span<const limit::Check> checks, const limit::Check& check);

// `counter`, `deny_cache`, …
std::string_view word(limit::By by);

}  // namespace orggate::edge
