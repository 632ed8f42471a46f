#include "orggate/limit/local.hpp"

#include "limit/shard.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace orggate::limit {

namespace {

// Enough that workers seldom meet, few enough that the shards fill evenly.
constexpr std::size_t most_shards = 16;
constexpr std::size_t least_counters_per_shard = 1024;

std::size_t shards_for(std::size_t capacity)
{
    const std::size_t wanted = std::bit_floor(capacity / least_counters_per_shard);
    return std::clamp<std::size_t>(wanted, 1, most_shards);
}

bool is_same_counter(const Check& a, const Check& b)
{
    return a.limit == b.limit && a.quota->name == b.quota->name && a.subject == b.subject;
}

// What earlier enforced checks of the same request will take from the same counter:
// each would fit alone, all must fit together.
std::int64_t taken_before(std::span<const Check> checks, std::size_t index)
{
    std::int64_t taken = 0;
    for (std::size_t i = 0; i < index; ++i)
        if (checks[i].enforced && is_same_counter(checks[i], checks[index]))
            taken += std::max<std::int64_t>(checks[i].weight, 0);
    return taken;
}

Decision check_counter(Counter* counter, const Check& check, std::int64_t taken, Microseconds now)
{
    const std::int64_t weight = check.weight + taken;
    return counter ? counter->window.check(*check.quota, weight, now)
                   : Window().check(*check.quota, weight, now);
}

Decision charge_counter(Counter& counter, const Check& check, Microseconds now)
{
    counter.length = check.quota->window;
    return counter.window.charge(*check.quota, check.weight, now);
}

}  // namespace

// One request's checks, with the shards they lie in locked.
struct LocalTable::Request {
    struct Place {
        Shard* shard = nullptr;
        std::uint64_t hash = 0;
        Counter* counter = nullptr;
    };

    Request(LocalTable& table, std::span<const Check> wanted, std::span<Decision> answers,
        Microseconds at);
    ~Request();
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    bool all_enforced_fit();  // answers every check
    bool make_room();         // false: the table is full
    void charge_enforced();
    void charge_shadow();

    LocalTable& table;
    std::span<const Check> checks;
    std::span<Decision> decisions;
    Microseconds now;

private:
    void locate();
    std::size_t missing_in(const Shard* shard) const;

    std::array<Place, 8> few_;
    std::vector<Place> many_;
    std::span<Place> places_;
    std::uint32_t locked_ = 0;  // one bit per shard
    bool all_known_ = true;     // no enforced check lacks its counter
    static_assert(most_shards <= 32);
};

LocalTable::Request::Request(
    LocalTable& table_, std::span<const Check> wanted, std::span<Decision> answers, Microseconds at)
    : table(table_), checks(wanted), decisions(answers), now(at)
{
    if (checks.size() > few_.size()) many_.resize(checks.size());
    places_ = many_.empty() ? std::span(few_).first(checks.size()) : std::span(many_);
    locate();
    // Always in index order, or two requests could wait for each other.
    for (std::size_t i = 0; i < table.shard_count_; ++i)
        if (locked_ >> i & 1) table.shards_[i].mutex.lock();
}

LocalTable::Request::~Request()
{
    for (std::size_t i = 0; i < table.shard_count_; ++i)
        if (locked_ >> i & 1) table.shards_[i].mutex.unlock();
}

void LocalTable::Request::locate()
{
    for (std::size_t i = 0; i < checks.size(); ++i) {
        const bool same = i > 0 && checks[i].subject == checks[i - 1].subject;
        places_[i].hash = same ? places_[i - 1].hash : keyed_hash(table.key_, checks[i].subject);
        // The map takes the hash modulo a prime: the top bits are free for the shard.
        const std::size_t index = (places_[i].hash >> 59) & (table.shard_count_ - 1);
        places_[i].shard = &table.shards_[index];
        locked_ |= 1u << index;
    }
}

bool LocalTable::Request::all_enforced_fit()
{
    bool fit = true;
    for (std::size_t i = 0; i < checks.size(); ++i) {
        Place& place = places_[i];
        place.counter = place.shard->find(checks[i], place.hash);
        const std::int64_t taken = checks[i].enforced && i > 0 ? taken_before(checks, i) : 0;
        decisions[i] = check_counter(place.counter, checks[i], taken, now);
        if (!checks[i].enforced) continue;
        fit = fit && decisions[i].allowed;
        all_known_ = all_known_ && place.counter;
    }
    return fit;
}

std::size_t LocalTable::Request::missing_in(const Shard* shard) const
{
    std::size_t missing = 0;
    for (std::size_t i = 0; i < checks.size(); ++i)
        missing += checks[i].enforced && places_[i].shard == shard && !places_[i].counter;
    return missing;
}

bool LocalTable::Request::make_room()
{
    if (all_known_) return true;
    for (const Place& place : places_)
        if (const std::size_t missing = missing_in(place.shard))
            place.shard->collect(missing, table.capacity_per_shard_, now);
    // Collecting may have evicted, being empty, what was found before: look again.
    for (std::size_t i = 0; i < checks.size(); ++i)
        places_[i].counter = places_[i].shard->find(checks[i], places_[i].hash);
    return std::all_of(places_.begin(), places_.end(), [this](const Place& place) {
        return place.shard->counters + missing_in(place.shard) <= table.capacity_per_shard_;
    });
}

void LocalTable::Request::charge_enforced()
{
    for (std::size_t i = 0; i < checks.size(); ++i) {
        if (!checks[i].enforced) continue;
        // Adding one counter may move the subject's others.
        Counter& counter = all_known_ ? *places_[i].counter
                                      : places_[i].shard->find_or_add(checks[i], places_[i].hash);
        decisions[i] = charge_counter(counter, checks[i], now);
    }
}

// After the enforced ones: a check in shadow never takes the room of one that counts.
void LocalTable::Request::charge_shadow()
{
    for (std::size_t i = 0; i < checks.size(); ++i) {
        if (checks[i].enforced || !decisions[i].allowed) continue;
        Shard& shard = *places_[i].shard;
        if (!shard.find(checks[i], places_[i].hash)) {
            shard.collect(1, table.capacity_per_shard_, now);
            if (shard.counters >= table.capacity_per_shard_) continue;
        }
        Counter& counter = shard.find_or_add(checks[i], places_[i].hash);
        decisions[i] = counter.window.check(*checks[i].quota, checks[i].weight, now);
        if (decisions[i].allowed) decisions[i] = charge_counter(counter, checks[i], now);
    }
}

LocalTable::LocalTable(HashKey key, std::size_t capacity)
    : key_(key),
      shard_count_(shards_for(capacity)),
      capacity_per_shard_((capacity + shard_count_ - 1) / shard_count_),
      shards_(std::make_unique<Shard[]>(shard_count_))
{
}

LocalTable::~LocalTable() = default;

Result<void> LocalTable::take(
    std::span<const Check> checks, std::span<Decision> decisions, Instant now)
{
    const auto at = std::chrono::floor<Microseconds>(now.steady.time_since_epoch());
    Request request(*this, checks, decisions, at);
    if (!request.all_enforced_fit()) return {};
    if (!request.make_room()) return Denial::limiter_unavailable;
    request.charge_enforced();
    request.charge_shadow();
    return {};
}

std::size_t LocalTable::size() const
{
    std::size_t total = 0;
    for (std::size_t i = 0; i < shard_count_; ++i) {
        const std::lock_guard lock(shards_[i].mutex);
        total += shards_[i].counters;
    }
    return total;
}

std::size_t LocalTable::evictions() const
{
    std::size_t total = 0;
    for (std::size_t i = 0; i < shard_count_; ++i) {
        const std::lock_guard lock(shards_[i].mutex);
        total += shards_[i].evicted;
    }
    return total;
}

}  // namespace orggate::limit
