// Who waits for which reply of one connection: first in, first out, each with a deadline.
// Pure bookkeeping, time is an argument. Replies come in the order of the commands, so a
// place whose waiter gave up stays until its reply has come and gone: a late reply can never
// answer somebody else.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace orggate::redis {

class ReplyWait;

class Pipeline {
public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::size_t most_commands = 4096, most_bytes = 1u << 20;

    bool has_room(std::size_t bytes) const
    {
        return places_.size() < most_commands && bytes <= most_bytes - bytes_;
    }
    bool is_empty() const { return places_.empty(); }
    std::size_t size() const { return places_.size(); }

    struct Entry {
        ReplyWait* who = nullptr;  // null: nobody waits
        std::size_t bytes = 0;     // of the command
        int replies = 1;           // the last is the answer
        Time asked{}, deadline{};
    };
    // Only while there is room.
    void push(const Entry& entry);
    // All that was pushed so far has been given to the socket: it may run from now on.
    void note_written();

    // A reply has come.
    struct Arrival {
        enum class Kind { unasked, preliminary, answer } kind = Kind::unasked;
        ReplyWait* who = nullptr;  // of an answer; null if nobody waits any more
        Time asked{};
    };
    Arrival arrive();

    // Those whose deadline has passed, once each; they wait no longer.
    std::vector<ReplyWait*> expire(Time now);

    // Everybody out: the connection is gone.
    struct Left {
        ReplyWait* who;
        bool was_written;
    };
    std::vector<Left> clear();  // of those who waited

    // The earliest deadline of those who wait; none: nobody does.
    std::optional<Time> next_deadline() const;
    // When the oldest command without an answer was asked, whoever waits for it.
    std::optional<Time> oldest() const;

private:
    std::deque<Entry> places_;
    std::size_t bytes_ = 0;
    std::size_t unwritten_ = 0;  // places at the back
};

}  // namespace orggate::redis
