#include "orggate/net/stream.hpp"

#include "orggate/net/await.hpp"
#include "orggate/net/tls.hpp"

#include "net/tls_session.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <openssl/x509_vfy.h>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <array>
#include <utility>

namespace orggate::net {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

void cancel_socket(void* stream)
{
    // Both directions wake up; the one whose deadline still lasts waits again.
    error_code ignored;
    static_cast<Stream*>(stream)->socket().cancel(ignored);
}

void start(Deadline& deadline, Milliseconds from_now)
{
    deadline.forget_expiry();
    deadline.set(from_now);
}

std::string address_text(const sockaddr_storage& peer)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* bytes = nullptr;
    int family = peer.ss_family;
    if (family == AF_INET) bytes = &reinterpret_cast<const sockaddr_in&>(peer).sin_addr;
    if (family == AF_INET6) {
        const in6_addr& six = reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr;
        const bool is_mapped = IN6_IS_ADDR_V4MAPPED(&six);
        if (is_mapped) family = AF_INET;
        bytes = is_mapped ? &six.s6_addr[12] : &six.s6_addr[0];
    }
    if (bytes == nullptr) return {};
    if (inet_ntop(family, bytes, text.data(), text.size()) == nullptr) return {};
    return text.data();
}

// Nobody can be believed without a name.
Awaitable<error_code> refuse_peer()
{
    co_return error_code(X509_V_ERR_HOSTNAME_MISMATCH, certificate_category());
}

}  // namespace

Stream::Stream(Socket socket, Deadlines& deadlines)
    : socket_(std::move(socket)), read_deadline_(deadlines), write_deadline_(deadlines)
{
    read_deadline_.on_expiry(&cancel_socket, this);
    write_deadline_.on_expiry(&cancel_socket, this);
    error_code ignored;  // a socket that is not open says so when it is used
    socket_.non_blocking(true, ignored);
}

Stream::~Stream() = default;

Awaitable<Transfer> Stream::read_some(std::span<char> buffer, Milliseconds deadline)
{
    start(read_deadline_, deadline);
    Transfer got;
    if (tls_ != nullptr) {
        got = co_await read_tls(buffer);
    } else {
        const auto into = asio::buffer(buffer.data(), buffer.size());
        do {
            auto [error, bytes] = co_await socket_.async_read_some(into, as_values);
            got.error = outcome(error, read_deadline_);
            got.bytes = bytes;
        } while (got.error == asio::error::try_again);
    }
    read_deadline_.clear();
    co_return got;
}

Awaitable<Transfer> Stream::read_tls(std::span<char> buffer)
{
    Transfer got;
    for (;;) {
        const Tls::Step step = tls_->read(buffer);
        got.error = step.error;
        got.bytes = step.bytes;
        if (step.want == Want::nothing) break;
        got.error = co_await wait_for(step.want, read_deadline_);
        if (got.error) co_return got;
        reads_without_wait_ = 0;
    }
    // A peer that is always ahead of us must not keep the others from their turn.
    if (++reads_without_wait_ % 16 == 0) co_await asio::post(socket_.get_executor(), as_values);
    co_return got;
}

Awaitable<Transfer> Stream::write(std::string_view bytes, Milliseconds deadline)
{
    Transfer sent;
    while (!bytes.empty()) {
        Tls::Step step;
        if (tls_ != nullptr) {
            step = tls_->write(bytes);
        } else {
            const auto piece = asio::buffer(bytes.data(), bytes.size());
            step.bytes = socket_.write_some(piece, step.error);
            if (step.error == asio::error::would_block) {
                step.error.clear();
                step.want = Want::writable;
            }
        }
        sent.bytes += step.bytes;
        bytes.remove_prefix(step.bytes);
        sent.error = step.error;
        if (step.want != Want::nothing) {
            start(write_deadline_, deadline);
            sent.error = co_await wait_for(step.want, write_deadline_);
            write_deadline_.clear();
        }
        if (sent.error) break;
    }
    co_return sent;
}

bool Stream::has_something_to_read()
{
    if (!socket_.is_open()) return true;
    if (tls_ != nullptr) return tls_->has_something_to_read();
    char byte = 0;
    const auto got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

Awaitable<void> Stream::shutdown_send(Milliseconds deadline)
{
    if (tls_ != nullptr && socket_.is_open()) {
        start(write_deadline_, deadline);
        error_code error;
        for (Tls::Step step = tls_->shutdown(); step.want != Want::nothing && !error;) {
            error = co_await wait_for(step.want, write_deadline_);
            if (!error) step = tls_->shutdown();
        }
        write_deadline_.clear();
    }
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::close()
{
    if (tls_ != nullptr) tls_->detach();
    error_code ignored;
    socket_.close(ignored);
}

void Stream::reset()
{
    error_code ignored;
    const asio::socket_base::linger at_once(true, 0);
    socket_.set_option(at_once, ignored);
    close();
}

bool Stream::is_open() const
{
    return socket_.is_open();
}

std::string Stream::peer_address() const
{
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    // Asio has no const access to the descriptor.
    const int descriptor = const_cast<Socket&>(socket_).native_handle();
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return {};
    return address_text(peer);
}

Awaitable<error_code> Stream::handshake_as_server(ServerContext& context, Milliseconds deadline)
{
    tls_ = std::make_unique<Tls>(context.native(), socket_.native_handle(), Tls::Side::server);
    return handshake(deadline);
}

Awaitable<error_code> Stream::handshake_as_client(
    ClientContext& context, Milliseconds deadline, const std::string& host)
{
    tls_ = std::make_unique<Tls>(context.native(), socket_.native_handle(), Tls::Side::client);
    const bool has_name = !context.server_name().empty();
    const bool is_named =
        has_name ? tls_->send_sni(context.sni()) : tls_->expect_peer(peer_name(host));
    if (is_named) return handshake(deadline);
    close();
    return refuse_peer();
}

Awaitable<error_code> Stream::handshake(Milliseconds deadline)
{
    start(read_deadline_, deadline);
    Tls::Step step = tls_->handshake();
    while (step.want != Want::nothing) {
        step.error = co_await wait_for(step.want, read_deadline_);
        if (step.error) break;
        step = tls_->handshake();
    }
    read_deadline_.clear();
    co_return step.error;
}

// Ready, closed or too late; a wake-up meant for the other direction is none of these.
Awaitable<error_code> Stream::wait_for(Want want, Deadline& deadline)
{
    const auto kind = want == Want::readable ? Socket::wait_read : Socket::wait_write;
    for (;;) {
        auto [error] = co_await socket_.async_wait(kind, as_values);
        error = outcome(error, deadline);
        if (error != asio::error::try_again) co_return error;
    }
}

// What a wait's end means here: try_again is a cancellation that was not for this wait.
error_code Stream::outcome(error_code error, Deadline& deadline)
{
    if (error != asio::error::operation_aborted) return error;
    if (deadline.has_expired()) return asio::error::timed_out;
    return socket_.is_open() ? asio::error::try_again : asio::error::operation_aborted;
}

void send_without_delay(Socket& socket)
{
    error_code ignored;  // unix sockets have no such option
    const asio::ip::tcp::no_delay at_once(true);
    socket.set_option(at_once, ignored);
}

}  // namespace orggate::net
