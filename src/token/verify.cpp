#include "orggate/token/verify.hpp"

#include "token/jws.hpp"
#include "token/session_claims.hpp"
#include "token/signature.hpp"
#include "token/times.hpp"
#include "token/token_header.hpp"

#include <algorithm>
#include <utility>

namespace orggate::token {

namespace {

bool is_among(const std::string* text, const std::vector<std::string>& list)
{
    return text != nullptr && std::find(list.begin(), list.end(), *text) != list.end();
}

// Clerk's SDK looks for the key first and at the algorithm second. The other way
// round a token that can never be good does not make us ask for keys.
Result<void> check_signature(const Jws& jws, const TokenHeader& header, const KeySet& keys)
{
    const auto* key = keys.find(header.key_id);
    if (key == nullptr) return Denial::token_key_unknown;
    if (!key->allows(header.algorithm)) return Denial::token_verification_failed;
    if (!key->verifies(header.algorithm, jws.signing_input, jws.signature))
        return Denial::token_signature;
    return {};
}

Result<void> check_parties(const json::Object& payload, const Expectations& expected)
{
    if (find_text(payload, "sub") == nullptr) return Denial::token_verification_failed;
    const auto& parties = expected.authorized_parties;
    if (!parties.empty() && !is_among(find_text(payload, "azp"), parties))
        return Denial::token_party;
    const auto& issuers = expected.issuers;
    if (!issuers.empty() && !is_among(find_text(payload, "iss"), issuers))
        return Denial::token_issuer;
    return {};
}

struct Times {
    std::int64_t expires = 0;
    std::optional<std::int64_t> not_before, issued_at;
};

// One after the other, shape before value, as Clerk's SDK does.
Result<Times> read_times(const json::Object& payload, Milliseconds skew, Instant now)
{
    const auto expires = read_time(payload, "exp");
    if (!expires || !*expires) return Denial::token_verification_failed;
    if (auto checked = check_expiry(**expires, skew, now); !checked) return checked.error();
    const auto not_before = read_time(payload, "nbf");
    if (!not_before) return not_before.error();
    if (auto checked = check_not_before(*not_before, skew, now); !checked) return checked.error();
    const auto issued = read_time(payload, "iat");
    if (!issued) return issued.error();
    if (auto checked = check_issued(*issued, skew, now); !checked) return checked.error();
    return Times{**expires, *not_before, *issued};
}

}  // namespace

Result<std::shared_ptr<const Session>> verify(
    std::string_view compact, const KeySet& keys, const Expectations& expected, Instant now)
{
    const auto jws = split_compact(compact);
    if (!jws) return Denial::token_malformed;
    const auto claims = read_claims(*jws);
    if (!claims) return Denial::token_malformed;
    if (auto checked = check_category(*claims); !checked) return checked.error();
    const auto header = read_token_header(claims->header);
    if (!header) return header.error();
    if (auto checked = check_signature(*jws, *header, keys); !checked) return checked.error();

    if (auto checked = check_parties(claims->payload, expected); !checked) return checked.error();
    const auto times = read_times(claims->payload, expected.clock_skew, now);
    if (!times) return times.error();
    auto session = read_session(claims->payload);
    if (!session) return session.error();
    session->expires = times->expires;
    session->not_before = times->not_before;
    session->issued_at = times->issued_at;
    return std::make_shared<const Session>(std::move(*session));
}

}  // namespace orggate::token
