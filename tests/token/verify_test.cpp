#include "orggate/token/verify.hpp"

#include "support/mint.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace orggate;
using namespace orggate::token;
using test::at;

namespace {

const Expectations expected{
    {"https://clerk.example.com"}, {"https://app.example.com", "https://www.example.com"}};

std::shared_ptr<const KeySet> keys()
{
    return *KeySet::parse_jwks(test::jwks({test::make_key()}));
}

// No refusal reads as nothing.
std::optional<Denial> denial_of(std::string_view compact, Instant now = at())
{
    const auto session = verify(compact, *keys(), expected, now);
    if (session) return std::nullopt;
    return session.error();
}

std::string with_header(std::string_view header)
{
    return test::sign(test::make_key(), header, test::session_claims());
}

std::string with_claim(std::string name, std::string json)
{
    test::SessionClaims claims;
    claims.raw.push_back({std::move(name), std::move(json)});
    return test::session_token(test::make_key(), claims);
}

// The good header with members added, as raw JSON text.
std::string header_plus(std::string_view members)
{
    return R"({"alg":"RS256","kid":"ins_one","typ":"JWT",)" + std::string(members) + "}";
}

}  // namespace

TEST_CASE("a good token becomes a session")
{
    const auto session = verify(test::session_token(test::make_key()), *keys(), expected, at());
    REQUIRE(session.has_value());
    CHECK((*session)->user_id == "user_2alice");
    CHECK((*session)->organisation->id == "org_2acme");
    CHECK((*session)->expires == test::mint_time + 50);
    CHECK((*session)->not_before == test::mint_time - 10);
    CHECK((*session)->issued_at == test::mint_time - 10);
}

TEST_CASE("a pending session is a good token")
{
    const auto session = verify(with_claim("sts", R"("pending")"), *keys(), expected, at());
    REQUIRE(session.has_value());
    CHECK((*session)->status == Status::pending);
}

TEST_CASE("all three RSA algorithms verify where the key is bound to none")
{
    const auto& key = test::make_key();
    const auto unbound = KeySet::parse_jwks(R"({"keys":[{"kty":"RSA","kid":"ins_one","n":")" +
                                            key.modulus + R"(","e":")" + key.exponent + R"("}]})");
    REQUIRE(unbound);
    for (const std::string_view alg : {"RS256", "RS384", "RS512"}) {
        CAPTURE(alg);
        const auto token = test::sign(key, test::session_header(key, alg), test::session_claims());
        CHECK(verify(token, **unbound, expected, at()).has_value());
        // Bound to RS256, only that one.
        CHECK(denial_of(token) ==
              (alg == "RS256" ? std::nullopt : std::optional(Denial::token_verification_failed)));
    }
}

TEST_CASE("the header decides what is looked at, byte by byte")
{
    struct Row {
        std::string_view name;
        std::string header;
        std::optional<Denial> denial;
    };
    const Row rows[] = {
        {"as Clerk writes it", test::session_header(test::make_key()), {}},
        {"no cat", test::session_header(test::make_key(), "RS256", ""), {}},
        {"neutral cat", header_plus(R"("cat":"cl_I7d4PD111III")"), {}},
        {"no typ", R"({"alg":"RS256","kid":"ins_one"})", {}},
        {"template", header_plus(R"("cat":"cl_B7d4PD222AAA")"), Denial::token_category},
        {"machine", header_plus(R"("cat":"cl_B7d4PD333AAA")"), Denial::token_category},
        {"unknown cat", header_plus(R"("cat":"cl_X")"), Denial::token_category},
        {"empty cat", header_plus(R"("cat":"")"), Denial::token_category},
        {"cat a number", header_plus(R"("cat":1)"), Denial::token_category},
        {"cat null", header_plus(R"("cat":null)"), Denial::token_category},
        {"cat in another case", header_plus(R"("cat":"CL_B7D4PD111AAA")"), Denial::token_category},
        {"access token", R"({"alg":"RS256","kid":"ins_one","typ":"at+jwt"})",
            Denial::token_category},
        {"access token, long", R"({"alg":"RS256","kid":"ins_one","typ":"application/at+jwt"})",
            Denial::token_category},
        {"typ jwt", R"({"alg":"RS256","kid":"ins_one","typ":"jwt"})", Denial::token_malformed},
        {"typ JOSE", R"({"alg":"RS256","kid":"ins_one","typ":"JOSE"})", Denial::token_malformed},
        {"typ a number", R"({"alg":"RS256","kid":"ins_one","typ":1})", Denial::token_malformed},
        {"typ null", R"({"alg":"RS256","kid":"ins_one","typ":null})", Denial::token_malformed},
        {"typ empty", R"({"alg":"RS256","kid":"ins_one","typ":""})", Denial::token_malformed},
        {"crit", header_plus(R"("crit":["exp"])"), Denial::token_malformed},
        {"crit empty", header_plus(R"("crit":[])"), Denial::token_malformed},
        {"crit null", header_plus(R"("crit":null)"), Denial::token_malformed},
        {"b64 false", header_plus(R"("b64":false)"), Denial::token_malformed},
        {"zip", header_plus(R"("zip":"DEF")"), Denial::token_malformed},
        {"cty", header_plus(R"("cty":"JWT")"), Denial::token_malformed},
        {"kid a number", R"({"alg":"RS256","kid":1})", Denial::token_malformed},
        {"kid a list", R"({"alg":"RS256","kid":["ins_one"]})", Denial::token_malformed},
        {"kid null", R"({"alg":"RS256","kid":null})", Denial::token_malformed},
        {"kid absent", R"({"alg":"RS256"})", Denial::token_key_unknown},
        {"kid empty", R"({"alg":"RS256","kid":""})", Denial::token_key_unknown},
        {"kid of another", R"({"alg":"RS256","kid":"ins_two"})", Denial::token_key_unknown},
        {"kid a prefix", R"({"alg":"RS256","kid":"ins_on"})", Denial::token_key_unknown},
        {"kid a path", R"({"alg":"RS256","kid":"../ins_one"})", Denial::token_key_unknown},
        {"kid with NUL", R"({"alg":"RS256","kid":"ins_one\u0000"})", Denial::token_key_unknown},
        {"kid of SQL", R"({"alg":"RS256","kid":"' OR 1=1"})", Denial::token_key_unknown},
        {"kid with line ends", R"({"alg":"RS256","kid":"ins_one\r\n"})", Denial::token_key_unknown},
        {"kid of 1 KiB", R"({"alg":"RS256","kid":")" + std::string(1024, 'a') + "\"}",
            Denial::token_key_unknown},
        {"kid of 4 KiB", R"({"alg":"RS256","kid":")" + std::string(4096, 'a') + "\"}",
            Denial::token_malformed},
        {"own key offered", header_plus(R"("jwk":)" + test::make_key("ins_evil").jwk), {}},
        {"key address offered",
            header_plus(R"("jku":"http://127.0.0.1:1/k","x5u":"http://127.0.0.1:1/")"), {}},
        {"alg twice", R"({"alg":"RS256","alg":"RS256","kid":"ins_one"})", Denial::token_malformed},
        {"kid twice by escape", R"({"alg":"RS256","kid":"ins_one","\u006bid":"ins_two"})",
            Denial::token_malformed},
        {"deep", R"({"alg":"RS256","kid":"ins_one","x":[[[[[[[[]]]]]]]]})",
            Denial::token_malformed},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(denial_of(with_header(row.header)) == row.denial);
    }
}

TEST_CASE("an algorithm outside the list is refused before any key is asked for")
{
    for (const std::string_view alg : {R"("none")", R"("None")", R"("NONE")", R"("nOnE")", R"("")",
             R"("HS256")", R"("HS384")", R"("HS512")", R"("PS256")", R"("PS384")", R"("PS512")",
             R"("ES256")", R"("ES384")", R"("ES512")", R"("ES256K")", R"("EdDSA")", R"("RS256 ")",
             R"(" RS256")", R"("rs256")", R"("RS1")", R"("RS256\u0000")", R"("RSA-OAEP")", "256",
             "null", "[]", R"(["RS256"])", "true", "{}"}) {
        CAPTURE(alg);
        const auto header = R"({"alg":)" + std::string(alg) + R"(,"kid":"ins_one","typ":"JWT"})";
        CHECK(denial_of(with_header(header)) == Denial::token_algorithm);
        const auto stranger = R"({"alg":)" + std::string(alg) + R"(,"kid":"ins_unknown"})";
        CHECK(denial_of(with_header(stranger)) == Denial::token_algorithm);
        CHECK(unverified_key_id(with_header(stranger)).empty());
    }
    CHECK(denial_of(with_header(R"({"kid":"ins_one","typ":"JWT"})")) == Denial::token_algorithm);
}

TEST_CASE("the public key is never a secret")
{
    // HS256 over the PEM, as a confused library would check it, also under an honest name.
    const auto& key = test::make_key();
    const auto hmac = with_header(R"({"alg":"HS256","kid":"ins_one","typ":"JWT"})");
    CHECK(denial_of(hmac) == Denial::token_algorithm);
    const auto mac = hmac.substr(hmac.rfind('.'));
    const auto honest = test::session_token(key);
    CHECK(denial_of(honest.substr(0, honest.rfind('.')) + mac) == Denial::token_signature);
}

TEST_CASE("claims are checked after the signature, each with its own reason")
{
    constexpr std::int64_t now = test::mint_time;
    const auto number = [](std::int64_t value) { return std::to_string(value); };
    struct Row {
        std::string_view claim;
        std::string json;
        std::optional<Denial> denial;
    };
    const Row rows[] = {
        {"sub", "", Denial::token_verification_failed},
        {"sub", "7", Denial::token_verification_failed},
        {"sub", "null", Denial::token_verification_failed},
        {"sub", R"("")", Denial::token_malformed},
        {"sub", R"("mch_2machine")", Denial::token_category},
        {"sub", R"("client_2x")", Denial::token_malformed},
        {"sid", "", Denial::token_malformed},
        {"handshake", R"(["__session=x"])", Denial::token_category},
        {"handshake", "null", Denial::token_category},
        // Who asked for it.
        {"azp", R"("https://www.example.com")", {}},
        {"azp", "", Denial::token_party},
        {"azp", "null", Denial::token_party},
        {"azp", "7", Denial::token_party},
        {"azp", R"("")", Denial::token_party},
        {"azp", R"(["https://app.example.com"])", Denial::token_party},
        {"azp", R"("https://app.example.com.evil")", Denial::token_party},
        {"azp", R"("https://app.example.com/")", Denial::token_party},
        {"azp", R"("HTTPS://app.example.com")", Denial::token_party},
        {"azp", R"("https://app.example.com\u0000")", Denial::token_party},
        // Who made it.
        {"iss", "", Denial::token_issuer},
        {"iss", "null", Denial::token_issuer},
        {"iss", "7", Denial::token_issuer},
        {"iss", R"("")", Denial::token_issuer},
        {"iss", R"("https://clerk.example.com/")", Denial::token_issuer},
        {"iss", R"("https://Clerk.example.com")", Denial::token_issuer},
        {"iss", R"("http://clerk.example.com")", Denial::token_issuer},
        {"iss", R"("https://clerk.example.com.evil")", Denial::token_issuer},
        {"iss", R"(["https://clerk.example.com"])", Denial::token_issuer},
        {"iss", R"("https://clerk.other.com")", Denial::token_issuer},
        // Until when. Five seconds of skew: the last good millisecond is before exp + 5 s.
        {"exp", number(now - 4), {}},
        {"exp", number(now - 5), Denial::token_expired},
        {"exp", number(now - 6), Denial::token_expired},
        {"exp", "0", Denial::token_expired},
        {"exp", "-1", Denial::token_expired},
        {"exp", "-9223372036854775808", Denial::token_expired},
        {"exp", "9223372036854775807", {}},
        {"exp", number(now + 10'000'000), {}},
        {"exp", number(now - 4) + ".9", {}},
        {"exp", number(now - 5) + ".9", Denial::token_expired},  // fractions are cut off
        {"exp", "9e18", {}},
        {"exp", "", Denial::token_verification_failed},
        {"exp", "null", Denial::token_verification_failed},
        {"exp", "true", Denial::token_verification_failed},
        {"exp", '"' + number(now + 50) + '"', Denial::token_verification_failed},
        {"exp", "[]", Denial::token_verification_failed},
        {"exp", "9223372036854775808", Denial::token_malformed},
        {"exp", "18446744073709551616", Denial::token_malformed},
        {"exp", "1e400", Denial::token_malformed},
        {"exp", std::string(400, '9'), Denial::token_malformed},
        // From when.
        {"nbf", "", {}},
        {"nbf", number(now + 5), {}},
        {"nbf", number(now + 6), Denial::token_not_active_yet},
        {"nbf", "9223372036854775807", Denial::token_not_active_yet},
        {"nbf", "-9223372036854775808", {}},
        {"nbf", R"("0")", Denial::token_verification_failed},
        {"nbf", "null", Denial::token_verification_failed},
        {"iat", "", {}},
        {"iat", number(now + 5), {}},
        {"iat", number(now + 6), Denial::token_issued_in_future},
        {"iat", "9e18", Denial::token_issued_in_future},
        {"iat", R"("0")", Denial::token_verification_failed},
        {"iat", "null", Denial::token_verification_failed},
        // Stricter than Clerk, and last.
        {"v", R"("2")", Denial::token_malformed},
        {"v", "3", Denial::token_malformed},
        {"o", "[]", Denial::token_malformed},
        {"o", R"({"id":"org_2a\r\nX-Org-Id: org_2b"})", Denial::token_malformed},
        {"act", "7", Denial::token_malformed},
        {"pla", R"("pro")", Denial::token_malformed},
        // No audience is configured, so none is demanded.
        {"aud", R"("anything")", {}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.claim);
        CAPTURE(row.json);
        CHECK(denial_of(with_claim(std::string(row.claim), row.json)) == row.denial);
    }
}

TEST_CASE("the earlier check names the reason")
{
    const auto& key = test::make_key();
    const auto& stranger = test::make_key("ins_evil");
    test::SessionClaims wrong;
    struct Row {
        std::string_view name;
        Denial denial;
        std::string token;
    };
    // From the worst token on, one mistake after the other is mended.
    std::vector<Row> rows;
    wrong.raw = {{"sub", R"("mch_2x")"}, {"azp", "7"}, {"iss", "7"}, {"exp", "0"},
        {"nbf", R"("x")"}, {"iat", R"("x")"}, {"v", "7"}};
    const auto mend = [&wrong](std::size_t claim, std::string json) {
        wrong.raw.at(claim).json = std::move(json);
        return test::session_claims(wrong);
    };
    const std::string bad_typ = R"({"alg":"none","kid":"ins_x","typ":"x"})";
    const std::string bad_alg = R"({"alg":"none","kid":"ins_x","typ":"JWT"})";
    const std::string bad_kid = R"({"alg":"RS384","kid":"ins_x","typ":"JWT"})";
    const std::string bad_use = R"({"alg":"RS384","kid":"ins_one","typ":"JWT"})";
    const std::string good = test::session_header(key);
    rows.push_back({"category", Denial::token_category,
        test::sign(stranger, bad_typ, mend(0, R"("mch_2x")"))});
    rows.push_back({"typ", Denial::token_malformed, test::sign(stranger, bad_typ, mend(0, "7"))});
    rows.push_back({"alg", Denial::token_algorithm, test::sign(stranger, bad_alg, mend(0, "7"))});
    rows.push_back({"kid", Denial::token_key_unknown, test::sign(stranger, bad_kid, mend(0, "7"))});
    rows.push_back({"alg of the key", Denial::token_verification_failed,
        test::sign(stranger, bad_use, mend(0, "7"))});
    rows.push_back(
        {"signature", Denial::token_signature, test::sign(stranger, good, mend(0, "7"))});
    rows.push_back({"sub", Denial::token_verification_failed, test::sign(key, good, mend(0, "7"))});
    rows.push_back({"azp", Denial::token_party, test::sign(key, good, mend(0, R"("")"))});
    rows.push_back({"iss", Denial::token_issuer,
        test::sign(key, good, mend(1, R"("https://app.example.com")"))});
    rows.push_back({"exp", Denial::token_expired,
        test::sign(key, good, mend(2, R"("https://clerk.example.com")"))});
    rows.push_back(
        {"nbf a text", Denial::token_verification_failed, test::sign(key, good, mend(3, "9e15"))});
    rows.push_back({"nbf", Denial::token_not_active_yet, test::sign(key, good, mend(4, "9e15"))});
    rows.push_back(
        {"iat a text", Denial::token_verification_failed, test::sign(key, good, mend(4, "0"))});
    rows.push_back({"iat", Denial::token_issued_in_future, test::sign(key, good, mend(5, "9e15"))});
    rows.push_back({"v", Denial::token_malformed, test::sign(key, good, mend(5, "0"))});
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(denial_of(row.token) == row.denial);
    }
}

TEST_CASE("times are compared to the millisecond")
{
    const auto token = test::session_token(test::make_key());  // exp +50 s, nbf and iat -10 s
    CHECK_FALSE(denial_of(token, at(Milliseconds{54'999})));
    CHECK(denial_of(token, at(Milliseconds{55'000})) == Denial::token_expired);
    CHECK_FALSE(denial_of(token, at(Milliseconds{-15'000})));
    CHECK(denial_of(token, at(Milliseconds{-15'001})) == Denial::token_not_active_yet);
    const auto issued_only = with_claim("nbf", "");
    CHECK_FALSE(denial_of(issued_only, at(Milliseconds{-15'000})));
    CHECK(denial_of(issued_only, at(Milliseconds{-15'001})) == Denial::token_issued_in_future);

    Expectations exact = expected;
    exact.clock_skew = Milliseconds{0};
    CHECK(verify(token, *keys(), exact, at(Milliseconds{49'999})).has_value());
    CHECK_FALSE(verify(token, *keys(), exact, at(Milliseconds{50'000})).has_value());
    CHECK(verify(token, *keys(), exact, at(Milliseconds{-10'000})).has_value());
    CHECK_FALSE(verify(token, *keys(), exact, at(Milliseconds{-10'001})).has_value());
}

TEST_CASE("a session verified earlier is held to the same times")
{
    const auto session = verify(test::session_token(test::make_key()), *keys(), expected, at());
    REQUIRE(session.has_value());
    const Milliseconds skew{5000};
    CHECK(check_times(**session, skew, at(Milliseconds{54'999})).has_value());
    CHECK(check_times(**session, skew, at(Milliseconds{55'000})).error() == Denial::token_expired);
    CHECK(check_times(**session, skew, at(Milliseconds{-15'001})).error() ==
          Denial::token_not_active_yet);
    auto no_nbf = **session;
    no_nbf.not_before.reset();
    CHECK(check_times(no_nbf, skew, at(Milliseconds{-15'001})).error() ==
          Denial::token_issued_in_future);
    no_nbf.issued_at.reset();
    CHECK(check_times(no_nbf, skew, at(Milliseconds{-15'001})).has_value());
}

TEST_CASE("issuer and party are asserted only where the operator says so")
{
    const auto foreign = with_claim("iss", R"("https://clerk.other.com")");
    const auto nobody = with_claim("azp", "");
    CHECK(verify(foreign, *keys(), Expectations{}, at()).has_value());
    CHECK(verify(nobody, *keys(), Expectations{}, at()).has_value());
    const Expectations two{{"https://a.example", "https://clerk.other.com"}, {}};
    CHECK(verify(foreign, *keys(), two, at()).has_value());
}

TEST_CASE("a PEM key verifies RS256 tokens of any key id and no others")
{
    const auto& key = test::make_key();
    const auto pem = *KeySet::parse_pem(key.pem);
    const auto claims = test::session_claims();
    const auto judge = [&pem](const std::string& token) {
        const auto session = verify(token, *pem, expected, at());
        return session ? std::nullopt : std::optional(session.error());
    };
    CHECK_FALSE(judge(test::sign(key, R"({"alg":"RS256","kid":"anything"})", claims)));
    CHECK_FALSE(judge(test::sign(key, R"({"alg":"RS256"})", claims)));
    CHECK(
        judge(test::sign(key, R"({"alg":"RS384"})", claims)) == Denial::token_verification_failed);
    CHECK(judge(test::session_token(test::make_key("ins_evil"))) == Denial::token_signature);
}

TEST_CASE("a token of 16 KiB is verified, a longer one is refused unread")
{
    const auto sized = [](std::size_t padding) {
        return with_claim("pad", '"' + std::string(padding, 'x') + '"');
    };
    std::size_t padding = 11'000;
    while (sized(padding + 1).size() <= 16 * 1024)
        ++padding;
    CHECK_FALSE(denial_of(sized(padding)));
    CHECK(denial_of(sized(padding + 1)) == Denial::token_malformed);
}

TEST_CASE("every byte of a good token matters")
{
    const auto good = test::session_token(test::make_key());
    const auto set = keys();
    REQUIRE(verify(good, *set, expected, at()).has_value());
    std::set<std::size_t> thorough{0, 1, good.find('.'), good.find('.') + 1, good.rfind('.') - 1,
        good.rfind('.'), good.rfind('.') + 1, good.size() - 2, good.size() - 1};
    std::size_t accepted = 0, tried = 0;
    const auto try_with = [&](std::size_t position, int flip) {
        auto bad = good;
        bad[position] = static_cast<char>(bad[position] ^ flip);
        ++tried;
        if (verify(bad, *set, expected, at())) ++accepted;
    };
    for (std::size_t position = 0; position < good.size(); ++position) {
        if (thorough.count(position) == 1)
            for (int flip = 1; flip < 256; ++flip)
                try_with(position, flip);
        else
            for (const int flip : {0x01, 0x02, 0x04, 0x20, 0x80})
                try_with(position, flip);
    }
    CHECK(tried > 5 * good.size());
    CHECK(accepted == 0);
}

TEST_CASE("a good token with a byte more or less is refused")
{
    const auto good = test::session_token(test::make_key());
    for (std::size_t size = 0; size < good.size(); ++size) {
        CAPTURE(size);
        CHECK(denial_of(good.substr(0, size)));
    }
    for (const char more : {'A', '=', '.', ' ', '\n', '\0'}) {
        CHECK(denial_of(good + more));
        CHECK(denial_of(more + good));
    }
}

TEST_CASE("another key's signature is refused under a known id")
{
    const auto& evil = test::make_key("ins_evil");
    const auto token =
        test::sign(evil, test::session_header(test::make_key()), test::session_claims());
    CHECK(denial_of(token) == Denial::token_signature);
}

TEST_CASE("the key id is told only for a token a new key could make good")
{
    const auto named = [](std::string_view kid) {
        return with_header(R"({"alg":"RS256","kid":")" + std::string(kid) + "\"}");
    };
    CHECK(unverified_key_id(named("ins_new")) == "ins_new");
    CHECK(unverified_key_id(named(std::string(256, 'k'))) == std::string(256, 'k'));
    CHECK(unverified_key_id(named(std::string(257, 'k'))).empty());
    CHECK(unverified_key_id(named("a b")).empty());
    CHECK(unverified_key_id(named(R"(a\u0000b)")).empty());
    CHECK(unverified_key_id(named(R"(a\r\nb)")).empty());
    CHECK(unverified_key_id(named(R"(\u00e4)")).empty());
    CHECK(unverified_key_id("").empty());
    CHECK(unverified_key_id("not.a.token").empty());
    CHECK(unverified_key_id(with_header(R"({"alg":"RS256"})")).empty());
    CHECK(unverified_key_id(with_header(header_plus(R"("cat":"cl_B7d4PD222AAA")"))).empty());
    CHECK(unverified_key_id(with_header(header_plus(R"("crit":[])"))).empty());
}

TEST_CASE("a token is peeked at without being believed")
{
    const auto& evil = test::make_key("ins_evil");
    const auto seen = peek(test::session_token(evil));
    CHECK(seen.decodes);
    CHECK(seen.issuer == "https://clerk.example.com");
    CHECK_FALSE(seen.issuer_is_other);
    CHECK(seen.issued_at == test::mint_time - 10);
    CHECK(seen.expires == test::mint_time + 50);

    struct Row {
        std::string_view json;
        std::string_view issuer;
        bool other;
    };
    const Row rows[] = {{"", "", false}, {"null", "", false}, {R"("")", "", false},
        {"123", "", true}, {"[]", "", true}, {R"("x")", "x", false}};
    for (const auto& row : rows) {
        CAPTURE(row.json);
        const auto odd = peek(with_claim("iss", std::string(row.json)));
        CHECK(odd.decodes);
        CHECK(odd.issuer == row.issuer);
        CHECK(odd.issuer_is_other == row.other);
    }
    CHECK_FALSE(peek("").decodes);
    CHECK_FALSE(peek("a.b.c").decodes);
    CHECK_FALSE(peek(with_claim("iat", R"("x")")).issued_at);
    CHECK_FALSE(peek(with_claim("exp", "")).expires);
}
