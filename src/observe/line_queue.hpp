// Lines on their way from many threads to the one that writes them. Bounded in bytes;
// a line that does not fit is dropped and counted. Thread-safe; `collect` and `settle` for
// the writing thread.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace orggate::observe {

class LineQueue {
public:
    explicit LineQueue(std::size_t capacity) : capacity_(capacity) {}

    // What a new line means to the writing thread.
    enum class News { none, first, urgent };

    // Adds a newline. `first`: nothing was waiting; `urgent`: half full now.
    News put(std::string_view line);

    // Moves what was put to the end of `into`. It counts as waiting until it is settled.
    void collect(std::string& into);

    // `bytes` of what was collected are written or lost.
    void settle(std::size_t bytes) { waiting_.fetch_sub(bytes); }

    bool is_empty() const { return waiting_.load() == 0; }
    std::uint64_t dropped_lines() const { return dropped_.load(std::memory_order_relaxed); }

private:
    // Threads are spread over some buffers, so that workers seldom meet at a lock.
    struct alignas(64) Shard {
        std::mutex mutex;
        std::string text;
    };

    Shard& shard_of_this_thread();

    const std::size_t capacity_;
    std::array<Shard, 8> shards_;
    std::string spare_;
    alignas(64) std::atomic<std::size_t> waiting_{0};
    std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace orggate::observe
