#include "orggate/net/input.hpp"

#include <algorithm>
#include <cstring>

namespace orggate::net {

Input::Input(Stream& stream, std::size_t resting, std::size_t working)
    : stream_(stream), resting_(resting), working_(working)
{
}

Awaitable<Transfer> Input::fill(Milliseconds deadline)
{
    if (begin_ == end_) begin_ = end_ = 0;
    if (end_ == capacity_)
        reserve(std::max({resting_, end_ - begin_ == 0 ? 0 : working_, (end_ - begin_) * 2}));
    std::span<char> room(data_.get() + end_, capacity_ - end_);
    auto transfer = co_await stream_.read_some(room, deadline);
    end_ += transfer.bytes;
    co_return transfer;
}

void Input::settle()
{
    if (!behind_.empty()) {
        if (capacity_ - end_ < behind_.size()) reserve(end_ - begin_ + behind_.size());
        std::memcpy(data_.get() + end_, behind_.data(), behind_.size());
        end_ += behind_.size();
        behind_ = {};
    }
    if (begin_ != end_) return;
    begin_ = end_ = 0;
    if (capacity_ <= resting_) return;
    data_.reset();
    capacity_ = 0;
}

void Input::reserve(std::size_t capacity)
{
    const auto unread = end_ - begin_;
    if (capacity <= capacity_) {
        std::memmove(data_.get(), data_.get() + begin_, unread);
    } else {
        auto larger = std::make_unique_for_overwrite<char[]>(capacity);
        if (unread != 0) std::memcpy(larger.get(), data_.get() + begin_, unread);
        data_ = std::move(larger);
        capacity_ = capacity;
    }
    begin_ = 0;
    end_ = unread;
}

}  // namespace orggate::net
