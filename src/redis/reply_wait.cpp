#include "redis/reply_wait.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace orggate::redis {

struct Pause::Start {
    Pause* pause;
    void operator()(Handler handler) const
    {
        pause->waiting_.emplace(std::move(handler));
        if (pause->is_resumed_) pause->resume();
    }
};

Awaitable<void> Pause::wait()
{
    const Start start{this};
    return boost::asio::async_initiate<const Token, void()>(start, Token());
}

void Pause::resume()
{
    is_resumed_ = !waiting_.has_value();
    if (is_resumed_) return;
    Handler handler = std::move(*waiting_);
    waiting_.reset();
    boost::asio::post(std::move(handler));
}

}  // namespace orggate::redis
