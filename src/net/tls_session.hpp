// TLS over a non-blocking descriptor, as plain steps: each call does what it can now
// and says what it waits for. OpenSSL reads and writes the descriptor itself, so that an
// idle session holds no buffers (Asio's ssl::stream keeps 34 KiB for each).

#pragma once

#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/tls_name.hpp"

struct ssl_st;  // OpenSSL's SSL

namespace orggate::net {

enum class Want { nothing, readable, writable };

// What OpenSSL's reads and writes go to.
struct Wire {
    int descriptor = -1;
    bool at_end = false;
};

class Tls {
public:
    enum class Side { server, client };
    // `descriptor` stays the caller's.
    Tls(boost::asio::ssl::context& context, int descriptor, Side side);
    ~Tls();

    struct Step {
        Want want = Want::nothing;  // nothing: it is over, see `error` and `bytes`
        boost::system::error_code error;
        std::size_t bytes = 0;
    };
    // Before the handshake. As SNI; empty: none. False: it can't be one.
    bool send_sni(const std::string& server_name);
    // Before the handshake: whom the peer's certificate must name, beside what the context
    // demands. False: no such name can be checked for.
    bool expect_peer(const PeerName& name);
    Step handshake();
    Step read(std::span<char> buffer);
    Step write(std::string_view bytes);
    Step shutdown();  // sends close_notify

    // Whether data, the end or an error is there; takes in session tickets on the way.
    bool has_something_to_read();

    // The descriptor is about to be closed, and its number may be another's afterwards.
    void detach();

private:
    Step after(int result);

    struct Free {
        void operator()(ssl_st* ssl) const;
    };
    Wire wire_;
    std::unique_ptr<ssl_st, Free> ssl_;
    bool broken_ = false;
};

}  // namespace orggate::net
