// One listening socket for the whole process. Every worker accepts on a duplicate of it,
// so that the kernel has one queue and no connection is lost when a worker stops.

#pragma once

#include "orggate/config/config.hpp"

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <cstdint>
#include <string>

namespace orggate::net {

class ListeningSocket {
public:
    // Binds and listens: non-blocking, close-on-exec. The host is numeric or "localhost"
    // (127.0.0.1); "::" takes IPv4 too. A unix socket gets mode 0660; a file
    // that nobody listens on any more is replaced, a live one is an error.
    // The error is for the operator: "cannot listen on 127.0.0.1:80: Permission denied".
    static boost::system::result<ListeningSocket, std::string> open(const config::Address& address);

    ~ListeningSocket();  // closes; removes the unix socket's file if it is still ours
    ListeningSocket(ListeningSocket&& other) noexcept;
    ListeningSocket& operator=(ListeningSocket&&) = delete;

    int native_handle() const { return descriptor_; }
    // AF_INET, AF_INET6 or AF_UNIX
    int family() const { return family_; }
    // Another descriptor of the same socket, the caller's to close; -1 when there are no more.
    int duplicate() const;
    // Where it really listens: "127.0.0.1:43121", "[::]:8080", "unix:/run/app.sock".
    const std::string& address() const { return address_; }
    std::uint16_t port() const { return port_; }  // 0 for a unix socket

private:
    ListeningSocket() = default;
    boost::system::error_code open_tcp(const config::Address& wanted);
    boost::system::error_code open_unix(const std::string& path);
    boost::system::error_code open_any(int family);

    int descriptor_ = -1;
    int family_ = 0;
    std::uint16_t port_ = 0;
    std::string address_;
    std::string file_;  // of a unix socket
    std::uint64_t file_device_ = 0, file_number_ = 0;
};

}  // namespace orggate::net
