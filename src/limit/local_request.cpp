#include "limit/local_request.hpp"

#include <algorithm>
#include <limits>

namespace orggate::limit {

namespace {

std::int64_t saturated(std::int64_t sum, std::int64_t weight)
{
    weight = std::max<std::int64_t>(weight, 0);
    return sum > std::numeric_limits<std::int64_t>::max() - weight
               ? std::numeric_limits<std::int64_t>::max()
               : sum + weight;
}

// What earlier enforced checks of the same request will take from the same counter:
// each would fit alone, all must fit together.
std::int64_t taken_before(std::span<const Check> checks, std::size_t index)
{
    std::int64_t taken = 0;
    for (std::size_t i = 0; i < index; ++i)
        if (checks[i].enforced && is_same_counter(checks[i], checks[index]))
            taken = saturated(taken, checks[i].weight);
    return taken;
}

Decision check_counter(Counter* counter, const Terms& terms, std::int64_t weight, Times now)
{
    return counter ? counter->meter.check(terms, weight, now) : Meter().check(terms, weight, now);
}

Decision charge_counter(Counter& counter, const Terms& terms, std::int64_t weight, Times now)
{
    counter.terms = terms;
    Decision decision = counter.meter.charge(terms, weight, now);
    decision.holds_permit = terms.algorithm == Algorithm::concurrent;
    return decision;
}

// No room for the counter, and the operator would rather let pass.
Decision let_pass()
{
    Decision decision;
    decision.allowed = true;
    decision.by = By::open;
    decision.has_numbers = false;
    return decision;
}

}  // namespace

Terms local_terms(const Quota& quota, std::int64_t share)
{
    Terms terms = terms_of(quota, share);
    terms.lease = {};
    return terms;
}

LocalTable::Request::Request(LocalTable& table, std::span<const Check> checks,
    std::span<Decision> decisions, Instant at, std::int64_t share)
    : table_(table), checks_(checks), decisions_(decisions), now_(times_of(at))
{
    if (checks.size() > few_.size()) many_.resize(checks.size());
    places_ = many_.empty() ? std::span(few_).first(checks.size()) : std::span(many_);
    locate(share);
    // Always in index order, or two requests could wait for each other.
    for (std::size_t i = 0; i < table.shard_count_; ++i)
        if (locked_ >> i & 1) table.shards_[i].mutex.lock();
}

LocalTable::Request::~Request()
{
    for (std::size_t i = 0; i < table_.shard_count_; ++i)
        if (locked_ >> i & 1) table_.shards_[i].mutex.unlock();
}

void LocalTable::Request::locate(std::int64_t share)
{
    for (std::size_t i = 0; i < checks_.size(); ++i) {
        Place& place = places_[i];
        const bool same = i > 0 && is_same_holder(checks_[i], checks_[i - 1]);
        place.hash = same ? places_[i - 1].hash : holder_hash(table_.key_, checks_[i]);
        place.terms = local_terms(*checks_[i].quota, share);
        const std::size_t index = table_.shard_index(place.hash);
        place.pool = &table_.shards_[index].pool_of(checks_[i].per);
        locked_ |= 1u << index;
    }
}

bool LocalTable::Request::all_enforced_fit()
{
    bool fit = true;
    for (std::size_t i = 0; i < checks_.size(); ++i) {
        Place& place = places_[i];
        const Check& check = checks_[i];
        place.counter = place.pool->ask(check, place.hash);
        const std::int64_t taken = check.enforced && i > 0 ? taken_before(checks_, i) : 0;
        decisions_[i] =
            check_counter(place.counter, place.terms, saturated(taken, check.weight), now_);
        if (!check.enforced) continue;
        fit = fit && decisions_[i].allowed;
        all_known_ = all_known_ && place.counter;
    }
    return fit;
}

// Whether this check is the first to need a counter that is not there.
bool LocalTable::Request::is_missing(std::size_t index) const
{
    if (!checks_[index].enforced || places_[index].counter) return false;
    for (std::size_t i = 0; i < index; ++i)
        if (checks_[i].enforced && is_same_counter(checks_[i], checks_[index])) return false;
    return true;
}

std::size_t LocalTable::Request::missing_in(const Pool* pool) const
{
    std::size_t missing = 0;
    for (std::size_t i = 0; i < checks_.size(); ++i)
        missing += places_[i].pool == pool && is_missing(i);
    return missing;
}

std::size_t LocalTable::Request::capacity_for(std::size_t index) const
{
    return checks_[index].per == Per::ip ? table_.addresses_per_shard_ : table_.capacity_per_shard_;
}

// An address makes room for itself at the expense of another. A check in shadow does not.
bool LocalTable::Request::may_evict(std::size_t index) const
{
    return checks_[index].per == Per::ip && checks_[index].enforced;
}

void LocalTable::Request::gather_room(std::size_t index, std::size_t wanted)
{
    Pool& pool = *places_[index].pool;
    if (may_evict(index))
        pool.evict(wanted, capacity_for(index), checks_, now_);
    else
        pool.collect(wanted, capacity_for(index), now_);
}

bool LocalTable::Request::make_room()
{
    if (all_known_) return true;
    for (std::size_t i = 0; i < checks_.size(); ++i)
        if (is_missing(i)) gather_room(i, missing_in(places_[i].pool));
    // Collecting may have evicted, being empty, what was found before: look again.
    for (std::size_t i = 0; i < checks_.size(); ++i)
        places_[i].counter = places_[i].pool->find(checks_[i], places_[i].hash);
    // Those that must have room choose first.
    for (const bool may_pass : {false, true})
        for (std::size_t i = 0; i < checks_.size(); ++i) {
            const Check& check = checks_[i];
            if (!check.enforced || (check.on_error == OnError::open) != may_pass) continue;
            if (reserve(i)) continue;
            if (!may_pass) return false;
            places_[i].is_open = true;
            decisions_[i] = let_pass();
        }
    return true;
}

bool LocalTable::Request::reserve(std::size_t index)
{
    Place& place = places_[index];
    if (place.counter) return true;
    std::size_t reserved = 0;
    for (std::size_t i = 0; i < checks_.size(); ++i) {
        if (!places_[i].is_new) continue;
        if (is_same_counter(checks_[i], checks_[index])) return true;
        reserved += places_[i].pool == place.pool;
    }
    // Where nobody could be evicted, all being held, there are no more than requests on their way.
    place.is_new = may_evict(index) || place.pool->counters + reserved < capacity_for(index);
    return place.is_new;
}

void LocalTable::Request::charge_enforced()
{
    for (std::size_t i = 0; i < checks_.size(); ++i) {
        const Place& place = places_[i];
        if (!checks_[i].enforced || place.is_open) continue;
        // Adding one counter may move the holder's others.
        Counter& counter =
            all_known_ ? *place.counter : place.pool->find_or_add(checks_[i], place.hash);
        decisions_[i] = charge_counter(counter, place.terms, checks_[i].weight, now_);
    }
}

// Null: the pool holds `capacity` others.
Counter* LocalTable::Request::find_or_make(std::size_t index, std::size_t capacity)
{
    Pool& pool = *places_[index].pool;
    if (Counter* known = pool.find(checks_[index], places_[index].hash)) return known;
    gather_room(index, 1);
    if (pool.counters >= capacity) return nullptr;
    return &pool.find_or_add(checks_[index], places_[index].hash);
}

// After the enforced ones: a check in shadow never takes the room of one that counts.
void LocalTable::Request::charge_shadow()
{
    for (std::size_t i = 0; i < checks_.size(); ++i) {
        if (checks_[i].enforced || !decisions_[i].allowed) continue;
        Counter* counter = find_or_make(i, capacity_for(i));
        if (!counter) continue;
        const Terms& terms = places_[i].terms;
        decisions_[i] = counter->meter.check(terms, checks_[i].weight, now_);
        if (decisions_[i].allowed)
            decisions_[i] = charge_counter(*counter, terms, checks_[i].weight, now_);
    }
}

void LocalTable::Request::charge_all_by_force()
{
    // A permit always has room, or to give it back would give back another's. There are
    // never more of them than requests on their way.
    constexpr auto no_bound = std::numeric_limits<std::size_t>::max();
    // Before any of them is new.
    for (std::size_t i = 0; i < checks_.size(); ++i)
        places_[i].pool->ask(checks_[i], places_[i].hash);
    for (std::size_t i = 0; i < checks_.size(); ++i) {
        const Terms& terms = places_[i].terms;
        const bool has_room = terms.algorithm == Algorithm::concurrent || may_evict(i);
        if (Counter* counter = find_or_make(i, has_room ? no_bound : capacity_for(i)))
            charge_counter(*counter, terms, checks_[i].weight, now_);
    }
}

}  // namespace orggate::limit
