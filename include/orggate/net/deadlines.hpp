// Deadlines for every wait of one worker, with one timer.
//
// A wait sets a time on its own entry; when that time has passed, the entry's owner is
// told to stop (its socket is cancelled). Moving a deadline later costs a store. Late by
// at most 5 ms: all entries are swept together, never more often than that.
// One io_context, not thread-safe.

#pragma once

#include "orggate/awaitable.hpp"
#include "orggate/time.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>

namespace orggate::net {

class Deadlines;

// One owner's place in the list. Neither copied nor moved. May be destroyed at any
// time, also by a function that a sweep calls, also after its Deadlines.
class Deadline {
public:
    explicit Deadline(Deadlines& all);
    ~Deadline();
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;

    // Called once when the time has passed.
    void on_expiry(void (*function)(void*), void* owner);

    // Zero or less has passed already, and is told by the next sweep.
    void set(Milliseconds from_now);
    void clear();
    bool has_expired() const { return expired_; }
    void forget_expiry() { expired_ = false; }

private:
    friend class Deadlines;
    using Time = std::chrono::steady_clock::time_point;
    Deadlines* all_;  // null once that is gone
    Deadline *previous_ = nullptr, *next_ = nullptr;
    Time at_ = Time::max();
    bool expired_ = false;
    void (*function_)(void*) = nullptr;
    void* owner_ = nullptr;
};

class Deadlines {
public:
    explicit Deadlines(Executor executor);
    ~Deadlines();
    Deadlines(const Deadlines&) = delete;
    Deadlines& operator=(const Deadlines&) = delete;

    // Stops the timer, so that the io_context can run out of work. No deadline is
    // told any more.
    void stop();

private:
    friend class Deadline;
    using Time = std::chrono::steady_clock::time_point;
    void expect(Time at);
    void sweep();
    boost::asio::basic_waitable_timer<std::chrono::steady_clock,
        boost::asio::wait_traits<std::chrono::steady_clock>, Executor>
        timer_;
    Deadline* first_ = nullptr;
    Deadline* sweeping_ = nullptr;  // where a running sweep goes on
    Time armed_ = Time::max();
    Time not_before_ = Time::min();  // of the next sweep
    bool stopped_ = false;
    std::shared_ptr<Deadlines*> self_;  // null inside once we are gone
};

}  // namespace orggate::net
