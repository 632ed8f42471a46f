// Which organisations ask most, in bounded space: the space-saving sketch.
// Source: Metwally, Agrawal, El Abbadi, "Efficient computation of frequent and top-k
// elements in data streams", 2005.

#pragma once

#include "orggate/observe/counters.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::observe {

class TopOrganisations {
public:
    struct Entry {
        std::string id;
        std::uint64_t hash = 0;
        std::uint64_t rank = 0;  // at least its requests: what it took over when it came in
        std::uint64_t allowed = 0, refused = 0;  // since it came in
    };

    explicit TopOrganisations(std::size_t capacity) : capacity_(capacity) {}

    // The one with the lowest rank gives its place, and its rank, to a newcomer.
    void count(std::string_view id, bool refused);

    const std::vector<Entry>& entries() const { return entries_; }

private:
    Entry& find_or_replace(std::string_view id);

    std::size_t capacity_;
    std::vector<Entry> entries_;
};

// FNV-1a, 64 bits: the same in every process and on every machine.
std::uint64_t stable_hash(std::string_view text);

// Written by the worker, read by whoever scrapes.
struct Counters::Organisations {
    explicit Organisations(std::size_t capacity) : top(capacity) {}

    std::mutex mutex;
    TopOrganisations top;
};

}  // namespace orggate::observe
