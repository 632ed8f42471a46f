#include "limit/shard.hpp"

namespace orggate::limit {

namespace {

// Subjects looked at for every new counter, full or not: a counter that became empty is
// found within a few insertions, long before the shard is full.
constexpr std::size_t looked_at_per_insertion = 8;

// And for a new counter in a full shard, before it is refused: some microseconds.
constexpr std::size_t looked_at_when_full = 256;

// Names hold no NUL, so that equal length and both ends leave one way to read the key.
bool is_key(std::string_view key, std::string_view limit, std::string_view quota)
{
    return key.size() == limit.size() + 1 + quota.size() && key.starts_with(limit) &&
           key.ends_with(quota);
}

Counter* find_in(std::vector<Counter>& counters, const Check& check)
{
    for (Counter& counter : counters)
        if (is_key(counter.key, check.limit, check.quota->name)) return &counter;
    return nullptr;
}

Counter make_counter(const Check& check)
{
    Counter counter;
    counter.key.reserve(check.limit.size() + 1 + check.quota->name.size());
    counter.key.append(check.limit).append(1, '\0').append(check.quota->name);
    counter.length = check.quota->window;
    return counter;
}

}  // namespace

Counter* LocalTable::Shard::find(const Check& check, std::uint64_t subject_hash)
{
    const auto found = subjects_.find(Hashed<std::string_view>{check.subject, subject_hash});
    return found == subjects_.end() ? nullptr : find_in(found->second, check);
}

Counter& LocalTable::Shard::find_or_add(const Check& check, std::uint64_t subject_hash)
{
    if (Counter* known = find(check, subject_hash)) return *known;
    Counters& of_subject =
        subjects_.try_emplace(Hashed<std::string>{std::string(check.subject), subject_hash})
            .first->second;
    of_subject.push_back(make_counter(check));
    ++counters;
    return of_subject.back();
}

void LocalTable::Shard::collect(std::size_t wanted, std::size_t capacity, Microseconds now)
{
    sweep(looked_at_per_insertion, now);
    if (counters + wanted > capacity) sweep(looked_at_when_full, now);
}

void LocalTable::Shard::sweep(std::size_t subjects, Microseconds now)
{
    const std::size_t buckets = subjects_.bucket_count();
    std::size_t seen = 0;
    for (std::size_t visited = 0; seen < subjects && visited < 2 * subjects; ++visited) {
        next_bucket_ = (next_bucket_ + 1) % buckets;
        for (auto at = subjects_.begin(next_bucket_); at != subjects_.end(next_bucket_);) {
            auto& [subject, of_subject] = *at++;
            ++seen;
            drop_empty(of_subject, now);
            if (of_subject.empty()) subjects_.erase(subjects_.find(subject));
        }
    }
}

void LocalTable::Shard::drop_empty(Counters& of_subject, Microseconds now)
{
    const std::size_t dropped = std::erase_if(of_subject,
        [now](const Counter& counter) { return counter.window.is_empty(counter.length, now); });
    counters -= dropped;
    evicted += dropped;
}

}  // namespace orggate::limit
