// Remembers verified tokens, because an RSA verification costs as much as the
// rest of a proxied request. One per worker and per `Serving`; not thread-safe.
//
// An entry is found by a keyed hash and then compared byte for byte; its times
// are checked against the clock on every use. Only verified tokens enter, so a
// stranger can neither fill it nor steer its buckets. Bounded.

#pragma once

#include "orggate/token/verify.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace orggate::token {

class Verifier {
public:
    // `seed` keys the hash. `capacity` tokens are kept, the least recently used
    // leave first. `keys` may be null: then everything is keys_unavailable.
    Verifier(std::shared_ptr<const KeySet> keys, Expectations expected, std::uint64_t seed,
        std::size_t capacity = 4096);
    ~Verifier();
    Verifier(Verifier&&) noexcept;
    Verifier& operator=(Verifier&&) noexcept;

    // As token::verify, plus keys_unavailable.
    Result<std::shared_ptr<const Session>> verify(std::string_view compact, Instant now);

    // The session of a token that was verified and is still remembered, else null. Its
    // times are not checked: only for what may be read from an unverified token too.
    std::shared_ptr<const Session> recall(std::string_view compact) const;

    std::uint64_t hits() const;
    std::uint64_t misses() const;

private:
    struct Entries;
    std::shared_ptr<const KeySet> keys_;
    Expectations expected_;
    std::unique_ptr<Entries> entries_;
};

}  // namespace orggate::token
