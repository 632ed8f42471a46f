#include "orggate/observe/counters.hpp"

#include "observe/organisations.hpp"

namespace orggate::observe {

namespace {

constexpr auto bounds_us = [] {
    std::array<std::int64_t, Histogram::bounds.size()> bounds{};
    for (std::size_t i = 0; i < bounds.size(); ++i)
        bounds[i] = static_cast<std::int64_t>(Histogram::bounds[i] * 1e6 + 0.5);
    return bounds;
}();

// The sketch is the more exact the more it keeps beyond what is shown.
constexpr std::size_t kept_per_shown = 4;

}  // namespace

void Histogram::observe(Microseconds duration)
{
    const std::int64_t us = duration.count() < 0 ? 0 : duration.count();
    std::size_t bucket = 0;
    while (bucket < bounds_us.size() && us > bounds_us[bucket])
        ++bucket;
    buckets[bucket].add();
    sum_us.add(static_cast<std::uint64_t>(us));
}

Counters::Counters(const CounterNames& names)
    : routes(names.routes.size()), upstreams(names.upstreams.size()), limits(names.limits.size())
{
    if (names.org_labels != CounterNames::OrgLabels::off)
        organisations_ = std::make_unique<Organisations>(names.org_top * kept_per_shown);
}

Counters::~Counters() = default;

void Counters::count_org(std::string_view org_id, bool refused_request)
{
    if (!organisations_) return;
    const std::lock_guard lock(organisations_->mutex);
    organisations_->top.count(org_id, refused_request);
}

}  // namespace orggate::observe
