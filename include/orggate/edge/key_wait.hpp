// Requests whose token names a key nobody has seen yet: they wait for the one fetch
// that is made for it. Bounded in number and time. One io_context, not thread-safe.

#pragma once

#include "orggate/awaitable.hpp"

#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace orggate::edge {

class KeyWait {
public:
    // `ask` starts a fetch for a key id, or decides against it; either way answered()
    // is called for that id.
    KeyWait(Executor executor, std::function<void(const std::string&)> ask);

    // Returns when the answer has come, after 2 s, or at once when 256 wait already.
    Awaitable<void> wait(std::string key_id);

    void answered(const std::string& key_id);

private:
    using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
        boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;
    struct Waiter {
        const std::string* key_id;
        Timer* timer;
    };
    Executor executor_;
    std::function<void(const std::string&)> ask_;
    std::vector<Waiter> waiters_;
};

}  // namespace orggate::edge
