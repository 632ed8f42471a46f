#include "orggate/net/tls.hpp"

#include "net/tls_name.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <new>
#include <stdexcept>

namespace orggate::net {

namespace {

constexpr std::string_view http11("\x08http/1.1", 9);  // ALPN: a length, then the name

class CertificateCategory final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "certificate"; }
    std::string message(int value) const override { return X509_verify_cert_error_string(value); }
};

[[noreturn]] void fail(const std::string& file, const std::string& what)
{
    const char* reason = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    std::string text = file + ": " + what;
    if (reason != nullptr) text.append(" (").append(reason).append(")");
    throw std::runtime_error(text);
}

void set_common_options(SSL_CTX* context)
{
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    // Forward secrecy and authenticated encryption only; TLS 1.3 has its own list.
    SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
}

void load_own_certificate(
    SSL_CTX* context, const std::string& cert_file, const std::string& key_file)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, cert_file.c_str()) != 1)
        fail(cert_file, "no usable PEM certificate");
    if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1)
        fail(key_file, "no usable PEM private key for " + cert_file);
    if (SSL_CTX_check_private_key(context) != 1)
        fail(key_file, "the private key does not belong to " + cert_file);
}

void trust_file(SSL_CTX* context, const std::string& ca_file)
{
    ERR_clear_error();
    if (SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1)
        fail(ca_file, "no usable PEM certificates of an authority");
}

// The directory is read when a peer shows up; an authority's file there is named by
// eight hex digits and a number.
bool has_hashed_certificate(const std::string& directory)
{
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
        const std::string name = entry.path().filename().string();
        if (name.size() == 10 && name[8] == '.' && name.find_first_not_of("0123456789abcdef") == 8)
            return true;
    }
    return false;
}

void trust_system(SSL_CTX* context)
{
    ERR_clear_error();
    SSL_CTX_set_default_verify_paths(context);
    ERR_clear_error();
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    const bool has_any = sk_X509_OBJECT_num(X509_STORE_get0_objects(store)) > 0;
    const std::string directory = X509_get_default_cert_dir();
    if (!has_any && !has_hashed_certificate(directory))
        throw std::runtime_error(
            directory + ": the system trusts no authority; install ca-certificates or set ca_file");
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* length,
    const unsigned char* offered, unsigned int size, void*)
{
    unsigned char* found = nullptr;
    const auto* ours = reinterpret_cast<const unsigned char*>(http11.data());
    if (SSL_select_next_proto(&found, length, ours, static_cast<unsigned int>(http11.size()),
            offered, size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

void demand_client_certificate(SSL_CTX* context, const std::string& ca_file)
{
    trust_file(context, ca_file);
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(ca_file.c_str()));
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

}  // namespace

const boost::system::error_category& certificate_category()
{
    static const CertificateCategory category;
    return category;
}

ServerContext::ServerContext(
    const std::string& cert_file, const std::string& key_file, const std::string& client_ca_file)
    : context_(boost::asio::ssl::context::tls_server)
{
    SSL_CTX* context = context_.native_handle();
    set_common_options(context);
    load_own_certificate(context, cert_file, key_file);
    SSL_CTX_set_alpn_select_cb(context, &choose_protocol, nullptr);
    // Resumption lives in tickets, which the clients keep. A ticket is good for this
    // context id alone, and OpenSSL demands one where client certificates are asked for.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    const unsigned char id[] = "orggate";
    SSL_CTX_set_session_id_context(context, id, sizeof id - 1);
    if (!client_ca_file.empty()) demand_client_certificate(context, client_ca_file);
}

ClientContext::ClientContext() : context_(boost::asio::ssl::context::tls_client)
{
    SSL_CTX* context = context_.native_handle();
    set_common_options(context);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(http11.data()),
        static_cast<unsigned int>(http11.size()));
}

ClientContext::ClientContext(const std::string& ca_file, const std::string& server_name,
    const std::string& cert_file, const std::string& key_file)
    : ClientContext()
{
    const PeerName name = peer_name(server_name);
    if (!expect(SSL_CTX_get0_param(context_.native_handle()), name))
        throw std::runtime_error(
            "\"" + name.text + "\": not a name a certificate can be checked for");
    server_name_ = name.text;
    sni_ = name.sni();
    load(ca_file, cert_file, key_file);
}

ClientContext ClientContext::for_many_names(
    const std::string& ca_file, const std::string& cert_file, const std::string& key_file)
{
    ClientContext made;
    made.load(ca_file, cert_file, key_file);
    return made;
}

void ClientContext::load(
    const std::string& ca_file, const std::string& cert_file, const std::string& key_file)
{
    SSL_CTX* context = context_.native_handle();
    if (ca_file.empty())
        trust_system(context);
    else
        trust_file(context, ca_file);
    if (!cert_file.empty()) load_own_certificate(context, cert_file, key_file);
}

}  // namespace orggate::net
