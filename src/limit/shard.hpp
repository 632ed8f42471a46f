// One part of the local table: the counters of the subjects that hash into it.
// Not thread-safe by itself: whoever uses it holds its mutex.

#pragma once

#include "orggate/limit/local.hpp"
#include "orggate/limit/window.hpp"

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace orggate::limit {

struct Counter {
    std::string key;        // limit name, NUL, quota name
    Microseconds length{};  // of the window it was last charged under
    Window window;
};

// A subject with its hash, computed once per request. Owned in the map, borrowed to look up.
template <class Text>
struct Hashed {
    Text id;
    std::uint64_t hash;
};

struct SubjectHash {
    using is_transparent = void;
    template <class Text>
    std::size_t operator()(const Hashed<Text>& subject) const
    {
        return subject.hash;
    }
};

struct SubjectEqual {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const Hashed<A>& a, const Hashed<B>& b) const
    {
        return a.hash == b.hash && a.id == b.id;
    }
};

struct LocalTable::Shard {
    // The counter of this check, or null. No allocation.
    Counter* find(const Check& check, std::uint64_t subject_hash);

    // The counter of this check, added if it is new. May move other counters of the subject.
    Counter& find_or_add(const Check& check, std::uint64_t subject_hash);

    // Evicts empty counters, going round from call to call over a bounded number of
    // subjects, more of them while fewer than `wanted` new ones fit. Counters may move.
    void collect(std::size_t wanted, std::size_t capacity, Microseconds now);

    mutable std::mutex mutex;
    std::size_t counters = 0;
    std::size_t evicted = 0;

private:
    using Counters = std::vector<Counter>;

    void sweep(std::size_t subjects, Microseconds now);
    void drop_empty(Counters& counters, Microseconds now);

    std::unordered_map<Hashed<std::string>, Counters, SubjectHash, SubjectEqual> subjects_;
    std::size_t next_bucket_ = 0;
};

}  // namespace orggate::limit
