// Refusals that are known to hold still, so that a client which goes on hammering costs the
// store nothing. Sound: a refusal of weight n holds for weights of at least n until the
// time at which n units can first fit, counted from before the question was sent.
// Bounded: a new one takes the place of one that nobody asked for lately. One worker, not
// thread-safe.

#pragma once

#include "orggate/keyed_hash.hpp"
#include "orggate/limit/quota.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::limit {

class DenyCache {
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit DenyCache(HashKey key, std::size_t capacity = 1u << 16);
    ~DenyCache();

    // The refusal that still holds, with what is left of its waits and by = deny_cache. For a
    // weight above the one that was refused the wait is the least it can be. No allocation.
    // Only under the terms it was refused under: another plan, another rate asks anew.
    std::optional<Decision> find(
        std::string_view key, std::int64_t weight, Time now, const Terms& terms = {});

    // `sent`: before the question went out, and after the last clear() or forget() of the key:
    // an older answer may be about a count that was reset. `most`: at most so long (leases can
    // free units earlier); max(): no such bound. A wait of max() (the weight never fits) is
    // kept for `most`, at most a minute. Nothing is kept of a wait that is not known (0). While
    // the refusal of a lesser weight holds, that one is kept.
    void note(std::string_view key, std::int64_t weight, const Decision& refusal, Time sent,
        Microseconds most, const Terms& terms = {});

    void forget(std::string_view key);
    void clear();
    std::size_t size() const;
    std::uint64_t hits() const { return hits_; }

private:
    struct Entries;
    std::unique_ptr<Entries> entries_;
    std::uint64_t hits_ = 0;
};

}  // namespace orggate::limit
