#include "orggate/edge/key_wait.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace orggate::edge {
namespace {

constexpr std::size_t most_waiters = 256;
constexpr std::chrono::seconds longest_wait{2};

}  // namespace

KeyWait::KeyWait(Executor executor, std::function<void(const std::string&)> ask)
    : executor_(executor), ask_(std::move(ask))
{
}

Awaitable<void> KeyWait::wait(std::string key_id)
{
    if (waiters_.size() >= most_waiters) co_return;
    const bool is_first =
        std::ranges::none_of(waiters_, [&](const Waiter& w) { return *w.key_id == key_id; });
    Timer timer(executor_, longest_wait);
    waiters_.push_back({&key_id, &timer});
    if (is_first) ask_(key_id);
    constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable_t<Executor>());
    co_await timer.async_wait(token);
    std::erase_if(waiters_, [&](const Waiter& w) { return w.timer == &timer; });
}

void KeyWait::answered(const std::string& key_id)
{
    // They stop counting at once: whoever comes next asks anew.
    std::erase_if(waiters_, [&](const Waiter& waiter) {
        if (*waiter.key_id != key_id) return false;
        waiter.timer->cancel();
        return true;
    });
}

}  // namespace orggate::edge
