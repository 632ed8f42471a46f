// One coroutine waits, another tells it to go on. One io_context, not thread-safe.

#pragma once

#include "orggate/awaitable.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace orggate::net {

class Signal {
public:
    explicit Signal(Executor executor) : timer_(executor, Timer::time_point::max()) {}

    // Returns once set() has been called, also if that was before.
    Awaitable<void> wait();
    void set();
    bool is_set() const { return set_; }

private:
    using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
        boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;
    Timer timer_;
    bool set_ = false;
};

}  // namespace orggate::net
