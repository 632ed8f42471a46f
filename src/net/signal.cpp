#include "orggate/net/signal.hpp"

#include <boost/asio/as_tuple.hpp>

namespace orggate::net {

Awaitable<void> Signal::wait()
{
    constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable_t<Executor>());
    while (!set_)
        co_await timer_.async_wait(token);
}

void Signal::set()
{
    set_ = true;
    timer_.cancel();
}

}  // namespace orggate::net
