#include "observe/line_queue.hpp"

#include <functional>
#include <thread>

namespace orggate::observe {

namespace {

constexpr std::size_t kept_memory = 256u << 10;  // per buffer, after a burst

}  // namespace

LineQueue::News LineQueue::put(std::string_view line)
{
    const std::size_t bytes = line.size() + 1;
    const std::size_t before = waiting_.fetch_add(bytes);
    if (before + bytes > capacity_) {
        waiting_.fetch_sub(bytes);
        dropped_.fetch_add(1, std::memory_order_relaxed);
        return News::none;
    }
    {
        Shard& shard = shard_of_this_thread();
        const std::lock_guard lock(shard.mutex);
        shard.text.append(line).push_back('\n');
    }
    const std::size_t half = capacity_ / 2;
    if (before < half && before + bytes >= half) return News::urgent;
    return before == 0 ? News::first : News::none;
}

void LineQueue::collect(std::string& into)
{
    for (Shard& shard : shards_) {
        {
            const std::lock_guard lock(shard.mutex);
            spare_.swap(shard.text);
        }
        into.append(spare_);
        spare_.clear();
        if (spare_.capacity() > kept_memory) spare_.shrink_to_fit();
    }
}

LineQueue::Shard& LineQueue::shard_of_this_thread()
{
    // Thread ids are addresses: their low bits are all alike.
    const std::size_t id = std::hash<std::thread::id>()(std::this_thread::get_id());
    return shards_[id % shards_.size()];
}

}  // namespace orggate::observe
