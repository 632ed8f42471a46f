#include "observe/org_metrics.hpp"

#include "observe/organisations.hpp"

#include <algorithm>
#include <map>

namespace orggate::observe {

namespace {

struct Total {
    std::string label;
    std::uint64_t allowed = 0, refused = 0;

    std::uint64_t requests() const { return allowed + refused; }
};

std::string hex(std::uint64_t value)
{
    std::string text(16, '0');
    for (std::size_t i = text.size(); i-- > 0; value >>= 4)
        text[i] = "0123456789abcdef"[value & 15];
    return text;
}

// The busiest first, among equals in the order of their labels: the same page twice.
void keep_busiest(std::vector<Total>& totals, std::size_t count)
{
    std::sort(totals.begin(), totals.end(), [](const Total& a, const Total& b) {
        return a.requests() != b.requests() ? a.requests() > b.requests() : a.label < b.label;
    });
    if (totals.size() > count) totals.resize(count);
}

}  // namespace

void OrgMetrics::append(
    Exposition& out, const CounterNames& names, const std::vector<const Counters*>& workers)
{
    if (names.org_labels == CounterNames::OrgLabels::off) return;
    const bool hashed = names.org_labels == CounterNames::OrgLabels::hashed;
    std::map<std::string, Total> by_label;
    for (const Counters* worker : workers) {
        if (!worker->organisations_) continue;
        const std::lock_guard lock(worker->organisations_->mutex);
        for (const auto& entry : worker->organisations_->top.entries()) {
            std::string label = hashed ? hex(entry.hash) : entry.id;
            Total& total = by_label[label];
            total.label = std::move(label);
            total.allowed += entry.allowed;
            total.refused += entry.refused;
        }
    }
    std::vector<Total> totals;
    for (auto& [label, total] : by_label)
        totals.push_back(std::move(total));
    keep_busiest(totals, names.org_top);
    out.family("org_requests_total", MetricType::counter,
        "Requests of the busiest organisations, since each became one of them.");
    for (const Total& total : totals) {
        out.sample(total.allowed, {{"org", total.label}, {"verdict", "allowed"}});
        out.sample(total.refused, {{"org", total.label}, {"verdict", "refused"}});
    }
}

}  // namespace orggate::observe
