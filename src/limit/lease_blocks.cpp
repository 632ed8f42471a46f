#include "limit/lease_blocks.hpp"

#include <algorithm>

namespace orggate::limit {

std::int64_t LeaseBlocks::add(Block block, Unspent what)
{
    if (block.units <= 0) return 0;
    std::int64_t dropped = 0;
    // Given back before its time: nobody spent it, so nobody is wronged.
    if (blocks_.size() >= most_blocks) {
        const Block oldest = blocks_.front();
        blocks_.erase(blocks_.begin());
        dropped = unspent(oldest, what);
    }
    const auto later = std::upper_bound(blocks_.begin(), blocks_.end(), block.deadline,
        [](Time deadline, const Block& other) { return deadline < other.deadline; });
    blocks_.insert(later, block);
    held_ += block.units;
    return dropped;
}

std::int64_t LeaseBlocks::lapse(Time now, Unspent what)
{
    std::int64_t dropped = 0;
    auto kept = blocks_.begin();
    for (; kept != blocks_.end() && kept->deadline <= now; ++kept)
        dropped += unspent(*kept, what);
    if (kept != blocks_.begin()) blocks_.erase(blocks_.begin(), kept);
    return dropped;
}

std::int64_t LeaseBlocks::lapse_all(Unspent what)
{
    return lapse(Time::max(), what);
}

std::int64_t LeaseBlocks::unspent(const Block& block, Unspent what)
{
    held_ -= block.units;
    return what == Unspent::dropped ? block.units : owe({block.units, block.slot});
}

std::int64_t LeaseBlocks::owe(Refund refund)
{
    if (refund.units <= 0) return 0;
    for (Refund& same : refunds_) {
        if (same.slot != refund.slot) continue;
        same.units += refund.units;
        return 0;
    }
    std::int64_t dropped = 0;
    // The oldest is the first the store forgets by itself.
    if (refunds_.size() >= most_refunds) dropped = take_refund().units;
    refunds_.push_back(refund);
    return dropped;
}

LeaseBlocks::Block LeaseBlocks::spend(std::int64_t weight)
{
    if (blocks_.empty()) return {};
    Block first = blocks_.front();
    first.units = weight;
    held_ -= weight;
    auto at = blocks_.begin();
    for (; weight > 0 && at->units <= weight; ++at)
        weight -= at->units;
    if (weight > 0) at->units -= weight;
    if (at != blocks_.begin()) blocks_.erase(blocks_.begin(), at);
    return first;
}

std::int64_t LeaseBlocks::live(Time now) const
{
    std::int64_t units = held_;
    for (auto at = blocks_.begin(); at != blocks_.end() && at->deadline <= now; ++at)
        units -= at->units;
    return units;
}

Refund LeaseBlocks::take_refund()
{
    if (refunds_.empty()) return {};
    const Refund oldest = refunds_.front();
    refunds_.erase(refunds_.begin());
    return oldest;
}

std::int64_t LeaseBlocks::drop()
{
    std::int64_t dropped = lapse_all(Unspent::dropped);
    for (const Refund& refund : refunds_)
        dropped += refund.units;
    refunds_.clear();
    return dropped;
}

}  // namespace orggate::limit
