// One byte stream over TCP, TLS or a unix socket, without templates. Every wait has
// a deadline; errors are values. One coroutine may read while another writes.
// Owns no buffer and no timer: an idle stream costs its socket.
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

class Tls;  // a TLS session over a Socket, private to this folder
enum class Want;

class Stream {
public:
    Stream(Socket socket, Deadlines& deadlines);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    // At least one byte, or an error: eof is the peer's orderly end. A TLS peer that ends
    // without saying so gives ssl::error::stream_truncated instead, so what it sent may be
    // a part. `buffer` is not empty. After timed_out the stream can be used again.
    Awaitable<Transfer> read_some(std::span<char> buffer, Milliseconds deadline);

    // A read that waits ends soon, with timed_out.
    void hurry_read() { read_deadline_.set(Milliseconds{0}); }

    // All of it, or an error and how much went out. The deadline is for progress, not for
    // the whole.
    Awaitable<Transfer> write(std::string_view bytes, Milliseconds deadline);

    // Whether something (bytes, the end, an error) waits to be read, without waiting:
    // a pooled connection must be silent. TLS's own messages (session tickets) do not count.
    bool has_something_to_read();

    // Ends our side of the stream (FIN; close_notify first under TLS).
    Awaitable<void> shutdown_send(Milliseconds deadline);

    // Ends both sides and every wait on them (operation_aborted), at once. Under TLS
    // without close_notify: call shutdown_send first where the end means completeness.
    void close();
    // As close, but the peer sees a reset: an answer that must not look complete.
    void reset();
    bool is_open() const;
    bool is_tls() const { return tls_ != nullptr; }
    // Textual, without port; IPv4 also where it arrived mapped into IPv6. Empty for unix
    // sockets and when the peer is gone.
    std::string peer_address() const;

    Socket& socket() { return socket_; }

    // TLS over this socket from now on: one of the two, once. `deadline` is for the whole
    // handshake. Certificates refused: an error of certificate_category() (tls.hpp).
    Awaitable<boost::system::error_code> handshake_as_server(
        class ServerContext& context, Milliseconds deadline);
    // `host`, whom we asked for, is whom the certificate must name and what goes out as SNI
    // where the context has no name of its own.
    Awaitable<boost::system::error_code> handshake_as_client(
        class ClientContext& context, Milliseconds deadline, const std::string& host = {});

private:
    Awaitable<boost::system::error_code> handshake(Milliseconds deadline);
    Awaitable<Transfer> read_tls(std::span<char> buffer);
    Awaitable<boost::system::error_code> wait_for(Want want, Deadline& deadline);
    boost::system::error_code outcome(boost::system::error_code error, Deadline& deadline);

    Socket socket_;
    Deadline read_deadline_, write_deadline_;
    std::unique_ptr<Tls> tls_;
    unsigned reads_without_wait_ = 0;
};

// Small writes go out at once (TCP_NODELAY); nothing for unix sockets. For whoever
// accepts; connect() has done it.
void send_without_delay(Socket& socket);

}  // namespace orggate::net
