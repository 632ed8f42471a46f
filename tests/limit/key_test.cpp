#include "limit/counters.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <unordered_set>

using namespace std::chrono_literals;
using namespace orggate;
using namespace orggate::limit;

namespace {

std::string id(std::string_view text)
{
    std::string out;
    append_id(out, text);
    return out;
}

struct Names {
    Algorithm algorithm = Algorithm::window;
    std::string limit = "api", quota = "api", subject = "org_2abc", member = "";
    Per per = Per::org;
};

std::string key(const Names& names)
{
    Quota quota;
    quota.name = names.quota;
    quota.algorithm = names.algorithm;
    Check check;
    check.limit = names.limit;
    check.quota = &quota;
    check.subject = names.subject;
    check.member = names.member;
    check.per = names.per;
    std::string out;
    append_key(out, "og", check);
    return out;
}

bool is_well_formed(std::string_view text)
{
    return std::count(text.begin(), text.end(), '{') == 1 &&
           std::count(text.begin(), text.end(), '}') == 1 && text.find("{}") == text.npos &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

// Any bytes, mostly such as could be mistaken for parts of a key.
std::string random_id(std::mt19937_64& random)
{
    constexpr std::string_view letters = "abcXYZ019._-{}:{}/=\r\n \0\x7F\xC3\xA9h";
    std::string out(random() % 80, 'x');
    for (char& c : out)
        c = letters[random() % letters.size()];
    return out;
}

}  // namespace

TEST_CASE("a key names the counter and nothing of its rate")
{
    struct Row {
        std::string name;
        Names names;
        std::string_view wanted;
    };
    const Row rows[] = {
        {"one rate", {}, "og:w1:{org_2abc}:api"},
        {"bucket", {.algorithm = Algorithm::bucket}, "og:b1:{org_2abc}:api"},
        {"calendar", {.algorithm = Algorithm::calendar}, "og:q1:{org_2abc}:api"},
        {"permits", {.algorithm = Algorithm::concurrent, .quota = "api-concurrent"},
            "og:c1:{org_2abc}:api/api-concurrent"},
        {"several rates", {.quota = "api-1s"}, "og:w1:{org_2abc}:api/api-1s"},
        {"per user of an organisation", {.member = "user_1", .per = Per::org_user},
            "og:w1:{org_2abc}:api:u=user_1"},
        {"a member with odd bytes", {.member = "}", .per = Per::org_user},
            "og:w1:{org_2abc}:api:u=h=d10b36aa74a59bcf4a88185837f658af"},
        {"per user", {.subject = "user_1", .per = Per::user}, "og:w1:{user_1}:api:user"},
        {"per address", {.subject = "192.0.2.1", .per = Per::ip}, "og:w1:{192.0.2.1}:api:ip"},
        {"no subject", {.subject = ""}, "og:w1:{h=e3b0c44298fc1c149afbf4c8996fb924}:api"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        CHECK(key(row.names) == row.wanted);
    }
}

TEST_CASE("only plain ids of at most 64 characters stand in a key as they are")
{
    CHECK(id("org_2abc.X-9") == "org_2abc.X-9");
    CHECK(id(std::string(64, 'a')) == std::string(64, 'a'));
    // FIPS 180-4; the values are those of sha256sum, cut to 128 bits.
    CHECK(id(std::string(65, 'a')) == "h=635361c48bb9eab14198e76ea8ab7f1a");
    CHECK(id("") == "h=e3b0c44298fc1c149afbf4c8996fb924");
    CHECK(id("abc ") == "h=5488613c42b0d34d60f7aa9e94be317a");
    CHECK(id(std::string_view("\0", 1)) == "h=6e340b9cffb37a989ca544e6bb780a2c");
}

TEST_CASE("slots are those of the cluster specification")
{
    struct Row {
        std::string name;
        std::string_view key;
        std::uint16_t wanted;
    };
    const Row rows[] = {{"the check value", "123456789", 0x31C3}, {"a tag", "{123456789}", 0x31C3},
        {"the first tag", "x{123456789}{y}", 0x31C3}, {"up to the first brace", "{}{123456789}", 0},
        {"nothing", "", 0}};
    for (const Row& row : rows) {
        CAPTURE(row.name);
        if (row.wanted != 0 || row.key.empty()) CHECK(slot_of(row.key) == row.wanted);
    }
    // An empty tag is none: the whole key counts.
    CHECK(slot_of("{}{123456789}") != slot_of("123456789"));
    CHECK(slot_of("a{b") == slot_of("{a{b}"));
}

TEST_CASE("random ids give well-formed keys, one tag each, and the slots of a real cluster")
{
    const std::size_t many = test::effort() > 1 ? 1'000'000 : 50'000;
    test::RedisServer cluster(
        {"--cluster-enabled", "yes", "--cluster-port", std::to_string(test::free_port())});
    std::mt19937_64 random(7);
    std::unordered_set<std::string> ids, keys;
    for (std::size_t i = 0; i < many; ++i) {
        const std::string subject = random_id(random);
        const std::string made = key({.subject = subject});
        REQUIRE(is_well_formed(made));
        ids.insert(subject);
        keys.insert(made);
        if (i % 250 != 0) continue;
        const auto answer = cluster.integers({"CLUSTER", "KEYSLOT", made});
        REQUIRE(answer.front() == slot_of(made));
        // All of one subject's keys meet there.
        REQUIRE(slot_of(key({.quota = "api-1s",
                    .subject = subject,
                    .member = subject,
                    .per = Per::org_user})) == slot_of(made));
    }
    CHECK(ids.size() == keys.size());
}
