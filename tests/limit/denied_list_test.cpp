#include "orggate/limit/denied_list.hpp"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using namespace orggate;
using limit::Check;
using limit::Denied;
using limit::DeniedList;
using limit::Quota;

namespace {

Instant at(std::chrono::microseconds since_1970)
{
    Instant made;
    made.wall = std::chrono::system_clock::time_point(since_1970);
    return made;
}

Quota quota(std::string name)
{
    Quota made;
    made.name = std::move(name);
    return made;
}

Check check(const Quota& quota, std::string_view subject)
{
    Check made;
    made.limit = "the limit, not the quota";
    made.subject = subject;
    made.quota = &quota;
    return made;
}

// "subject/limit*times", the latest first.
std::vector<std::string> texts(const std::vector<Denied>& rows)
{
    std::vector<std::string> out;
    for (const Denied& row : rows)
        out.push_back(row.subject + "/" + row.limit + "*" + std::to_string(row.times));
    return out;
}

using Texts = std::vector<std::string>;
const Quota api = quota("api"), hourly = quota("api-1h");

}  // namespace

TEST_CASE("who was refused is listed once per quota, the latest first")
{
    DeniedList list;
    CHECK(list.lately(60s, at(0s)).empty());
    list.note(check(api, "org_a"), at(101s));
    list.note(check(api, "org_b"), at(102s));
    list.note(check(hourly, "org_a"), at(103s));
    list.note(check(api, "org_a"), at(104s));
    const auto rows = list.lately(60s, at(110s));
    CHECK(texts(rows) == Texts{"org_a/api*2", "org_a/api-1h*1", "org_b/api*1"});
    CHECK(rows[0].last == at(104s).wall);
}

TEST_CASE("only the last span is listed")
{
    DeniedList list;
    list.note(check(api, "org_a"), at(100s));
    list.note(check(api, "org_b"), at(130s));
    CHECK(texts(list.lately(60s, at(160s - 1us))) == Texts{"org_b/api*1", "org_a/api*1"});
    CHECK(texts(list.lately(60s, at(160s))) == Texts{"org_b/api*1"});
    CHECK(list.lately(60s, at(190s)).empty());
    list.note(check(api, "org_a"), at(200s));
    CHECK(texts(list.lately(1s, at(200s))) == Texts{"org_a/api*2"});
}

TEST_CASE("a full list forgets the one that was silent longest")
{
    DeniedList list(3);
    for (const char* subject : {"org_a", "org_b", "org_c", "org_a", "org_d"})
        list.note(check(api, subject), at(100s));
    CHECK(texts(list.lately(60s, at(100s))) == Texts{"org_d/api*1", "org_a/api*2", "org_c/api*1"});
    list.note(check(api, "org_b"), at(100s));  // it starts anew
    CHECK(texts(list.lately(60s, at(100s))) == Texts{"org_b/api*1", "org_d/api*1", "org_a/api*2"});
}

TEST_CASE("a list for nobody holds one")
{
    DeniedList list(0);
    list.note(check(api, "org_a"), at(1s));
    list.note(check(api, "org_b"), at(1s));
    CHECK(texts(list.lately(60s, at(1s))) == Texts{"org_b/api*1"});
}

TEST_CASE("forgetting a subject takes all its rows and no other")
{
    DeniedList list;
    for (const char* subject : {"org_a", "org_ab", "org_b"})
        for (const Quota* q : {&api, &hourly})
            list.note(check(*q, subject), at(100s));
    list.forget("org_a");
    list.forget("org_unknown");
    CHECK(texts(list.lately(60s, at(100s))) ==
          Texts{"org_b/api-1h*1", "org_b/api*1", "org_ab/api-1h*1", "org_ab/api*1"});
    list.note(check(api, "org_a"), at(101s));
    CHECK(texts(list.lately(60s, at(101s)))[0] == "org_a/api*1");
}

TEST_CASE("clocks that were read in another order do not disturb the order")
{
    DeniedList list;
    list.note(check(api, "org_a"), at(102s));
    list.note(check(api, "org_b"), at(101s));
    list.note(check(api, "org_a"), at(100s));
    const auto rows = list.lately(60s, at(103s));
    CHECK(texts(rows) == Texts{"org_a/api*2", "org_b/api*1"});
    CHECK(rows[0].last == at(102s).wall);
}

TEST_CASE("threads that note, list and forget keep every count and the bound")
{
    DeniedList list(64);
    std::vector<std::thread> running;
    for (int t = 0; t < 4; ++t)
        running.emplace_back([&list, t] {
            for (int i = 0; i < 2000; ++i) {
                list.note(check(api, "org_hot"), at(100s));
                list.note(check(api, "org_" + std::to_string(t * 2000 + i)), at(100s));
                if (i % 100 == 0) list.forget("org_" + std::to_string(t * 2000 + i));
                if (i % 100 == 50) list.lately(60s, at(100s));
            }
        });
    for (std::thread& thread : running)
        thread.join();
    const auto rows = list.lately(60s, at(100s));
    CHECK(rows.size() == 64);
    std::uint64_t hot = 0;
    for (const Denied& row : rows)
        if (row.subject == "org_hot") hot = row.times;
    CHECK(hot == 8000);
}
