// The instance's signing keys and their life: published, used, retired, withdrawn.
// RSA 2048, made when first needed.

#pragma once

#include <boost/json/value.hpp>
#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace clerk_sim {

struct FreeKey {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

struct SigningKey {
    std::string id;
    std::unique_ptr<EVP_PKEY, FreeKey> key;
    bool is_published = true;
};

std::string base64url(std::string_view bytes);
std::string public_pem(const SigningKey& key);

// A JWS signature over `text`. RS*, PS*, HS* (the secret is the public key's PEM: the
// classic confusion), `none` (empty); any other name gets an RS256 signature.
std::string sign(const SigningKey& key, std::string_view algorithm, std::string_view text);

class KeyRing {
public:
    KeyRing();

    // current, next, old (the latest retired one) or foreign (never published).
    // Throws std::invalid_argument if there is no such key.
    const SigningKey& find(std::string_view name);

    // publish-next: a new key appears in the set, not yet used.
    // activate:     it is used from now on; the one before is old, still published.
    // drop-old:     old keys leave the set.
    // immediate:    a new key is used at once and the one before leaves at once.
    // Throws std::invalid_argument for any other mode, or `activate` with no next key.
    void rotate(std::string_view mode);

    boost::json::value key_set() const;  // as Clerk publishes it
    boost::json::value overview() const;

private:
    SigningKey current_;
    SigningKey next_, foreign_;  // without a key until they are asked for
    std::vector<SigningKey> old_;
};

}  // namespace clerk_sim
