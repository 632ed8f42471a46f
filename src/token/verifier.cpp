#include "orggate/token/verifier.hpp"

#include "orggate/keyed_hash.hpp"

#include <list>
#include <unordered_map>
#include <utility>

namespace orggate::token {

namespace {

// The end of a token is its signature: as good as random, and no two good tokens share it.
constexpr std::size_t hashed_tail = 32;

struct AsItIs {
    std::size_t operator()(std::uint64_t hash) const { return hash; }
};

HashKey hash_key(std::uint64_t seed)
{
    return {seed, seed * 0x9E3779B97F4A7C15U + 1};
}

}  // namespace

struct Verifier::Entries {
    struct Entry {
        std::uint64_t hash;
        std::string compact;
        std::shared_ptr<const Session> session;
    };
    using ByUse = std::list<Entry>;

    HashKey key;
    std::size_t capacity;
    ByUse by_use;  // the latest first
    std::unordered_map<std::uint64_t, ByUse::iterator, AsItIs> by_hash;
    std::uint64_t hits = 0, misses = 0;

    std::uint64_t hash(std::string_view compact) const
    {
        const auto tail = compact.size() > hashed_tail ? compact.size() - hashed_tail : 0;
        return keyed_hash(key, compact.substr(tail));
    }

    Entry* find(std::uint64_t hash_of, std::string_view compact)
    {
        const auto found = by_hash.find(hash_of);
        if (found == by_hash.end() || found->second->compact != compact) return nullptr;
        return &*found->second;
    }

    void touch(std::uint64_t hash_of)
    {
        by_use.splice(by_use.begin(), by_use, by_hash.find(hash_of)->second);
    }

    void drop(std::uint64_t hash_of)
    {
        const auto found = by_hash.find(hash_of);
        if (found == by_hash.end()) return;
        by_use.erase(found->second);
        by_hash.erase(found);
    }

    void keep(Entry entry)
    {
        if (capacity == 0) return;
        drop(entry.hash);  // another token of the same hash
        if (by_use.size() >= capacity) drop(by_use.back().hash);
        by_use.push_front(std::move(entry));
        by_hash.emplace(by_use.front().hash, by_use.begin());
    }
};

Verifier::Verifier(std::shared_ptr<const KeySet> keys, Expectations expected, std::uint64_t seed,
    std::size_t capacity)
    : keys_(std::move(keys)), expected_(std::move(expected)), entries_(std::make_unique<Entries>())
{
    entries_->key = hash_key(seed);
    entries_->capacity = capacity;
}

Verifier::~Verifier() = default;
Verifier::Verifier(Verifier&&) noexcept = default;
Verifier& Verifier::operator=(Verifier&&) noexcept = default;

Result<std::shared_ptr<const Session>> Verifier::verify(std::string_view compact, Instant now)
{
    if (!keys_) return Denial::keys_unavailable;
    const auto hash = entries_->hash(compact);
    if (auto* entry = entries_->find(hash, compact)) {
        ++entries_->hits;
        const auto checked = check_times(*entry->session, expected_.clock_skew, now);
        if (checked) {
            entries_->touch(hash);
            return entry->session;
        }
        entries_->drop(hash);
        return checked.error();
    }
    ++entries_->misses;
    auto session = token::verify(compact, *keys_, expected_, now);
    if (session) entries_->keep({hash, std::string(compact), *session});
    return session;
}

std::shared_ptr<const Session> Verifier::recall(std::string_view compact) const
{
    const auto* entry = entries_->find(entries_->hash(compact), compact);
    return entry == nullptr ? nullptr : entry->session;
}

std::uint64_t Verifier::hits() const
{
    return entries_->hits;
}
std::uint64_t Verifier::misses() const
{
    return entries_->misses;
}

}  // namespace orggate::token
