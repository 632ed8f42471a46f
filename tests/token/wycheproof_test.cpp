// The published vectors of C2SP/wycheproof (Apache-2.0, see tests/data/LICENSE-wycheproof):
// RS256, RS384 and RS512 as marked, everything else refused whatever its mark.

#include "orggate/token/key_set.hpp"
#include "support/mint.hpp"
#include "token/base64url.hpp"
#include "token/jws.hpp"
#include "token/signature.hpp"
#include "token/token_header.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

using namespace orggate;
using namespace orggate::token;

namespace {

namespace bj = boost::json;

bj::array groups_of(const std::string& file)
{
    std::ifstream in(std::string(ORGGATE_TEST_DATA) + "/" + file, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(in), {});
    REQUIRE_FALSE(text.empty());
    return bj::parse(text).at("groups").as_array();
}

std::string text_of(const bj::value& value, const char* name)
{
    const auto* member = value.as_object().if_contains(name);
    if (member == nullptr) return {};
    return member->is_string() ? std::string(member->as_string().c_str()) : bj::serialize(*member);
}

std::shared_ptr<const KeySet> key_set(const std::string& text)
{
    auto set = KeySet::parse_jwks(text);
    return set ? *set : nullptr;
}

// All of a JWS but its payload's meaning: shape, algorithm, key choice, signature.
bool is_accepted(std::string_view compact, const KeySet* keys)
{
    if (keys == nullptr) return false;
    const auto jws = split_compact(compact);
    if (!jws) return false;
    const auto object = json::parse_object(jws->header);
    if (!object) return false;
    const auto header = read_token_header(*object);
    if (!header) return false;
    const auto* key = keys->find(header->key_id);
    return key != nullptr && key->allows(header->algorithm) &&
           key->verifies(header->algorithm, jws->signing_input, jws->signature);
}

bool is_ours(const std::string& algorithm)
{
    return parse_algorithm(algorithm).has_value();
}

struct Tally {
    int accepted = 0, refused = 0;
};

}  // namespace

TEST_CASE("compact signatures of the three RSA algorithms are judged as marked")
{
    std::map<std::string, Tally> tallies;
    for (const auto& group : groups_of("wycheproof-jws-public.json")) {
        const auto& jwk = group.at("jwk");
        const auto algorithm = text_of(jwk, "alg");
        const auto keys = key_set(R"({"keys":[)" + bj::serialize(jwk) + "]}");
        CHECK((keys != nullptr) == is_ours(algorithm));
        for (const auto& vector : group.at("tests").as_array()) {
            CAPTURE(text_of(vector, "tcId"));
            const bool accepted = is_accepted(text_of(vector, "jws"), keys.get());
            CHECK(accepted == (is_ours(algorithm) && text_of(vector, "result") == "valid"));
            auto& tally = tallies[algorithm.empty() ? "no alg" : algorithm];
            ++(accepted ? tally.accepted : tally.refused);
        }
    }
    int total = 0;
    for (const auto& [algorithm, tally] : tallies) {
        MESSAGE("compact " << algorithm << ": " << tally.accepted << " accepted, " << tally.refused
                           << " refused");
        total += tally.accepted + tally.refused;
    }
    CHECK(total == 361);
    CHECK(tallies["RS256"].accepted > 0);
    CHECK(tallies["RS384"].accepted == 4);
    CHECK(tallies["RS512"].accepted == 4);
}

TEST_CASE("raw RSA signatures are judged as marked, and acceptable is refused")
{
    Tally tally;
    int acceptable = 0;
    for (const auto& group : groups_of("wycheproof-raw-RS256.json")) {
        const auto& jwk = group.at("jwk");
        const auto key = SigningKey::from_numbers(*decode_base64url(text_of(jwk, "n")),
            *decode_base64url(text_of(jwk, "e")), Algorithm::rs256);
        REQUIRE(key);
        for (const auto& vector : group.at("tests").as_array()) {
            CAPTURE(text_of(vector, "tcId"));
            const auto message = decode_base64url(text_of(vector, "msg"));
            const auto signature = decode_base64url(text_of(vector, "sig"));
            REQUIRE(message);
            REQUIRE(signature);
            const bool accepted = key->verifies(Algorithm::rs256, *message, *signature);
            CHECK(accepted == (text_of(vector, "result") == "valid"));
            acceptable += text_of(vector, "result") == "acceptable" ? 1 : 0;
            ++(accepted ? tally.accepted : tally.refused);
        }
    }
    MESSAGE("raw RS256: " << tally.accepted << " accepted, " << tally.refused << " refused, "
                          << acceptable << " of them acceptable");
    CHECK(tally.accepted == 9);
    CHECK(tally.refused == 250);
    CHECK(acceptable == 1);
}

TEST_CASE("tokens under a bad key set are refused, under a good one judged as marked")
{
    // The symmetric set's token is valid as an HMAC; we have no HMAC.
    Tally tally;
    for (const auto& group : groups_of("wycheproof-jwks.json")) {
        const auto keys = key_set(bj::serialize(group.at("jwks")));
        for (const auto& vector : group.at("tests").as_array()) {
            CAPTURE(text_of(vector, "tcId"));
            const bool wanted = text_of(vector, "tcId") == "5";
            if (wanted) CHECK(text_of(vector, "result") == "valid");
            const bool accepted = is_accepted(text_of(vector, "jws"), keys.get());
            CHECK(accepted == wanted);
            ++(accepted ? tally.accepted : tally.refused);
        }
    }
    MESSAGE("key sets: " << tally.accepted << " accepted, " << tally.refused << " refused");
    CHECK(tally.accepted == 1);
    CHECK(tally.refused == 15);
}

TEST_CASE("splitter and decoder take the well-formed HMAC tokens apart, and the gate refuses all")
{
    // Marked valid, but with a character that is no base64url digit: we are stricter.
    const std::set<std::string> stricter{"372", "373"};
    // Marked invalid for their padding, but in the file they have none: the bytes of 357.
    const std::set<std::string> lost_padding{"367", "370"};
    const auto& rsa = test::make_key("kid-aes-sign");
    const auto& other = test::make_key("hs256-key");
    const auto gate_keys = key_set(test::jwks({rsa, other}));
    Tally shapes;
    int count = 0;
    std::string unpadded;
    for (const auto& group : groups_of("wycheproof-jws-shape.json")) {
        const auto secret = decode_base64url(text_of(group.at("jwk"), "k"));
        REQUIRE(secret);
        for (const auto& vector : group.at("tests").as_array()) {
            const auto id = text_of(vector, "tcId"), compact = text_of(vector, "jws");
            CAPTURE(id);
            ++count;
            CHECK_FALSE(is_accepted(compact, gate_keys.get()));

            const auto jws = split_compact(compact);
            bool genuine = false;
            if (jws) {
                std::array<unsigned char, 32> mac{};
                HMAC(EVP_sha256(), secret->data(), static_cast<int>(secret->size()),
                    reinterpret_cast<const unsigned char*>(jws->signing_input.data()),
                    jws->signing_input.size(), mac.data(), nullptr);
                genuine = jws->signature ==
                          std::string_view(reinterpret_cast<const char*>(mac.data()), mac.size());
            }
            const bool marked = text_of(vector, "result") == "valid";
            if (id == "357") unpadded = compact;
            if (lost_padding.count(id) == 1) {
                CHECK(compact == unpadded);
                CHECK_FALSE(split_compact(compact + "="));
            } else {
                CHECK(genuine == (marked && stricter.count(id) == 0));
            }
            ++(genuine ? shapes.accepted : shapes.refused);
        }
    }
    MESSAGE("shapes: " << shapes.accepted << " taken apart and genuine as HMAC, " << shapes.refused
                       << " not; all " << count << " refused by the gate");
    CHECK(count == 38);
    CHECK(shapes.accepted == 8);
}
