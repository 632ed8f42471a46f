// The one thread that writes: takes lines from the queues and gives them to the sinks.
// Sleeps while there is nothing to write. Thread-safe.

#pragma once

#include "observe/line_queue.hpp"
#include "observe/sink.hpp"
#include "orggate/observe/log.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace orggate::observe {

class LogWriter {
public:
    // Throws std::system_error if the access file can't be opened.
    explicit LogWriter(LogOptions wanted);
    ~LogWriter();
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    void event(Level level, std::string_view message, std::initializer_list<LogField> fields);
    void access(std::string_view line);
    void reopen();
    bool flush(Milliseconds at_most);
    std::uint64_t dropped() const;

    // Writes what is left and ends the thread. What can't be written within `at_most` is
    // dropped. False: the thread hangs and uses this object for good.
    bool stop(Milliseconds at_most);

    const LogOptions options;

private:
    struct Channel {
        explicit Channel(std::size_t capacity) : queue(capacity) {}
        void write();

        LineQueue queue;
        std::optional<Sink> sink;
        std::atomic<std::uint64_t> lost{0};
    };

    void run();
    bool pass();
    void wait();
    void wait_for_bell(int at_most_ms);
    void reopen_access();
    void wake_now();
    void wake();

    Channel access_;
    Channel events_;
    int bell_;  // an eventfd: wakes the thread
    std::atomic<bool> is_urgent_{false};
    std::atomic<bool> wants_reopen_{false};
    std::atomic<bool> is_stopping_{false};
    std::atomic<bool> gives_up_{false};

    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t flushes_asked_ = 0;
    std::uint64_t flushes_done_ = 0;
    bool is_finished_ = false;
    std::thread thread_;
};

}  // namespace orggate::observe
