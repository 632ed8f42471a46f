// One coroutine waits, another resumes it: the cheap way, without a timer. The resumed one
// runs in a turn of its own, never inside the one that resumes it.
// One io_context, not thread-safe.

#pragma once

#include "orggate/redis/store.hpp"

#include <boost/asio/use_awaitable.hpp>

#include <optional>

namespace orggate::redis {

class Pause {
public:
    // Once resume() has been called, also if that was before. One waiter; may be used again.
    Awaitable<void> wait();
    void resume();

private:
    using Token = boost::asio::use_awaitable_t<Executor>;
    using Handler = boost::asio::async_result<Token, void()>::handler_type;
    struct Start;
    std::optional<Handler> waiting_;
    bool is_resumed_ = false;
};

// Who waits for a reply.
class ReplyWait {
public:
    // Once answered.
    Awaitable<void> wait() { return pause_.wait(); }
    void answer(Outcome outcome)
    {
        outcome_ = std::move(outcome);
        pause_.resume();
    }
    Outcome& outcome() { return outcome_; }

private:
    Pause pause_;
    Outcome outcome_;
};

}  // namespace orggate::redis
