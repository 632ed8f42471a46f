#include "orggate/limit/breaker.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace orggate::limit {

namespace {

constexpr int most_failures_in_a_row = 5;
constexpr int wanted_probes = 3;
constexpr std::size_t least_samples = 20;
// More than so many questions a second: the latest of them speak for all.
constexpr std::size_t most_samples = 1024;
constexpr std::chrono::seconds span{1};

constexpr double shortest_ms = 5, first_ceiling_ms = 50, longest_ms = 2000;
constexpr int most_doublings = 6;  // 50 ms doubled so often is above the longest

}  // namespace

bool Breaker::failed(Time now)
{
    if (is_open_) return false;
    add(now, false);
    ++failures_in_a_row_;
    const bool too_many = lately_.size() >= least_samples && 2 * bad_ >= lately_.size();
    return (failures_in_a_row_ >= most_failures_in_a_row || too_many) && open(now);
}

void Breaker::succeeded(Time now)
{
    if (is_open_) return;
    add(now, true);
    failures_in_a_row_ = 0;
}

bool Breaker::probe_succeeded(Time)
{
    if (!is_open_ || ++good_probes_ < wanted_probes) return false;
    *this = Breaker();
    return true;
}

void Breaker::probe_failed(Time)
{
    good_probes_ = 0;
}

bool Breaker::open(Time)
{
    good_probes_ = 0;
    return !std::exchange(is_open_, true);
}

void Breaker::add(Time now, bool good)
{
    while (
        !lately_.empty() && (lately_.front().at <= now - span || lately_.size() >= most_samples)) {
        bad_ -= !lately_.front().good;
        lately_.pop_front();
    }
    lately_.push_back({now, good});
    bad_ += !good;
}

std::chrono::milliseconds backoff(int failures, double unit)
{
    const int doublings = std::clamp(failures, 0, most_doublings);
    const double ceiling = std::min(first_ceiling_ms * (1 << doublings), longest_ms);
    const double delay = std::max(shortest_ms, std::clamp(unit, 0.0, 1.0) * ceiling);
    return std::chrono::milliseconds(std::llround(delay));
}

}  // namespace orggate::limit
