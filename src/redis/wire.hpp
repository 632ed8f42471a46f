// Bytes of a RESP2 stream as replies. hiredis reads them, the values are ours, and a server
// is not trusted with our memory: what is above a limit breaks the stream.
// Pure, no socket. RESP3 is not spoken: never send HELLO 3.

#pragma once

#include "orggate/redis/store.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

namespace orggate::redis {

class Reader {
public:
    static constexpr std::size_t most_unread = 1u << 20;  // bytes of an unfinished reply
    static constexpr std::size_t most_bulk = 512u << 10;  // bytes of one string
    static constexpr std::size_t most_text = 1u << 20;    // bytes of all strings of a reply
    static constexpr std::size_t most_elements = 16'384;  // of all arrays of a reply
    static constexpr int most_levels = 7;                 // arrays within arrays

    Reader();
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    // Call next() until it gives nothing before feeding more.
    void feed(std::string_view bytes);
    // The next whole reply. Nothing: more bytes are needed, or the stream is broken.
    std::optional<Reply> next();
    // Why nothing can be read any more; empty while all is well.
    std::string_view error() const;

private:
    struct Machine;
    std::unique_ptr<Machine> machine_;
};

}  // namespace orggate::redis
