#include "net/tls_session.hpp"

#include "orggate/net/tls.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <new>

namespace orggate::net {

namespace {

int as_length(std::size_t size)
{
    return static_cast<int>(
        std::min<std::size_t>(size, static_cast<std::size_t>(std::numeric_limits<int>::max())));
}

bool is_temporary(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

// OpenSSL's own socket BIO uses write(), which raises SIGPIPE when the peer is gone.
int write_wire(BIO* bio, const char* data, int size)
{
    const auto* wire = static_cast<Wire*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const ssize_t sent =
        ::send(wire->descriptor, data, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && is_temporary(errno)) BIO_set_retry_write(bio);
    return static_cast<int>(sent);
}

int read_wire(BIO* bio, char* data, int size)
{
    auto* wire = static_cast<Wire*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const ssize_t got =
        ::recv(wire->descriptor, data, static_cast<std::size_t>(size), MSG_DONTWAIT);
    if (got < 0 && is_temporary(errno)) BIO_set_retry_read(bio);
    if (got == 0) wire->at_end = true;
    return static_cast<int>(got);
}

long control_wire(BIO* bio, int command, long, void*)
{
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return static_cast<Wire*>(BIO_get_data(bio))->at_end;
    return 0;
}

const BIO_METHOD* make_wire_method()
{
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "orggate wire");
    if (made == nullptr) throw std::bad_alloc();
    BIO_meth_set_write(made, &write_wire);
    BIO_meth_set_read(made, &read_wire);
    BIO_meth_set_ctrl(made, &control_wire);
    return made;
}

const BIO_METHOD* wire_method()
{
    static const BIO_METHOD* method = make_wire_method();
    return method;
}

}  // namespace

void Tls::Free::operator()(ssl_st* ssl) const
{
    SSL_free(ssl);
}

Tls::Tls(boost::asio::ssl::context& context, int descriptor, Side side)
    : wire_{descriptor}, ssl_(SSL_new(context.native_handle()))
{
    BIO* bio = BIO_new(wire_method());
    if (ssl_ == nullptr || bio == nullptr) {
        BIO_free(bio);
        throw std::bad_alloc();
    }
    BIO_set_data(bio, &wire_);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
    // Whole records with one call instead of a header and then the rest.
    SSL_set_read_ahead(ssl_.get(), 1);
    if (side == Side::server)
        SSL_set_accept_state(ssl_.get());
    else
        SSL_set_connect_state(ssl_.get());
}

Tls::~Tls() = default;

bool Tls::send_sni(const std::string& server_name)
{
    if (server_name.empty()) return true;
    return SSL_set_tlsext_host_name(ssl_.get(), server_name.c_str()) == 1;
}

bool Tls::expect_peer(const PeerName& name)
{
    return expect(SSL_get0_param(ssl_.get()), name) && send_sni(name.sni());
}

Tls::Step Tls::handshake()
{
    ERR_clear_error();
    Step step = after(SSL_do_handshake(ssl_.get()));
    const long verdict = SSL_get_verify_result(ssl_.get());
    if (step.error && verdict != X509_V_OK)
        step.error.assign(static_cast<int>(verdict), certificate_category());
    return step;
}

Tls::Step Tls::read(std::span<char> buffer)
{
    ERR_clear_error();
    return after(SSL_read(ssl_.get(), buffer.data(), as_length(buffer.size())));
}

Tls::Step Tls::write(std::string_view bytes)
{
    ERR_clear_error();
    return after(SSL_write(ssl_.get(), bytes.data(), as_length(bytes.size())));
}

Tls::Step Tls::shutdown()
{
    // OpenSSL forbids it after a failure, and it would fail inside a handshake.
    if (broken_ || !SSL_is_init_finished(ssl_.get())) return {};
    ERR_clear_error();
    const int result = SSL_shutdown(ssl_.get());
    if (result == 0) return {};  // ours is sent; the peer's is not waited for
    return after(result);
}

bool Tls::has_something_to_read()
{
    if (broken_) return true;
    ERR_clear_error();
    char byte = 0;
    return after(SSL_peek(ssl_.get(), &byte, 1)).want != Want::readable;
}

void Tls::detach()
{
    wire_.descriptor = -1;
}

Tls::Step Tls::after(int result)
{
    Step step;
    const int system = errno;
    const int reason = SSL_get_error(ssl_.get(), result);
    if (reason == SSL_ERROR_NONE) step.bytes = static_cast<std::size_t>(result);
    if (reason == SSL_ERROR_WANT_READ) step.want = Want::readable;
    if (reason == SSL_ERROR_WANT_WRITE) step.want = Want::writable;
    if (reason == SSL_ERROR_ZERO_RETURN) step.error = boost::asio::error::eof;
    if (reason != SSL_ERROR_SSL && reason != SSL_ERROR_SYSCALL) return step;

    broken_ = true;
    const unsigned long first = ERR_get_error();
    if (ERR_GET_LIB(first) == ERR_LIB_SSL &&
        ERR_GET_REASON(first) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        step.error = boost::asio::ssl::error::stream_truncated;
    else if (reason == SSL_ERROR_SYSCALL && first == 0)
        step.error.assign(system != 0 ? system : EIO, boost::system::system_category());
    else
        step.error.assign(static_cast<int>(first), boost::asio::error::get_ssl_category());
    return step;
}

}  // namespace orggate::net
