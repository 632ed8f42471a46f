// The instance's signing keys: an immutable set, found by exact key id.
// Shared between threads as shared_ptr<const KeySet>, never changed.
// Source: RFC 7517; RFC 7518 section 6.3 (RSA only: Clerk signs with nothing else).

#pragma once

#include <boost/system/result.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace orggate::token {

class SigningKey;  // one public key, private to this folder

class KeySet {
public:
    // From a JWKS document. Unusable members (other types, `use` other than sig,
    // key_ops without verify, RSA outside 2048..8192 bits, bad exponent) are left out.
    // Refused whole, with the reason as error text: not JSON, no `keys` array,
    // more than 32 keys, a repeated kid, no usable key left.
    static boost::system::result<std::shared_ptr<const KeySet>, std::string> parse_jwks(
        std::string_view text);

    // From a PEM public key (also with literal "\n", or bare base64 of the
    // SubjectPublicKeyInfo). Verifies RS256 tokens of any kid, as Clerk's jwtKey does.
    static boost::system::result<std::shared_ptr<const KeySet>, std::string> parse_pem(
        std::string_view text);

    // The key for this id, or null. A PEM set answers every id.
    const SigningKey* find(std::string_view key_id) const;

    std::size_t size() const;

    ~KeySet();
    KeySet(const KeySet&) = delete;
    KeySet& operator=(const KeySet&) = delete;

private:
    KeySet();
    struct Keys;
    std::unique_ptr<Keys> keys_;
};

}  // namespace orggate::token
