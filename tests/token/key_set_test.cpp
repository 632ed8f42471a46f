#include "orggate/token/key_set.hpp"

#include "orggate/token/verify.hpp"
#include "support/mint.hpp"
#include "token/signature.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

using namespace orggate;
using namespace orggate::token;

namespace {

std::string set_of(const std::string& jwk)
{
    return R"({"keys":[)" + jwk + "]}";
}

// The default key with members replaced or added; empty text takes one away.
std::string jwk(const std::vector<test::RawClaim>& changes, const test::SigningPair& key)
{
    std::vector<test::RawClaim> members{{"kty", R"("RSA")"}, {"use", R"("sig")"},
        {"kid", '"' + key.kid + '"'}, {"alg", R"("RS256")"}, {"n", '"' + key.modulus + '"'},
        {"e", '"' + key.exponent + '"'}};
    for (const auto& change : changes) {
        bool replaced = false;
        for (auto& member : members) {
            if (member.name != change.name) continue;
            member.json = change.json;
            replaced = true;
        }
        if (!replaced) members.push_back(change);
    }
    std::string out = "{";
    for (const auto& member : members)
        if (!member.json.empty())
            out += (out.size() > 1 ? ",\"" : "\"") + member.name + "\":" + member.json;
    return out + "}";
}

std::string number(std::string_view bytes)
{
    return '"' + test::base64url(bytes) + '"';
}

}  // namespace

TEST_CASE("a key set is read and its keys are found by exact id")
{
    const auto& one = test::make_key("ins_one");
    const auto& two = test::make_key("ins_two");
    const auto set = KeySet::parse_jwks(test::jwks({one, two}));
    REQUIRE(set);
    CHECK((*set)->size() == 2);
    CHECK((*set)->find("ins_one") != nullptr);
    CHECK((*set)->find("ins_two") != nullptr);
    CHECK((*set)->find("ins_one") != (*set)->find("ins_two"));
    for (const std::string_view id :
        {"", "ins_", "ins_on", "ins_one ", "INS_ONE", "ins_one2", "../ins_one", "*", "' OR 1=1"}) {
        CAPTURE(id);
        CHECK((*set)->find(id) == nullptr);
    }
    CHECK((*set)->find(std::string_view("ins_one\0", 8)) == nullptr);
}

TEST_CASE("members that cannot verify a session token are left out")
{
    const auto& good = test::make_key("ins_one");
    const auto& key = test::make_key("ins_two");
    const auto& small = test::make_key("ins_small", 1024);
    const auto& almost = test::make_key("ins_almost", 2040);
    struct Row {
        std::string_view name;
        std::string jwk;
        bool usable;
    };
    const Row rows[] = {
        {"unchanged", jwk({}, key), true},
        {"no alg", jwk({{"alg", ""}}, key), true},
        {"RS512", jwk({{"alg", R"("RS512")"}}, key), true},
        {"no use", jwk({{"use", ""}}, key), true},
        {"key_ops verify", jwk({{"key_ops", R"(["verify"])"}}, key), true},
        {"key_ops sign and verify", jwk({{"key_ops", R"(["sign","verify"])"}}, key), true},
        {"unknown member", jwk({{"x5t", R"("abc")"}}, key), true},
        {"use enc", jwk({{"use", R"("enc")"}}, key), false},
        {"use a number", jwk({{"use", "1"}}, key), false},
        {"key_ops encrypt", jwk({{"key_ops", R"(["encrypt"])"}}, key), false},
        {"key_ops empty", jwk({{"key_ops", "[]"}}, key), false},
        {"key_ops a text", jwk({{"key_ops", R"("verify")"}}, key), false},
        {"key_ops of numbers", jwk({{"key_ops", "[1]"}}, key), false},
        {"alg PS256", jwk({{"alg", R"("PS256")"}}, key), false},
        {"alg HS256", jwk({{"alg", R"("HS256")"}}, key), false},
        {"alg a number", jwk({{"alg", "256"}}, key), false},
        {"alg empty", jwk({{"alg", R"("")"}}, key), false},
        {"type EC", jwk({{"kty", R"("EC")"}}, key), false},
        {"type unknown", jwk({{"kty", R"("LATTICE")"}}, key), false},
        {"type missing", jwk({{"kty", ""}}, key), false},
        {"symmetric", R"({"kty":"oct","kid":"ins_two","alg":"HS256","k":"AAAA"})", false},
        {"private half published", jwk({{"d", R"("AQAB")"}}, key), false},
        {"prime published", jwk({{"p", R"("AQAB")"}}, key), false},
        {"no kid", jwk({{"kid", ""}}, key), false},
        {"kid empty", jwk({{"kid", R"("")"}}, key), false},
        {"kid a number", jwk({{"kid", "7"}}, key), false},
        {"no modulus", jwk({{"n", ""}}, key), false},
        {"modulus empty", jwk({{"n", R"("")"}}, key), false},
        {"modulus padded", jwk({{"n", '"' + key.modulus + "=\""}}, key), false},
        {"modulus of 1024 bits", jwk({}, small), false},
        {"modulus of 2040 bits", jwk({}, almost), false},
        {"modulus of 2047 bits", jwk({{"n", number("\x7F" + std::string(255, '\xFF'))}}, key),
            false},
        {"modulus of 2048 bits", jwk({{"n", number(std::string(256, '\xFF'))}}, key), true},
        {"modulus of 8192 bits", jwk({{"n", number(std::string(1024, '\xFF'))}}, key), true},
        {"modulus of 8193 bits", jwk({{"n", number("\x01" + std::string(1024, '\xFF'))}}, key),
            false},
        {"modulus of 16384 bits", jwk({{"n", number(std::string(2048, '\xFF'))}}, key), false},
        {"modulus even", jwk({{"n", number(std::string(255, '\xFF') + "\xFE")}}, key), false},
        {"no exponent", jwk({{"e", ""}}, key), false},
        {"exponent zero", jwk({{"e", number(std::string_view("\0", 1))}}, key), false},
        {"exponent 1", jwk({{"e", number("\x01")}}, key), false},
        {"exponent 2", jwk({{"e", number("\x02")}}, key), false},
        {"exponent 3", jwk({{"e", number("\x03")}}, key), true},
        {"exponent even", jwk({{"e", number("\x01\x02")}}, key), false},
        {"exponent 2^32 - 1", jwk({{"e", number("\xFF\xFF\xFF\xFF")}}, key), true},
        {"exponent 2^32 + 1", jwk({{"e", number(std::string_view("\1\0\0\0\1", 5))}}, key), false},
        {"exponent of 2000 bits", jwk({{"e", number(std::string(250, '\xFF'))}}, key), false},
        {"not an object", "7", false},
        {"null", "null", false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto set = KeySet::parse_jwks(set_of(good.jwk + "," + row.jwk));
        REQUIRE(set);
        CHECK((*set)->size() == (row.usable ? 2 : 1));
        CHECK((*set)->find("ins_one") != nullptr);
        // Alone, an unusable key makes an unusable set.
        CHECK(KeySet::parse_jwks(set_of(row.jwk)).has_value() == row.usable);
    }
}

TEST_CASE("a set that is unclear as a whole is refused whole")
{
    const auto& key = test::make_key("ins_one");
    const auto repeated = [&key](int count) {
        std::string keys;
        for (int i = 0; i < count; ++i)
            keys += (i == 0 ? "" : ",") + jwk({{"kid", "\"k" + std::to_string(i) + '"'}}, key);
        return set_of(keys);
    };
    struct Row {
        std::string_view name;
        std::string text;
    };
    const Row rows[] = {
        {"nothing", ""},
        {"a web page", "<!doctype html><title>502</title>"},
        {"truncated", test::jwks({key}).substr(0, 100)},
        {"a list", "[" + key.jwk + "]"},
        {"no keys member", "{}"},
        {"keys an object", R"({"keys":{}})"},
        {"keys null", R"({"keys":null})"},
        {"keys empty", R"({"keys":[]})"},
        {"keys twice", R"({"keys":[)" + key.jwk + R"(],"keys":[]})"},
        {"an id twice", set_of(key.jwk + "," + key.jwk)},
        {"an id twice, one unusable", set_of(key.jwk + "," + jwk({{"use", R"("enc")"}}, key))},
        {"a member twice", set_of(R"({"kty":"RSA","kty":"oct"})")},
        {"33 keys", repeated(33)},
        {"1000 keys", repeated(1000)},
        {"bytes after", test::jwks({key}) + "x"},
        {"over 256 KiB", test::jwks({key}) + std::string(256 * 1024, ' ')},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto set = KeySet::parse_jwks(row.text);
        CHECK_FALSE(set);
        CHECK_FALSE(set.error().empty());
    }
    const auto most = KeySet::parse_jwks(repeated(32));
    REQUIRE(most);
    CHECK((*most)->size() == 32);
}

TEST_CASE("a PEM key answers every id, in every form it is pasted")
{
    const auto& key = test::make_key("ins_one");
    std::string escaped, bare, one_line, crlf;
    std::string_view rest = key.pem;
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        const std::string line(rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        escaped += line + "\\n";
        one_line += line;
        crlf += line + "\r\n";
        if (line.front() != '-') bare += line;
    }
    struct Row {
        std::string_view name;
        std::string text;
    };
    const Row rows[] = {
        {"as written", key.pem},
        {"literal line ends", escaped},
        {"one line", one_line},
        {"bare base64", bare},
        {"carriage returns", crlf},
        {"space around", "  " + key.pem + "  \n"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto set = KeySet::parse_pem(row.text);
        REQUIRE(set);
        CHECK((*set)->size() == 1);
        CHECK((*set)->find("anything") != nullptr);
        CHECK((*set)->find("") != nullptr);
        CHECK((*set)->find("anything")->allows(Algorithm::rs256));
        CHECK_FALSE((*set)->find("anything")->allows(Algorithm::rs384));
    }
}

TEST_CASE("what is no PEM public RSA key is refused")
{
    const auto& key = test::make_key("ins_one");
    std::string url_alphabet = key.pem;
    for (char& c : url_alphabet)
        c = c == '+' ? '-' : c;
    REQUIRE(url_alphabet != key.pem);
    struct Row {
        std::string_view name;
        std::string text;
    };
    const Row rows[] = {
        {"nothing", ""},
        {"words", "not a key"},
        {"only the frame", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"},
        {"cut short", key.pem.substr(0, 200)},
        {"bytes after", key.pem + "AAAA"},
        {"two keys", key.pem + key.pem},
        {"1024 bits", test::make_key("ins_small", 1024).pem},
        {"URL alphabet", url_alphabet},
        {"private frame", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"},
        {"an EC key", "-----BEGIN PUBLIC KEY-----\n"
                      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE04N0xi21hshyvBp7I167sbE/bXqyqkAP"
                      "fefdklMO7wZQjy74LTprtQeNK0+7BrzUHV8sB8MH3FO2L/J8z9zVXw==\n"
                      "-----END PUBLIC KEY-----\n"},
        {"a secret key of Clerk", "sk_test_abcdefghijklmnop"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto set = KeySet::parse_pem(row.text);
        CHECK_FALSE(set);
        if (!set) CHECK(set.error().find("sk_test") == std::string::npos);
    }
}

TEST_CASE("one set serves several threads at once")
{
    const auto& pair = test::make_key("ins_one");
    const auto set = *KeySet::parse_jwks(test::jwks({pair}));
    const auto token = test::session_token(pair);
    std::atomic<int> good{0}, bad{0};
    const auto work = [&] {
        for (int i = 0; i < 50; ++i) {
            if (verify(token, *set, {}, test::at())) ++good;
            if (verify(token + "AAAA", *set, {}, test::at())) ++bad;
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back(work);
    for (auto& thread : threads)
        thread.join();
    CHECK(good == 200);
    CHECK(bad == 0);
}
