#include "orggate/clerk/decision.hpp"

#include "support/mint.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace orggate;
using namespace orggate::clerk;
using test::at;

namespace {

// clerk.example.com
const Instance& instance()
{
    static const auto parsed = parse_publishable_key("pk_live_Y2xlcmsuZXhhbXBsZS5jb20k");
    return *parsed;
}

token::Verifier verifier()
{
    const auto keys = token::KeySet::parse_jwks(test::jwks({test::make_key()}));
    return token::Verifier(*keys, {{"https://clerk.example.com"}, {"https://app.example.com"}}, 7);
}

std::string good()
{
    return test::session_token(test::make_key());
}

std::string with_claim(std::string name, std::string json)
{
    test::SessionClaims claims;
    claims.raw.push_back({std::move(name), std::move(json)});
    return test::session_token(test::make_key(), claims);
}

std::string signed_with(std::string_view header)
{
    return test::sign(test::make_key(), header, test::session_claims());
}

std::string unknown_key()
{
    return signed_with(R"({"alg":"RS256","kid":"ins_new","typ":"JWT"})");
}

// The client's time cookie, this long after mint_time.
std::string uat(std::int64_t after)
{
    return "__client_uat=" + std::to_string(test::mint_time + after);
}

Decision decide_on(std::optional<std::string> authorization, const std::string& cookies,
    Keys keys = Keys::are_fresh, Instant now = at())
{
    auto known = verifier();
    RequestFacts facts;
    if (authorization) facts.authorization = *authorization;
    facts.cookies = cookies;
    return decide(instance(), facts, known, keys, now);
}

struct Outcome {
    std::optional<Denial> denial;  // none: signed in
    std::string_view reason;
};

void check(const Decision& decision, const Outcome& wanted)
{
    if (!wanted.denial) {
        REQUIRE(std::holds_alternative<SignedIn>(decision));
        CHECK(std::get<SignedIn>(decision).session->user_id == "user_2alice");
        return;
    }
    REQUIRE(std::holds_alternative<SignedOut>(decision));
    CHECK(name(std::get<SignedOut>(decision).denial) == name(*wanted.denial));
    CHECK(std::get<SignedOut>(decision).reason == wanted.reason);
}

const Outcome signed_in{};
const Outcome nobody{Denial::token_missing, "session-token-and-uat-missing"};
const Outcome malformed{Denial::token_malformed, "token-invalid"};

}  // namespace

TEST_CASE("the Authorization field is read with its scheme")
{
    const auto token = good();
    struct Row {
        std::string_view name;
        std::optional<std::string> value;
        Outcome outcome;
    };
    const Row rows[] = {
        {"absent", std::nullopt, nobody},
        {"empty", "", nobody},
        {"space only", "  ", nobody},
        {"Bearer", "Bearer " + token, signed_in},
        {"bearer", "bearer " + token, signed_in},
        {"BEARER", "BEARER " + token, signed_in},
        {"two spaces", "Bearer  " + token, signed_in},
        {"many spaces", "Bearer      " + token, signed_in},
        {"space around", " Bearer " + token + " ", signed_in},
        {"Basic", "Basic dXNlcjpwYXNz", nobody},
        {"Digest", "Digest username=\"x\"", nobody},
        {"longer scheme", "BearerX " + token, nobody},
        {"shorter scheme", "Beare " + token, nobody},
        {"the token as scheme", token + " x", nobody},
        {"no scheme", token, malformed},
        {"Bearer alone", "Bearer", malformed},
        {"Bearer and a space", "Bearer ", malformed},
        {"tab as separator", "Bearer\t" + token, malformed},
        {"two tokens", "Bearer " + token + " " + token, malformed},
        {"two fields joined", "Bearer " + token + ", Bearer " + token, malformed},
        {"quoted", "Bearer \"" + token + "\"", malformed},
        {"nonsense", "Bearer x", malformed},
        {"a machine token without scheme", "mt_abc", malformed},
        {"M2M", "Bearer mt_abc", {Denial::token_kind_refused, "token-type-mismatch"}},
        {"OAuth", "Bearer oat_abc", {Denial::token_kind_refused, "token-type-mismatch"}},
        {"API key", "bearer  ak_abc", {Denial::token_kind_refused, "token-type-mismatch"}},
        {"prefix in capitals", "Bearer MT_abc", malformed},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        check(decide_on(row.value, ""), row.outcome);
    }
}

TEST_CASE("a bad header token never falls back to the cookie, another scheme does")
{
    const auto cookies = "__session=" + good() + "; " + uat(-20);
    check(decide_on(std::nullopt, cookies), signed_in);
    check(decide_on("", cookies), signed_in);
    check(decide_on("Basic dXNlcjpwYXNz", cookies), signed_in);
    for (const std::string value : {"Bearer x", "Bearer", "x", "Bearer mt_x", "Bearer a.b.c"}) {
        CAPTURE(value);
        CHECK(std::holds_alternative<SignedOut>(decide_on(value, cookies)));
    }
    check(decide_on("Bearer " + with_claim("exp", "0"), cookies),
        {Denial::token_expired, "token-expired"});
}

TEST_CASE("a good header token ignores every cookie")
{
    for (const std::string cookies :
        {"", "__session=x; __session=y", "__client_uat=0", "__session=nonsense; __client_uat=9"}) {
        CAPTURE(cookies);
        check(decide_on("Bearer " + good(), cookies), signed_in);
    }
}

TEST_CASE("cookies are judged row by row")
{
    const auto token = good();  // issued ten seconds ago
    const auto other_key = test::sign(
        test::make_key("ins_evil"), test::session_header(test::make_key()), test::session_claims());
    const auto session = [](const std::string& text) { return "__session=" + text + "; "; };
    struct Row {
        std::string_view name;
        std::string cookies;
        Outcome outcome;
    };
    const Row rows[] = {
        // Nobody signed in here.
        {"nothing", "", nobody},
        {"others only", "theme=dark", nobody},
        {"time zero, no session", "__client_uat=0", nobody},
        {"session, no time", session(token),
            {Denial::signed_out, "session-token-but-no-client-uat"}},
        {"session, time zero", session(token) + "__client_uat=0",
            {Denial::signed_out, "session-token-but-no-client-uat"}},
        {"nonsense, no time", session("x"),
            {Denial::signed_out, "session-token-but-no-client-uat"}},
        {"time, no session", uat(-20), {Denial::token_missing, "client-uat-but-no-session-token"}},
        {"time, empty session", "__session=; " + uat(-20),
            {Denial::token_missing, "client-uat-but-no-session-token"}},
        // Shape and category before age.
        {"no token, older", session("x") + uat(-20), malformed},
        {"no token, newer", session("x") + uat(+20), malformed},
        {"machine, newer", session(with_claim("sub", R"("mch_2x")")) + uat(+20),
            {Denial::token_category, "token-type-mismatch"}},
        {"template, older",
            session(signed_with(R"({"alg":"RS256","kid":"ins_one","cat":"cl_B7d4PD222AAA"})")) +
                uat(-20),
            {Denial::token_category, "token-type-mismatch"}},
        // Age before signature and times; no skew.
        {"issued before the time", session(token) + uat(-9),
            {Denial::signed_out, "session-token-iat-before-client-uat"}},
        {"issued at the time", session(token) + uat(-10), signed_in},
        {"issued after the time", session(token) + uat(-11), signed_in},
        {"no iat", session(with_claim("iat", "")) + uat(+1000), signed_in},
        {"bad signature, newer", session(other_key) + uat(-9),
            {Denial::signed_out, "session-token-iat-before-client-uat"}},
        {"expired, newer", session(with_claim("exp", "0")) + uat(-9),
            {Denial::signed_out, "session-token-iat-before-client-uat"}},
        {"unknown key, newer", session(unknown_key()) + uat(-9),
            {Denial::signed_out, "session-token-iat-before-client-uat"}},
        // Then what verification says.
        {"good", session(token) + uat(-20), signed_in},
        {"good, odd time", session(token) + "__client_uat=12abc", signed_in},
        {"good, percent-encoded",
            "__session=%" + std::string("65") + token.substr(1) + "; " + uat(-20), signed_in},
        {"bad signature", session(other_key) + uat(-20),
            {Denial::token_signature, "token-invalid-signature"}},
        {"expired", session(with_claim("exp", "0")) + uat(-20),
            {Denial::token_expired, "token-expired"}},
        {"early", session(with_claim("nbf", "1800000000")) + uat(-20),
            {Denial::token_not_active_yet, "token-not-active-yet"}},
        // Two of one name.
        {"two sessions", session(token) + session(token + "x") + uat(-20),
            {Denial::token_ambiguous, "token-invalid"}},
        {"the same session twice", session(token) + session(token) + uat(-20), signed_in},
        {"two times", session(token) + uat(-20) + "; " + uat(-21),
            {Denial::token_ambiguous, "token-invalid"}},
        // The other set.
        {"foreign plain cookie is nobody's",
            session(with_claim("iss", R"("https://clerk.other.example")")) + uat(-20), nobody},
    };
    REQUIRE(token.front() == 'e');  // %65
    for (const auto& row : rows) {
        CAPTURE(row.name);
        check(decide_on(std::nullopt, row.cookies), row.outcome);
    }
}

TEST_CASE("the suffixed cookies are used where they are chosen")
{
    const auto suffix = "_" + instance().cookie_suffix;
    const auto foreign = with_claim("iss", R"("https://clerk.other.example")");
    const auto mine = "__session" + suffix + "=" + good() + "; __client_uat" + suffix + "=" +
                      std::to_string(test::mint_time - 20);
    check(decide_on(std::nullopt, mine), signed_in);
    check(
        decide_on(std::nullopt, "__session=" + foreign + "; " + uat(-20) + "; " + mine), signed_in);
}

TEST_CASE("a pending session is signed in; what follows is the policy's")
{
    const auto decision = decide_on("Bearer " + with_claim("sts", R"("pending")"), "");
    REQUIRE(std::holds_alternative<SignedIn>(decision));
    CHECK(std::get<SignedIn>(decision).session->status == token::Status::pending);
}

TEST_CASE("an unknown key is asked for once, and then the answer is final")
{
    const auto by_header = "Bearer " + unknown_key();
    const auto by_cookie = "__session=" + unknown_key() + "; " + uat(-20);
    const Outcome final{Denial::token_key_unknown, "jwk-kid-mismatch"};
    check(decide_on(by_header, "", Keys::are_fresh), final);
    check(decide_on(std::nullopt, by_cookie, Keys::are_fresh), final);
    for (const auto& decision : {decide_on(by_header, "", Keys::may_be_stale),
             decide_on(std::nullopt, by_cookie, Keys::may_be_stale)}) {
        REQUIRE(std::holds_alternative<NeedsKey>(decision));
        CHECK(std::get<NeedsKey>(decision).key_id == "ins_new");
    }
}

TEST_CASE("junk does not make us ask for keys")
{
    for (const std::string header :
        {R"({"alg":"HS256","kid":"ins_new"})", R"({"alg":"RS256"})", R"({"alg":"RS256","kid":""})",
            R"({"alg":"RS256","kid":"a b"})", R"({"alg":"RS256","kid":"ins_new","crit":[]})",
            R"({"alg":"RS256","kid":"ins_new","cat":"cl_B7d4PD222AAA"})"}) {
        CAPTURE(header);
        CHECK(std::holds_alternative<SignedOut>(
            decide_on("Bearer " + signed_with(header), "", Keys::may_be_stale)));
    }
}

TEST_CASE("without any keys only what needs none is told")
{
    token::Verifier none(nullptr, {}, 1);
    const auto judge = [&none](const std::string& authorization, const std::string& cookies) {
        RequestFacts facts;
        if (!authorization.empty()) facts.authorization = authorization;
        facts.cookies = cookies;
        return decide(instance(), facts, none, Keys::may_be_stale, at());
    };
    const Outcome unavailable{Denial::keys_unavailable, "jwk-remote-failed-to-load"};
    check(judge("Bearer " + good(), ""), unavailable);
    check(judge("", "__session=" + good() + "; " + uat(-20)), unavailable);
    check(judge("", ""), nobody);
    check(judge("Bearer mt_x", ""), {Denial::token_kind_refused, "token-type-mismatch"});
    check(judge("", "__session=x; " + uat(-20)), malformed);
    check(judge("", "__session=" + good() + "; " + uat(-9)),
        {Denial::signed_out, "session-token-iat-before-client-uat"});
}

TEST_CASE("a cookie is verified once and then remembered")
{
    auto known = verifier();
    RequestFacts facts;
    const auto cookies = "__session=" + good() + "; " + uat(-20);
    facts.cookies = cookies;
    for (int i = 0; i < 3; ++i)
        check(decide(instance(), facts, known, Keys::are_fresh, at()), signed_in);
    CHECK(known.misses() == 1);
    CHECK(known.hits() == 2);
}

TEST_CASE("every refusal of a token is produced, with Clerk's name for it")
{
    struct Row {
        Denial denial;
        std::string_view reason;
        std::string authorization, cookies;
    };
    const auto bearer = [](const std::string& token) { return "Bearer " + token; };
    const auto claim = [&bearer](std::string name, std::string json) {
        return bearer(with_claim(std::move(name), std::move(json)));
    };
    const auto header = [&bearer](std::string_view json) { return bearer(signed_with(json)); };
    const auto later = std::to_string(test::mint_time + 60);
    const Row rows[] = {
        {Denial::token_missing, "session-token-and-uat-missing", "", ""},
        {Denial::token_malformed, "token-invalid", bearer("x"), ""},
        {Denial::token_ambiguous, "token-invalid", "", "__session=a; __session=b"},
        {Denial::token_category, "token-type-mismatch", claim("sub", R"("mch_2x")"), ""},
        {Denial::token_algorithm, "token-invalid-algorithm",
            header(R"({"alg":"none","kid":"ins_one"})"), ""},
        {Denial::token_verification_failed, "token-verification-failed",
            header(R"({"alg":"RS512","kid":"ins_one"})"), ""},
        {Denial::token_signature, "token-invalid-signature", bearer(good() + "AAAA"), ""},
        {Denial::token_party, "token-invalid-authorized-parties", claim("azp", ""), ""},
        {Denial::token_issuer, "token-invalid-issuer", claim("iss", ""), ""},
        {Denial::token_expired, "token-expired", claim("exp", "0"), ""},
        {Denial::token_not_active_yet, "token-not-active-yet", claim("nbf", later), ""},
        {Denial::token_issued_in_future, "token-iat-in-the-future", claim("iat", later), ""},
        {Denial::token_key_unknown, "jwk-kid-mismatch", bearer(unknown_key()), ""},
        {Denial::token_kind_refused, "token-type-mismatch", bearer("ak_x"), ""},
        {Denial::signed_out, "session-token-but-no-client-uat", "", "__session=a"},
    };
    std::set<Denial> produced;
    for (const auto& row : rows) {
        CAPTURE(name(row.denial));
        const auto authorization = row.authorization.empty()
                                       ? std::nullopt
                                       : std::optional<std::string>(row.authorization);
        check(decide_on(authorization, row.cookies), {row.denial, row.reason});
        CHECK(reason(row.denial) == row.reason);
        produced.insert(row.denial);
    }
    for (int i = static_cast<int>(Denial::token_missing); i <= static_cast<int>(Denial::signed_out);
         ++i) {
        CAPTURE(name(static_cast<Denial>(i)));
        CHECK(produced.count(static_cast<Denial>(i)) == 1);
    }
}

TEST_CASE("refusals that are not about a token have no name of Clerk's")
{
    for (int i = 1; i <= static_cast<int>(last_denial); ++i) {
        const auto denial = static_cast<Denial>(i);
        CAPTURE(name(denial));
        const bool is_token = denial >= Denial::token_missing && denial <= Denial::signed_out;
        CHECK(reason(denial).empty() == !(is_token || denial == Denial::keys_unavailable));
    }
}
