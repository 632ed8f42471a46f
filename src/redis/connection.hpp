// One connection to a Redis server: opened, used one question at a time, closed. For set-up
// and for Sentinels; the pipelined life of a data connection is node.hpp's.
// One io_context, not thread-safe.

#pragma once

#include "orggate/net/stream.hpp"
#include "orggate/redis/store.hpp"
#include "redis/command.hpp"
#include "redis/wire.hpp"

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace orggate::redis {

// host:port or unix:/path, for log lines.
std::string text_of(const config::Address& address);

// What a server said, for the log: at most 200 bytes, and '?' for what does not print.
std::string told(std::string_view text);

// What went wrong, in words for the log: short, never a credential.
struct Trouble {
    Failure failure = Failure::none;
    std::string reason;
    explicit operator bool() const { return failure != Failure::none; }
};

class Connection {
public:
    Connection(net::Deadlines& deadlines, Clock time);

    // Connects within 250 ms (1 s for a name, that must be resolved), then shakes hands
    // within 1 s unless `tls` is null: with a server of the address's host, if `tls` expects
    // no name of its own. Small writes go out at once; a peer that is gone is noticed
    // (keepalive 30 s, TCP_USER_TIMEOUT 5 s).
    Awaitable<Trouble> open(config::Address address, net::ClientContext* tls);

    // The last reply to the command. An error reply is an Outcome with Failure::none; after
    // any failure the connection is of no use (see reason()).
    // Not while another ask() or receive() waits.
    Awaitable<Outcome> ask(Command command, Milliseconds deadline);
    // In two steps: several questions in one write, then their replies, one by one.
    // Also for what is pushed to a subscriber. timed_out: may be called again.
    Awaitable<Failure> send(std::string bytes, Milliseconds deadline);
    Awaitable<Outcome> receive(Milliseconds deadline);

    // Ends every wait on it.
    void close();
    bool is_open() const { return stream_ != nullptr && stream_->is_open(); }
    // Why it failed, in words.
    const std::string& reason() const { return reason_; }

    Clock clock() const { return clock_; }
    net::Stream& stream() { return *stream_; }
    Reader& reader() { return reader_; }
    // Where to read into, for who reads by itself.
    std::span<char> room() { return buffer_; }

private:
    Outcome failed(const boost::system::error_code& error);

    net::Deadlines& deadlines_;
    Clock clock_;
    std::unique_ptr<net::Stream> stream_;
    Reader reader_;
    std::array<char, 16 * 1024> buffer_;
    std::string reason_;
    bool is_closed_ = false;
};

}  // namespace orggate::redis
