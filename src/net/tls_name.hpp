// Whom a certificate must name.

#pragma once

#include <string>

struct X509_VERIFY_PARAM_st;  // OpenSSL's X509_VERIFY_PARAM

namespace orggate::net {

struct PeerName {
    std::string text;  // an IPv6 address without brackets
    bool is_address = false;
    // SNI knows no addresses (RFC 6066 section 3).
    std::string sni() const { return is_address ? std::string() : text; }
};

PeerName peer_name(const std::string& asked_for);

// From now on a certificate is good only if a subject alternative name is this one. False: not
// a name that can be checked for, then nobody must be believed.
bool expect(X509_VERIFY_PARAM_st* wanted, const PeerName& name);

}  // namespace orggate::net
