// The unread bytes of a stream. What has been consumed stays in place until the next
// fill, so that views of a message head hold while its request is served.
// One io_context, not thread-safe.

#pragma once

#include "orggate/net/stream.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace orggate::net {

class Input {
public:
    // `resting` bytes are kept between messages, `working` while one is read; a
    // buffer that is still full doubles.
    Input(Stream& stream, std::size_t resting, std::size_t working);

    std::string_view unread() const { return {data_.get() + begin_, end_ - begin_}; }
    void consume(std::size_t bytes) { begin_ += bytes; }

    // Appends at least one byte, or an error. Unread bytes may move.
    Awaitable<Transfer> fill(Milliseconds deadline);

    // Bytes somebody else has read from the stream: they follow the unread ones, and
    // become visible with the next settle().
    void push_back(std::string_view bytes) { behind_.append(bytes); }

    // The message is over: views into it end. Gives back memory a resting connection does
    // not need.
    void settle();

private:
    void reserve(std::size_t capacity);

    Stream& stream_;
    std::size_t resting_, working_;
    std::unique_ptr<char[]> data_;
    std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
    std::string behind_;
};

}  // namespace orggate::net
