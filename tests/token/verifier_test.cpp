#include "orggate/token/verifier.hpp"

#include "support/mint.hpp"

#include <doctest/doctest.h>

using namespace orggate;
using namespace orggate::token;
using test::at;

namespace {

const Expectations expected{{"https://clerk.example.com"}, {"https://app.example.com"}};

Verifier verifier(std::size_t capacity = 16)
{
    const auto keys = KeySet::parse_jwks(test::jwks({test::make_key()}));
    REQUIRE(keys);
    return Verifier(*keys, expected, 42, capacity);
}

std::string token_of(std::string_view user)
{
    test::SessionClaims claims;
    claims.user = user;
    return test::session_token(test::make_key(), claims);
}

}  // namespace

TEST_CASE("a token is verified once and remembered")
{
    auto cache = verifier();
    const auto token = token_of("user_2a");
    const auto first = cache.verify(token, at());
    REQUIRE(first.has_value());
    CHECK(cache.misses() == 1);
    CHECK(cache.hits() == 0);
    const auto second = cache.verify(std::string(token), at(Milliseconds{1000}));
    REQUIRE(second.has_value());
    CHECK(*second == *first);  // the same object
    CHECK(cache.misses() == 1);
    CHECK(cache.hits() == 1);
    CHECK(cache.recall(token) == *first);
}

TEST_CASE("times are checked on every use of a remembered token")
{
    auto cache = verifier();
    const auto token = token_of("user_2a");
    REQUIRE(cache.verify(token, at()).has_value());
    CHECK(cache.verify(token, at(Milliseconds{54'999})).has_value());
    CHECK(cache.verify(token, at(Milliseconds{55'000})).error() == Denial::token_expired);
    CHECK(cache.recall(token) == nullptr);  // dropped
    CHECK(cache.verify(token, at(Milliseconds{55'000})).error() == Denial::token_expired);
    // The clock goes back: verified anew, and again refused where it went too far.
    CHECK(cache.verify(token, at()).has_value());
    CHECK(cache.verify(token, at(Milliseconds{-15'001})).error() == Denial::token_not_active_yet);
}

TEST_CASE("a refused token is not remembered, whoever's tail it borrows")
{
    auto cache = verifier();
    const auto good = token_of("user_2a");
    REQUIRE(cache.verify(good, at()).has_value());
    // Same signature, other payload: the hash of the tail is the same.
    const auto other = token_of("user_2b");
    const auto forged = other.substr(0, other.rfind('.')) + good.substr(good.rfind('.'));
    CHECK(cache.verify(forged, at()).error() == Denial::token_signature);
    CHECK(cache.verify(forged, at()).error() == Denial::token_signature);
    CHECK(cache.recall(forged) == nullptr);
    CHECK(cache.recall(good) != nullptr);
    CHECK(cache.hits() == 0);
    CHECK(cache.misses() == 3);
    CHECK(cache.verify("", at()).error() == Denial::token_malformed);
    CHECK(cache.verify("x", at()).error() == Denial::token_malformed);
}

TEST_CASE("one byte changed anywhere is another token")
{
    auto cache = verifier();
    const auto good = token_of("user_2a");
    REQUIRE(cache.verify(good, at()).has_value());
    for (std::size_t i = 0; i < good.size(); ++i) {
        auto bad = good;
        bad[i] = static_cast<char>(bad[i] ^ 1);
        CHECK(cache.recall(bad) == nullptr);
    }
    CHECK(cache.verify(good, at()).has_value());
    CHECK(cache.hits() == 1);
}

TEST_CASE("the least recently used leaves first, and the size is bounded")
{
    auto cache = verifier(2);
    const auto a = token_of("user_2a"), b = token_of("user_2b"), c = token_of("user_2c");
    REQUIRE(cache.verify(a, at()).has_value());
    REQUIRE(cache.verify(b, at()).has_value());
    REQUIRE(cache.verify(a, at()).has_value());  // now b is the older
    REQUIRE(cache.verify(c, at()).has_value());
    CHECK(cache.recall(a) != nullptr);
    CHECK(cache.recall(b) == nullptr);
    CHECK(cache.recall(c) != nullptr);
    REQUIRE(cache.verify(b, at()).has_value());
    CHECK(cache.recall(a) == nullptr);
    CHECK(cache.hits() == 1);
}

TEST_CASE("a session handed out outlives its entry")
{
    auto cache = verifier(1);
    const auto session = cache.verify(token_of("user_2a"), at());
    REQUIRE(session.has_value());
    REQUIRE(cache.verify(token_of("user_2b"), at()).has_value());
    CHECK((*session)->user_id == "user_2a");
}

TEST_CASE("a verifier without room verifies every time")
{
    auto cache = verifier(0);
    const auto token = token_of("user_2a");
    CHECK(cache.verify(token, at()).has_value());
    CHECK(cache.verify(token, at()).has_value());
    CHECK(cache.misses() == 2);
}

TEST_CASE("without keys nothing can be told")
{
    Verifier cache(nullptr, expected, 1);
    CHECK(cache.verify(token_of("user_2a"), at()).error() == Denial::keys_unavailable);
    CHECK(cache.verify("", at()).error() == Denial::keys_unavailable);
    CHECK(cache.recall(token_of("user_2a")) == nullptr);
}

TEST_CASE("a verifier can be moved with what it knows")
{
    auto first = verifier();
    const auto token = token_of("user_2a");
    REQUIRE(first.verify(token, at()).has_value());
    Verifier second = std::move(first);
    CHECK(second.verify(token, at()).has_value());
    CHECK(second.hits() == 1);
}
