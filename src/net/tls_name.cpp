#include "net/tls_name.hpp"

#include <boost/asio/ip/address.hpp>

#include <openssl/x509v3.h>

namespace orggate::net {

PeerName peer_name(const std::string& asked_for)
{
    PeerName name;
    const bool has_brackets =
        asked_for.size() >= 2 && asked_for.front() == '[' && asked_for.back() == ']';
    name.text = has_brackets ? asked_for.substr(1, asked_for.size() - 2) : asked_for;
    boost::system::error_code no_address;
    boost::asio::ip::make_address(name.text, no_address);
    name.is_address = !no_address.failed();
    return name;
}

bool expect(X509_VERIFY_PARAM* wanted, const PeerName& name)
{
    // OpenSSL checks no name at all when none is set.
    if (name.text.empty()) return false;
    X509_VERIFY_PARAM_set_hostflags(
        wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (name.is_address) return X509_VERIFY_PARAM_set1_ip_asc(wanted, name.text.c_str()) == 1;
    return X509_VERIFY_PARAM_set1_host(wanted, name.text.data(), name.text.size()) == 1;
}

}  // namespace orggate::net
