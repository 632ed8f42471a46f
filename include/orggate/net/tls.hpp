// TLS contexts: what we present and whom we believe. TLS 1.2 at least, no renegotiation,
// no compression; immutable once made.

#pragma once

#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_category.hpp>

#include <memory>
#include <string>

namespace orggate::net {

// Why a certificate was refused, in words: values are OpenSSL's X509_V_ERR numbers.
const boost::system::error_category& certificate_category();

// For `listen`. Speaks http/1.1 (RFC 7301): a client that offers only other protocols is
// refused. With a client CA, clients must present a certificate of it.
class ServerContext {
public:
    // Throws std::runtime_error naming the file and what is wrong with it.
    ServerContext(const std::string& cert_file, const std::string& key_file,
        const std::string& client_ca_file);
    boost::asio::ssl::context& native() { return context_; }

private:
    boost::asio::ssl::context context_;
};

// Towards an https peer: chain and name are always verified, against the subject
// alternative names alone (RFC 9525). SNI is sent unless the name is an IP address.
// Its name is one for all connections, or, for peers of many names, that of each.
class ClientContext {
public:
    // Empty ca_file: the system's store; an empty store is an error. Empty cert_file: no
    // certificate of ours. Throws std::runtime_error naming the file and what is wrong
    // with it.
    ClientContext(const std::string& ca_file, const std::string& server_name,
        const std::string& cert_file = {}, const std::string& key_file = {});
    // Without a name: every handshake brings its own (Stream::handshake_as_client).
    static ClientContext for_many_names(const std::string& ca_file,
        const std::string& cert_file = {}, const std::string& key_file = {});
    boost::asio::ssl::context& native() { return context_; }
    // Empty: that of each connection.
    const std::string& server_name() const { return server_name_; }
    // What to send as SNI: empty for an IP address.
    const std::string& sni() const { return sni_; }

private:
    ClientContext();
    void load(
        const std::string& ca_file, const std::string& cert_file, const std::string& key_file);

    boost::asio::ssl::context context_;
    std::string server_name_, sni_;
};

}  // namespace orggate::net
