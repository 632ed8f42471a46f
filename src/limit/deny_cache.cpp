#include "orggate/limit/deny_cache.hpp"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

namespace orggate::limit {

namespace {

// Nothing real waits longer; a reply may claim anything.
constexpr Microseconds longest_wait = std::chrono::hours(24 * 400);
constexpr Microseconds longest_never = std::chrono::minutes(1);

// Entries looked at before one must go that was asked for lately.
constexpr std::size_t looked_at = 64;

struct Key {
    std::string text;
    std::uint64_t hash;
};

struct AskedKey {
    std::string_view text;
    std::uint64_t hash;
};

struct KeyHash {
    using is_transparent = void;
    std::size_t operator()(const Key& key) const noexcept { return key.hash; }
    std::size_t operator()(const AskedKey& key) const noexcept { return key.hash; }
};

struct KeyEqual {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const
    {
        return a.hash == b.hash && a.text == b.text;
    }
};

// What is left until `at`, rounded up: never told too early.
Microseconds until(DenyCache::Time at, DenyCache::Time now)
{
    return std::max(std::chrono::ceil<Microseconds>(at - now), Microseconds{});
}

struct Entry {
    // The least weight that is known to be refused.
    std::int64_t weight = std::numeric_limits<std::int64_t>::max();
    DenyCache::Time sent, holds_until, fits_at, next_at;
    std::int64_t remaining = 0;
    Microseconds store_clock{};  // at `sent`
    Terms terms;
    std::size_t place = 0;  // in the ring
    bool never_fits = false;
    bool has_numbers = true;
    bool was_asked = false;  // since the hand came by
};

Entry entry_of(
    std::int64_t weight, const Decision& refusal, DenyCache::Time sent, Microseconds most)
{
    Entry entry;
    entry.weight = weight;
    entry.sent = sent;
    entry.never_fits = refusal.wait == Microseconds::max();
    entry.fits_at = sent + std::min(refusal.wait, longest_wait);
    const Microseconds holds = entry.never_fits ? longest_never : refusal.wait;
    entry.holds_until = sent + std::min({holds, most, longest_wait});
    entry.next_at = sent + std::clamp(refusal.next_unit, Microseconds{}, longest_wait);
    entry.remaining = refusal.remaining;
    entry.has_numbers = refusal.has_numbers;
    entry.store_clock = refusal.store_clock;
    return entry;
}

Decision decision_of(const Entry& entry, DenyCache::Time now)
{
    Decision decision;
    decision.by = By::deny_cache;
    decision.remaining = entry.remaining;
    decision.has_numbers = entry.has_numbers;
    decision.wait = entry.never_fits ? Microseconds::max() : until(entry.fits_at, now);
    decision.next_unit = until(entry.next_at, now);
    // Advanced as far as the waits are shortened, so that the instants named stay the same.
    if (entry.store_clock != Microseconds{})
        decision.store_clock =
            entry.store_clock + std::chrono::floor<Microseconds>(now - entry.sent);
    return decision;
}

}  // namespace

struct DenyCache::Entries {
    using Map = std::unordered_map<Key, Entry, KeyHash, KeyEqual>;

    AskedKey asked(std::string_view text) const { return {text, keyed_hash(secret, text)}; }
    Entry* find(const AskedKey& key);
    Entry& find_or_add(const AskedKey& key, Time now);
    void erase(Map::iterator at);
    void evict_one(Time now);

    HashKey secret;
    std::size_t capacity;
    Map map;
    std::vector<Map::value_type*> ring;  // nodes stay where they are
    std::size_t hand = 0;
};

Entry* DenyCache::Entries::find(const AskedKey& key)
{
    const auto found = map.find(key);
    return found == map.end() ? nullptr : &found->second;
}

Entry& DenyCache::Entries::find_or_add(const AskedKey& key, Time now)
{
    if (Entry* known = find(key)) return *known;
    if (ring.size() >= capacity) evict_one(now);
    const auto added = map.try_emplace(Key{std::string(key.text), key.hash}).first;
    added->second.place = ring.size();
    ring.push_back(&*added);
    return added->second;
}

void DenyCache::Entries::erase(Map::iterator at)
{
    const std::size_t place = at->second.place;
    ring[place] = ring.back();
    ring[place]->second.place = place;
    ring.pop_back();
    map.erase(at);
}

// Second chance: one that was asked for since the hand last came by stays.
void DenyCache::Entries::evict_one(Time now)
{
    for (std::size_t seen = 0;; ++seen) {
        hand = hand + 1 < ring.size() ? hand + 1 : 0;
        Entry& entry = ring[hand]->second;
        const bool stays = std::exchange(entry.was_asked, false) && entry.holds_until > now;
        if (!stays || seen >= looked_at) break;
    }
    erase(map.find(ring[hand]->first));
}

DenyCache::DenyCache(HashKey key, std::size_t capacity) : entries_(std::make_unique<Entries>())
{
    entries_->secret = key;
    entries_->capacity = std::max<std::size_t>(capacity, 1);
}

DenyCache::~DenyCache() = default;

std::optional<Decision> DenyCache::find(
    std::string_view key, std::int64_t weight, Time now, const Terms& terms)
{
    if (entries_->ring.empty()) return std::nullopt;
    Entry* entry = entries_->find(entries_->asked(key));
    if (!entry || entry->holds_until <= now || std::max<std::int64_t>(weight, 0) < entry->weight)
        return std::nullopt;
    if (entry->terms != terms) return std::nullopt;
    entry->was_asked = true;
    ++hits_;
    return decision_of(*entry, now);
}

void DenyCache::note(std::string_view key, std::int64_t weight, const Decision& refusal, Time sent,
    Microseconds most, const Terms& terms)
{
    if (refusal.allowed || refusal.wait <= Microseconds{} || most <= Microseconds{}) return;
    Entry made = entry_of(std::max<std::int64_t>(weight, 0), refusal, sent, most);
    Entry& entry = entries_->find_or_add(entries_->asked(key), sent);
    // What is known of a lesser weight says more.
    const bool says_more = entry.weight < made.weight && entry.terms == terms;
    if (says_more && entry.holds_until > sent) return;
    made.terms = terms;
    made.place = entry.place;
    made.was_asked = entry.was_asked;
    entry = made;
}

void DenyCache::forget(std::string_view key)
{
    const auto found = entries_->map.find(entries_->asked(key));
    if (found != entries_->map.end()) entries_->erase(found);
}

void DenyCache::clear()
{
    entries_->map.clear();
    entries_->ring.clear();
    entries_->hand = 0;
}

std::size_t DenyCache::size() const
{
    return entries_->ring.size();
}

}  // namespace orggate::limit
