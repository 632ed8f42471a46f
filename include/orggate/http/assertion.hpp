// A short signed statement to the app about one request: who, on whose behalf, asks for
// what. An app that checks it needs to trust neither the network nor the plain headers.
// Pure: the time is an argument. A signer is immutable; any thread.
// Source: RFC 7515, RFC 7518 section 3.4 (ES256), RFC 8037 (EdDSA), RFC 7638 (key id).

#pragma once

#include "orggate/time.hpp"
#include "orggate/token/session.hpp"

#include <boost/system/result.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace orggate::http {

struct AssertionOptions {
    std::string audience;  // aud: the app
    std::string key_pem;   // EC P-256 or Ed25519 private key
    Milliseconds lifetime{60'000};
};

// What is stated besides: iss `orggate`, aud, iat, exp, and of the session sub, sid, org_id
// and org_role, as far as it has them.
struct AssertedRequest {
    const token::Session& session;
    std::string_view method;      // method
    std::string_view host;        // host
    std::string_view path;        // path: as forwarded
    std::string_view query;       // query_sha256: as forwarded, without `?`, hashed, base64url
    std::string_view request_id;  // jti
};

class AssertionSigner {
public:
    // EC P-256 signs ES256, Ed25519 signs EdDSA. The error text says what is wrong with any
    // other key.
    static boost::system::result<std::unique_ptr<AssertionSigner>, std::string> make(
        const AssertionOptions& options);

    // A compact JWT; empty if the library fails.
    std::string sign(const AssertedRequest& request, Instant now) const;

    // The public half as a JWKS document, for the app.
    const std::string& jwks() const { return jwks_; }
    // The key's thumbprint, as in the JWT's `kid`.
    const std::string& key_id() const { return key_id_; }

    ~AssertionSigner();
    AssertionSigner(const AssertionSigner&) = delete;
    AssertionSigner& operator=(const AssertionSigner&) = delete;

private:
    AssertionSigner();
    struct Key;
    std::unique_ptr<Key> key_;
    std::string audience_;
    Seconds lifetime_{};
    std::string header_;  // encoded, with its full stop
    std::string jwks_, key_id_;
};

}  // namespace orggate::http
