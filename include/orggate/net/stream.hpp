// One byte stream over TCP, TLS or a unix socket, without templates. Every wait has
// a deadline; errors are values.
// One io_context, not thread-safe.

#pragma once

#include "orggate/awaitable.hpp"
#include "orggate/net/deadlines.hpp"
#include "orggate/time.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/system/error_code.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace orggate::net {

using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, Executor>;

struct Transfer {
    boost::system::error_code error;  // timed_out when the deadline passed
    std::size_t bytes = 0;
};

class Tls;  // a TLS session over a Socket; stream.cpp

class Stream {
public:
    Stream(Socket socket, Deadlines& deadlines);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    // At least one byte, or an error (eof included).
    Awaitable<Transfer> read_some(std::span<char> buffer, Milliseconds deadline);

    // All of it, or an error. The deadline is for progress, not for the whole.
    Awaitable<Transfer> write(std::string_view bytes, Milliseconds deadline);

    // Whether something (bytes, the end, an error) waits to be read, without waiting:
    // a pooled connection must be silent.
    bool has_something_to_read();

    // Ends our side of the stream (FIN; close_notify first under TLS).
    Awaitable<void> shutdown_send(Milliseconds deadline);

    // Ends both sides and every wait on them, at once.
    void close();
    // As close, but the peer sees a reset: an answer that must not look complete.
    void reset();
    bool is_open() const;
    bool is_tls() const { return tls_ != nullptr; }
    std::string peer_address() const;  // textual; empty for unix sockets

    Socket& socket() { return socket_; }

    // TLS over this socket from now on: one of the two, once.
    Awaitable<boost::system::error_code> handshake_as_server(
        class ServerContext& context, Milliseconds deadline);
    Awaitable<boost::system::error_code> handshake_as_client(
        class ClientContext& context, Milliseconds deadline);

private:
    Socket socket_;
    Deadline read_deadline_, write_deadline_;
    std::unique_ptr<Tls> tls_;
};

}  // namespace orggate::net
