// What Clerk's own server SDK would decide about a request, as a plain function
// of the request's facts and of the answers the network has given so far. When it
// lacks an answer it says which one; the caller fetches it and decides again.
// Pure: no I/O. Source: Clerk authenticateRequest (header path and cookie path).

#pragma once

#include "orggate/clerk/instance.hpp"
#include "orggate/denial.hpp"
#include "orggate/time.hpp"
#include "orggate/token/verifier.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace orggate::clerk {

struct RequestFacts {
    std::optional<std::string_view> authorization;  // the one field's value
    std::string_view cookies;                       // the Cookie field(s), joined with "; "
};

// A good session token; `session->status` may still be pending.
struct SignedIn {
    std::shared_ptr<const token::Session> session;
    // Browsers send cookies unasked, from any page; a header somebody has to set.
    enum class Carrier { header, cookie } carrier = Carrier::header;
};

// Nobody: why, in our word (`denial`) and in Clerk's (`reason`).
struct SignedOut {
    Denial denial;
    std::string_view reason;
};

// Only a fresh key set can tell. After it has come (or failed to), decide again
// with `keys_are_fresh` and the answer is final.
struct NeedsKey {
    std::string key_id;
};

using Decision = std::variant<SignedIn, SignedOut, NeedsKey>;

enum class Keys { may_be_stale, are_fresh };

Decision decide(const Instance& instance, const RequestFacts& facts, token::Verifier& verifier,
    Keys keys, Instant now);

// Clerk's name for one of our token refusals, e.g. `token-expired`; empty for refusals
// that are not about a token. decide() may name a finer one.
std::string_view reason(Denial denial);

}  // namespace orggate::clerk
