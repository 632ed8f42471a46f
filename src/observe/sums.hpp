// What the workers counted, summed into samples.
// Pure.

#pragma once

#include "observe/exposition.hpp"
#include "orggate/observe/counters.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orggate::observe {

using Workers = std::vector<const Counters*>;

// `get` picks one counter of a worker.
template <class Get>
std::uint64_t sum(const Workers& workers, Get get)
{
    std::uint64_t total = 0;
    for (const Counters* worker : workers)
        total += get(*worker).value();
    return total;
}

// `get` picks one histogram of a worker. Cumulative, as the format wants it. An empty key:
// no label but the bound.
template <class Get>
void append_histogram(
    Exposition& out, const Workers& workers, std::string_view key, std::string_view label, Get get)
{
    std::uint64_t below = 0;
    std::string bound;
    const auto sample = [&](auto value, std::string_view suffix) {
        key.empty() ? out.sample(value, {}, suffix) : out.sample(value, {{key, label}}, suffix);
    };
    for (std::size_t i = 0; i <= Histogram::bounds.size(); ++i) {
        below += sum(
            workers, [&](const Counters& c) -> auto& { return get(c).buckets[i]; });
        bound.clear();
        if (i < Histogram::bounds.size()) {
            append_number(bound, Histogram::bounds[i]);
        } else {
            bound = "+Inf";
        }
        key.empty() ? out.sample(below, {{"le", bound}}, "_bucket")
                    : out.sample(below, {{key, label}, {"le", bound}}, "_bucket");
    }
    const auto us = sum(
        workers, [&](const Counters& c) -> auto& { return get(c).sum_us; });
    sample(static_cast<double>(us) / 1e6, "_sum");
    sample(below, "_count");
}

}  // namespace orggate::observe
