// TLS contexts: what we present and whom we believe. TLS 1.2 at least; immutable once made.

#pragma once

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

namespace orggate::net {

// For `listen`. With a client CA, clients must present a certificate of it.
class ServerContext {
public:
    // Throws std::runtime_error naming the file and what is wrong with it.
    ServerContext(const std::string& cert_file, const std::string& key_file,
        const std::string& client_ca_file);
    boost::asio::ssl::context& native() { return context_; }

private:
    boost::asio::ssl::context context_;
};

// Towards an https peer: chain and host name are always verified, SNI is sent.
class ClientContext {
public:
    // Empty ca_file: the system's store; an empty store is an error.
    ClientContext(const std::string& ca_file, const std::string& server_name,
        const std::string& cert_file = {}, const std::string& key_file = {});
    boost::asio::ssl::context& native() { return context_; }
    const std::string& server_name() const { return server_name_; }

private:
    boost::asio::ssl::context context_;
    std::string server_name_;
};

}  // namespace orggate::net
