#include "orggate/clerk/cookies.hpp"

#include "clerk/choose_cookies.hpp"
#include "support/mint.hpp"

#include <doctest/doctest.h>

#include <utility>

using namespace orggate;
using namespace orggate::clerk;
using test::at;

namespace {

constexpr std::string_view key_rest = "Y2xlcmsuaW5zcGlyZWQucHVtYS03NC5sY2wuZGV2JA";
constexpr std::string_view host = "clerk.inspired.puma-74.lcl.dev";

Instance instance(std::string_view mode)
{
    const auto parsed =
        parse_publishable_key("pk_" + std::string(mode) + "_" + std::string(key_rest));
    REQUIRE(parsed);
    return *parsed;
}

// A token nobody will verify; raw claims change its defaults.
std::string token_with(std::vector<test::RawClaim> raw)
{
    test::SessionClaims claims;
    claims.issuer = "https://" + std::string(host);
    claims.raw = std::move(raw);
    return test::base64url(R"({"alg":"RS256"})") + "." +
           test::base64url(test::session_claims(claims)) + ".c2ln";
}

std::string iat(std::int64_t offset)
{
    return std::to_string(test::mint_time + offset);
}

std::string own()
{
    return token_with({});
}

}  // namespace

TEST_CASE("a Cookie field is taken apart as the SDK does")
{
    struct Row {
        std::string_view name, header;
        std::vector<std::pair<std::string_view, std::string_view>> pairs;
    };
    const Row rows[] = {
        {"nothing", "", {}},
        {"one", "a=1", {{"a", "1"}}},
        {"two", "a=1; b=2", {{"a", "1"}, {"b", "2"}}},
        {"no space", "a=1;b=2", {{"a", "1"}, {"b", "2"}}},
        {"spaces and tabs", " \ta \t= \t1 \t;\tb=2", {{"a", "1"}, {"b", "2"}}},
        {"first equals sign", "a=b=c", {{"a", "b=c"}}},
        {"no equals sign", "a; b=2; c", {{"b", "2"}}},
        {"only separators", ";;; ;", {}},
        {"empty value", "a=", {{"a", ""}}},
        {"empty name", "=1", {{"", "1"}}},
        {"quotes stay", "a=\"1\"", {{"a", "\"1\""}}},
        {"comma is no separator", "a=1,b=2", {{"a", "1,b=2"}}},
        {"escapes stay", "a=%3Bb%3D2", {{"a", "%3Bb%3D2"}}},
        {"repeated", "a=1; a=2", {{"a", "1"}, {"a", "2"}}},
        {"trailing separator", "a=1;", {{"a", "1"}}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        std::vector<std::pair<std::string_view, std::string_view>> pairs;
        auto rest = row.header;
        while (const auto cookie = next_cookie(rest))
            pairs.emplace_back(cookie->name, cookie->value);
        CHECK(pairs == row.pairs);
        CHECK(rest.empty());
    }
}

TEST_CASE("a cookie is found by name and decoded, or is absent")
{
    struct Row {
        std::string_view name, header;
        std::optional<std::string> value;
    };
    const Row rows[] = {
        {"plain", "x=1; a=v", "v"},
        {"absent", "x=1", std::nullopt},
        {"empty is absent", "a=", std::nullopt},
        {"name in another case", "A=v", std::nullopt},
        {"name longer", "ab=v", std::nullopt},
        {"the same twice", "a=v; a=v", "v"},
        {"decoded", "a=%7Bb%7d%20", "{b} "},
        {"decoded after splitting", "a=x%3B%20b%3D2", "x; b=2"},
        {"decoded UTF-8", "a=%C3%A4%E2%82%AC%F0%9F%98%80", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"},
        {"raw UTF-8 stays", "a=\xC3\xA4", "\xC3\xA4"},
        {"plus stays", "a=b+c", "b+c"},
        {"cut escape stays raw", "a=100%", "100%"},
        {"cut escape stays raw, one digit", "a=%20%2", "%20%2"},
        {"no hexadecimal stays raw", "a=%20%zz", "%20%zz"},
        {"bad UTF-8 stays raw", "a=%20%ff", "%20%ff"},
        {"overlong stays raw", "a=%c0%af", "%c0%af"},
        {"overlong of three stays raw", "a=%e0%80%af", "%e0%80%af"},
        {"overlong of four stays raw", "a=%f0%80%80%af", "%f0%80%80%af"},
        {"surrogate stays raw", "a=%ed%a0%80", "%ed%a0%80"},
        {"beyond Unicode stays raw", "a=%f4%90%80%80", "%f4%90%80%80"},
        {"first byte beyond stays raw", "a=%f5%80%80%80", "%f5%80%80%80"},
        {"cut sequence stays raw", "a=%e2%82", "%e2%82"},
        {"broken third byte stays raw", "a=%e2%82%41", "%e2%82%41"},
        {"last character of Unicode", "a=%f4%8f%bf%bf", "\xF4\x8F\xBF\xBF"},
        {"before the surrogates", "a=%ed%9f%bf", "\xED\x9F\xBF"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto value = find_cookie(row.header, "a");
        REQUIRE(value.has_value());
        CHECK(*value == row.value);
    }
}

TEST_CASE("two different cookies of one name are ambiguous")
{
    for (const std::string_view header :
        {"a=1; a=2", "a=1; b=x; a=", "a=; a=1", "a=%31; a=1", "a=1; a=1; a=2", "a=1;a=\"1\""}) {
        CAPTURE(header);
        const auto value = find_cookie(header, "a");
        REQUIRE_FALSE(value.has_value());
        CHECK(value.error() == Denial::token_ambiguous);
    }
}

TEST_CASE("the plain or the suffixed cookies are chosen as the SDK does")
{
    const std::string u1 = "1717490192", u2 = "1717490193";
    const auto foreign = token_with({{"iss", R"("https://clerk.other.example")"}});
    const auto late = token_with({{"iat", iat(50)}}), early = token_with({{"iat", iat(-60)}});
    const auto over = token_with({{"exp", iat(0)}}), almost_over = token_with({{"exp", iat(1)}});
    const auto longer = token_with({{"jti", R"("x")"}});
    enum Set { plain, suffixed };
    struct Row {
        std::string_view name, mode;
        std::string plain_uat, suffixed_uat, plain_session, suffixed_session;  // empty: absent
        Set set;
    };
    const Row rows[] = {
        // The SDK's own vectors.
        {"plain only", "live", u1, "", own(), "", plain},
        {"plain later", "live", u1, u2, late, own(), plain},
        {"suffixed out", "test", u1, "0", own(), "", plain},
        {"both out", "live", "0", "0", own(), longer, suffixed},
        {"both in", "live", u1, u2, own(), own(), suffixed},
        {"plain foreign", "live", u1, u2, foreign, own(), suffixed},
        {"both out, dev", "test", "0", "0", own(), longer, suffixed},
        {"both out, no suffixed session", "live", "0", "0", own(), "", suffixed},
        {"issuer a number", "live", "", u2, token_with({{"iss", "123"}}), own(), suffixed},
        // Step 1: the plain token does not say whose it is.
        {"plain unreadable", "live", u1, u2, "nonsense", own(), plain},
        {"plain without issuer", "live", u1, u2, token_with({{"iss", ""}}), own(), plain},
        {"plain with empty issuer", "live", u1, u2, token_with({{"iss", R"("")"}}), own(), plain},
        {"plain with null issuer", "live", u1, u2, token_with({{"iss", "null"}}), own(), plain},
        // Step 2: schemes are stripped, the rest must be equal.
        {"issuer http", "live", u1, "",
            token_with({{"iss", "\"http://" + std::string(host) + '"'}}), "", plain},
        {"issuer HTTPS", "live", u1, "",
            token_with({{"iss", "\"HTTPS://" + std::string(host) + '"'}}), "", plain},
        {"issuer bare", "live", u1, "", token_with({{"iss", '"' + std::string(host) + '"'}}), "",
            plain},
        {"issuer with slash", "live", u1, "",
            token_with({{"iss", "\"https://" + std::string(host) + "/\""}}), "", suffixed},
        {"issuer longer", "live", u1, "",
            token_with({{"iss", "\"https://" + std::string(host) + ".evil\""}}), "", suffixed},
        {"foreign, nothing suffixed", "live", u1, "", foreign, "", suffixed},
        {"issuer a list", "live", u1, "", token_with({{"iss", "[]"}}), "", suffixed},
        // Step 3.
        {"no session at all", "live", u1, "", "", "", plain},
        {"nothing", "live", "", "", "", "", plain},
        // Step 4.
        {"plain later, no times", "live", "", "", late, early, plain},
        {"plain later, suffixed unreadable", "live", u1, u2, own(), "nonsense", plain},
        {"plain earlier", "live", u1, u2, early, own(), suffixed},
        {"plain later, plain out", "live", "0", u2, late, own(), suffixed},
        // Step 5.
        {"suffixed out, plain absent", "live", "", "0", "", own(), plain},
        {"suffixed out, plain in", "live", u1, "0", "", own(), plain},
        // Step 6, in development only.
        {"dev, suffixed over", "test", "0", u2, own(), over, plain},
        {"dev, suffixed almost over", "test", "0", u2, own(), almost_over, suffixed},
        {"live, suffixed over", "live", "0", u2, own(), over, suffixed},
        {"dev, suffixed over, none plain", "test", "0", u2, "", over, plain},
        // Step 7.
        {"no suffixed time", "live", u1, "", "", own(), plain},
        // Step 8.
        {"suffixed only", "live", "", u2, "", own(), suffixed},
        {"suffixed time only", "live", "", u2, "", "", suffixed},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto one = instance(row.mode);
        std::string header = "other=1";
        const auto add = [&header, &one](
                             std::string_view name, const std::string& value, bool with) {
            if (value.empty()) return;
            header +=
                "; " + std::string(name) + (with ? "_" + one.cookie_suffix : "") + "=" + value;
        };
        add("__session", row.plain_session, false);
        add("__session", row.suffixed_session, true);
        add("__client_uat", row.plain_uat, false);
        add("__client_uat", row.suffixed_uat, true);
        const auto chosen = choose_cookies(one, header, at());
        REQUIRE(chosen.has_value());
        CHECK(chosen->suffixed == (row.set == suffixed));
        const auto& session = row.set == suffixed ? row.suffixed_session : row.plain_session;
        const auto& uat = row.set == suffixed ? row.suffixed_uat : row.plain_uat;
        CHECK(chosen->session.value_or("") == session);
        CHECK(chosen->client_uat == (uat.empty() ? 0 : std::stoll(uat)));
    }
}

TEST_CASE("where both sets say the same, the suffixed counts as chosen")
{
    const auto one = instance("live");
    const auto token = own();
    const auto chosen = choose_cookies(one,
        "__session=" + token + "; __session_MqCvchyS=" + token +
            "; __client_uat=5; __client_uat_MqCvchyS=5",
        at());
    REQUIRE(chosen.has_value());
    CHECK(chosen->suffixed);
    CHECK(*chosen->session == token);
    CHECK(chosen->client_uat == 5);
}

TEST_CASE("another instance's suffix is another cookie")
{
    const auto chosen = choose_cookies(instance("live"),
        "__session_vWCgMp3A=" + own() + "; __client_uat_vWCgMp3A=5; __session_MqCvchyS2=x", at());
    REQUIRE(chosen.has_value());
    CHECK_FALSE(chosen->session);
    CHECK(chosen->client_uat == 0);
}

TEST_CASE("the time of the client is its leading integer")
{
    struct Row {
        std::string_view text;
        std::int64_t uat;
    };
    const Row rows[] = {
        {"12", 12},
        {"12abc", 12},
        {"abc", 0},
        {"", 0},
        {"0", 0},
        {"00", 0},
        {"007", 7},
        {"-5", -5},
        {"+5", 5},
        {"1.9", 1},
        {"%2012", 12},
        {"-", 0},
        {"9223372036854775807", INT64_MAX},
        {"9223372036854775808", INT64_MAX},
        {"99999999999999999999999999", INT64_MAX},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        const auto chosen =
            choose_cookies(instance("live"), "__client_uat=" + std::string(row.text), at());
        REQUIRE(chosen.has_value());
        CHECK(chosen->client_uat == row.uat);
    }
}

TEST_CASE("each of the four cookies may be there once")
{
    for (const std::string_view name :
        {"__session", "__session_MqCvchyS", "__client_uat", "__client_uat_MqCvchyS"}) {
        CAPTURE(name);
        const auto twice = [name](std::string_view second) {
            return std::string(name) + "=1; x=y; " + std::string(name) + "=" + std::string(second);
        };
        CHECK(choose_cookies(instance("live"), twice("1"), at()).has_value());
        const auto chosen = choose_cookies(instance("live"), twice("2"), at());
        REQUIRE_FALSE(chosen.has_value());
        CHECK(chosen.error() == Denial::token_ambiguous);
    }
    // Cookies that are not ours may repeat.
    CHECK(choose_cookies(
        instance("live"), "a=1; a=2; __session_vWCgMp3A=1; __session_vWCgMp3A=2", at())
              .has_value());
}

TEST_CASE("a token verified before is chosen like one decoded anew")
{
    const auto& key = test::make_key();
    const auto one = instance("live");
    test::SessionClaims claims;
    claims.issuer = "https://" + std::string(host);
    const auto now_token = test::session_token(key, claims);
    claims.issued += 5;
    const auto late_token = test::session_token(key, claims);
    claims.issuer = "https://clerk.other.example";
    const auto foreign_token = test::session_token(key, claims);
    claims.raw = {{"iss", "123"}};
    const auto number_token = test::session_token(key, claims);

    token::Verifier known(*token::KeySet::parse_jwks(test::jwks({key})), {}, 1);
    const std::string* tokens[] = {&now_token, &late_token, &foreign_token, &number_token};
    for (const auto* text : tokens)
        REQUIRE(known.verify(*text, at()).has_value());
    for (const auto* plain : tokens) {
        for (const auto* suffixed : tokens) {
            const auto header = "__session=" + *plain + "; __session_MqCvchyS=" + *suffixed +
                                "; __client_uat=1; __client_uat_MqCvchyS=1";
            const auto fresh = choose_cookies(one, header, at());
            const auto recalled = choose_cookies_with(&known, one, header, at());
            REQUIRE(fresh.has_value());
            REQUIRE(recalled.has_value());
            CHECK(fresh->suffixed == recalled->suffixed);
            CHECK(fresh->session == recalled->session);
        }
    }
}

TEST_CASE("cookies that carry credentials of Clerk are known by name")
{
    struct Row {
        std::string_view name;
        CookieKind kind;
    };
    const Row rows[] = {
        {"__session", CookieKind::session},
        {"__session_MqCvchyS", CookieKind::session},
        {"__session_jtYvyt_H", CookieKind::session},
        {"__session_tZJdb-5s", CookieKind::session},
        {"__refresh", CookieKind::refresh},
        {"__refresh_MqCvchyS", CookieKind::refresh},
        {"__clerk_handshake", CookieKind::handshake},
        {"__clerk_handshake_nonce", CookieKind::handshake},
        {"__clerk_db_jwt", CookieKind::handshake},
        {"__clerk_db_jwt_MqCvchyS", CookieKind::handshake},
        {"__client_uat", CookieKind::state},
        {"__client_uat_MqCvchyS", CookieKind::state},
        {"__clerk_redirect_count", CookieKind::state},
        {"__clerk_test_etld", CookieKind::state},
        {"clerk_active_context", CookieKind::state},
        {"", CookieKind::other},
        {"session", CookieKind::other},
        {"__Session", CookieKind::other},
        {"__session_", CookieKind::other},
        {"__session_short", CookieKind::other},
        {"__session_ninechars", CookieKind::other},
        {"__sessionMqCvchyS", CookieKind::other},
        {"__session_MqCv.hyS", CookieKind::other},
        {"__clerk_handshake_x", CookieKind::other},
        {"__orggate_loop", CookieKind::other},
        {"theme", CookieKind::other},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(cookie_kind(row.name) == row.kind);
    }
}
