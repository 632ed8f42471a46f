#include "orggate/clerk/decision.hpp"

#include "clerk/choose_cookies.hpp"
#include "orggate/token/verify.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace orggate::clerk {

namespace {

struct HeaderToken {
    enum class Kind { none, token, unreadable } kind = Kind::none;
    std::string_view text;
};

bool is_bearer(std::string_view scheme)
{
    constexpr std::string_view wanted = "bearer";
    return std::equal(
        scheme.begin(), scheme.end(), wanted.begin(), wanted.end(), [](char given, char lower) {
            return given == lower || (given >= 'A' && given <= 'Z' && given - 'A' + 'a' == lower);
        });
}

std::string_view without_spaces_around(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Clerk's SDK also takes a bare token, and only `Bearer` in this spelling. We demand a
// scheme, as RFC 9110 section 11.1 does, and read it in any case.
HeaderToken find_header_token(std::optional<std::string_view> authorization)
{
    const auto value = without_spaces_around(authorization.value_or(std::string_view()));
    if (value.empty()) return {};
    const auto space = value.find(' ');
    if (space == std::string_view::npos) return {HeaderToken::Kind::unreadable, {}};
    if (!is_bearer(value.substr(0, space))) return {};
    return {HeaderToken::Kind::token, without_spaces_around(value.substr(space))};
}

// Machine tokens that only Clerk's API can read.
bool is_opaque(std::string_view token)
{
    constexpr std::array<std::string_view, 3> prefixes{"mt_", "oat_", "ak_"};
    return std::any_of(prefixes.begin(), prefixes.end(),
        [token](std::string_view prefix) { return token.substr(0, prefix.size()) == prefix; });
}

SignedOut signed_out(Denial denial)
{
    return {denial, reason(denial)};
}

// A refusal is final unless the key may have been published since the last fetch.
Decision refused(Denial denial, std::string_view token, Keys keys)
{
    if (denial != Denial::token_key_unknown || keys == Keys::are_fresh) return signed_out(denial);
    auto key_id = token::unverified_key_id(token);
    if (key_id.empty()) return signed_out(denial);
    return NeedsKey{std::move(key_id)};
}

Decision decide_by_header(std::string_view token, token::Verifier& verifier, Keys keys, Instant now)
{
    if (is_opaque(token)) return signed_out(Denial::token_kind_refused);
    auto session = verifier.verify(token, now);
    if (!session) return refused(session.error(), token, keys);
    return SignedIn{std::move(*session), SignedIn::Carrier::header};
}

// What the cookie says before any key is asked, for a token that did not verify: Clerk's
// SDK looks at its shape and its age first.
Denial denial_by_cookie(Denial denial, const std::string& token, std::int64_t client_uat)
{
    if (denial == Denial::token_malformed || denial == Denial::token_category) return denial;
    const auto seen = token::peek(token);
    if (!seen.decodes) return Denial::token_malformed;
    if (seen.issued_at && *seen.issued_at < client_uat) return Denial::signed_out;
    return denial;
}

Decision decide_by_cookies(const Instance& instance, std::string_view header,
    token::Verifier& verifier, Keys keys, Instant now)
{
    const auto cookies = choose_cookies_with(&verifier, instance, header, now);
    if (!cookies) return signed_out(cookies.error());
    const auto& token = cookies->session;
    if (!token && cookies->client_uat == 0)
        return SignedOut{Denial::token_missing, "session-token-and-uat-missing"};
    if (cookies->client_uat == 0)
        return SignedOut{Denial::signed_out, "session-token-but-no-client-uat"};
    if (!token) return SignedOut{Denial::token_missing, "client-uat-but-no-session-token"};

    constexpr SignedOut older{Denial::signed_out, "session-token-iat-before-client-uat"};
    auto session = verifier.verify(*token, now);
    if (!session) {
        const auto denial = denial_by_cookie(session.error(), *token, cookies->client_uat);
        return denial == Denial::signed_out ? Decision(older) : refused(denial, *token, keys);
    }
    const auto issued = (*session)->issued_at;
    if (issued && *issued < cookies->client_uat) return older;
    return SignedIn{std::move(*session), SignedIn::Carrier::cookie};
}

}  // namespace

Decision decide(const Instance& instance, const RequestFacts& facts, token::Verifier& verifier,
    Keys keys, Instant now)
{
    const auto header = find_header_token(facts.authorization);
    switch (header.kind) {
        case HeaderToken::Kind::unreadable: return signed_out(Denial::token_malformed);
        case HeaderToken::Kind::token: return decide_by_header(header.text, verifier, keys, now);
        case HeaderToken::Kind::none: break;
    }
    return decide_by_cookies(instance, facts.cookies, verifier, keys, now);
}

}  // namespace orggate::clerk
