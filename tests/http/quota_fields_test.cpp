#include "orggate/http/quota_fields.hpp"

#include "http/quota_list.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace std::chrono_literals;
using namespace orggate;
using http::QuotaFieldForms;
using limit::Check;
using limit::Decision;
using limit::Quota;

namespace {

constexpr QuotaFieldForms only_ietf{true, false, false};
constexpr QuotaFieldForms only_legacy{false, true, false};
constexpr QuotaFieldForms only_ietf06{false, false, true};

Quota quota(std::int64_t units, Microseconds window, std::string name)
{
    Quota made;
    made.units = units;
    made.window = window;
    made.name = std::move(name);
    return made;
}

Decision passed(std::int64_t remaining, Microseconds next_unit)
{
    Decision made;
    made.allowed = true;
    made.remaining = remaining;
    made.next_unit = next_unit;
    return made;
}

Decision refused(Microseconds wait, Microseconds next_unit = 1s)
{
    Decision made;
    made.wait = wait;
    made.next_unit = next_unit;
    return made;
}

// Checks and their answers, built side by side.
struct Asked {
    std::vector<Check> checks;
    std::vector<Decision> decisions;

    Asked& add(const Quota& q, const Decision& decision, bool enforced = true)
    {
        Check check;
        check.limit = "api";
        check.subject = "org_a";
        check.quota = &q;
        check.enforced = enforced;
        checks.push_back(check);
        decisions.push_back(decision);
        return *this;
    }

    http::Asked all() const { return {checks, decisions}; }

    std::string fields(const QuotaFieldForms& forms, Microseconds wall = 1'700'000'000s) const
    {
        std::string out;
        Instant now;
        now.wall = std::chrono::system_clock::time_point(wall);
        http::append_quota_fields(out, forms, all(), now);
        return out;
    }

    std::int64_t retry_after(double unit = 0) const { return http::retry_after(all(), unit); }
    std::size_t deciding() const { return http::deciding_check(all()); }
    std::vector<std::string_view> violated() const { return http::violated_policies(all()); }
};

Quota of(limit::Algorithm algorithm, Quota made)
{
    made.algorithm = algorithm;
    return made;
}

Quota bucket_of(std::int64_t units, Microseconds window, std::int64_t burst)
{
    Quota made = of(limit::Algorithm::bucket, quota(units, window, "b"));
    made.burst = burst;
    return made;
}

const Quota api = quota(100, 60s, "api");
const Quota second = quota(10, 1s, "api-1s");
const Quota hour = quota(1000, 1h, "api-1h");
const Quota permits = of(limit::Algorithm::concurrent, quota(50, 0s, "api-concurrent"));
const Quota day = of(limit::Algorithm::calendar, quota(5000, 24h, "api-1d"));

}  // namespace

TEST_CASE("the fields of one limit are as the draft shows them")
{
    CHECK(Asked().add(api, passed(57, 11'200ms)).fields(only_ietf) ==
          "RateLimit-Policy: \"api\";q=100;w=60\r\n"
          "RateLimit: \"api\";r=57;t=12\r\n");
}

TEST_CASE("several windows stand in one field, in their order")
{
    CHECK(Asked().add(second, passed(9, 900ms)).add(hour, passed(412, 8s)).fields(only_ietf) ==
          "RateLimit-Policy: \"api-1s\";q=10;w=1, \"api-1h\";q=1000;w=3600\r\n"
          "RateLimit: \"api-1s\";r=9;t=1, \"api-1h\";r=412;t=8\r\n");
}

TEST_CASE("t is left out when nothing is used, and never rounded down to nothing")
{
    CHECK(Asked().add(api, passed(100, 0s)).fields(only_ietf).ends_with(": \"api\";r=100\r\n"));
    CHECK(Asked().add(api, passed(99, 1us)).fields(only_ietf).ends_with(";r=99;t=1\r\n"));
    CHECK(Asked().add(api, passed(99, 1s)).fields(only_ietf).ends_with(";r=99;t=1\r\n"));
    CHECK(Asked().add(api, passed(99, 1s + 1us)).fields(only_ietf).ends_with(";r=99;t=2\r\n"));
}

TEST_CASE("integers fit the structured-field form")
{
    const auto most = std::numeric_limits<std::int64_t>::max();
    const Quota endless = quota(most, 500ms, "x");
    CHECK(Asked().add(endless, passed(most, 0s)).fields(only_ietf) ==
          "RateLimit-Policy: \"x\";q=999999999999999;w=1\r\n"
          "RateLimit: \"x\";r=999999999999999\r\n");
    CHECK(Asked().add(api, passed(-3, 0s)).fields(only_ietf).ends_with(";r=0\r\n"));
}

TEST_CASE("names can't break out of their string")
{
    struct Row {
        const char* name;
        std::string text, wanted;
    };
    for (const Row& row : {Row{"quote", "a\"b", "\"a\\\"b\""}, Row{"backslash", "a\\", "\"a\\\\\""},
             Row{"line", "a\r\nSet-Cookie: b", "\"a__Set-Cookie: b\""},
             Row{"beyond ASCII", "\xC3\xA9\x7F", "\"___\""}, Row{"empty", "", "\"\""}}) {
        CAPTURE(row.name);
        const Quota q = quota(1, 1s, row.text);
        CHECK(Asked().add(q, passed(1, 0s)).fields(only_ietf) ==
              "RateLimit-Policy: " + row.wanted + ";q=1;w=1\r\nRateLimit: " + row.wanted +
                  ";r=1\r\n");
    }
}

TEST_CASE("the legacy fields show the tightest check, with the reset in epoch seconds")
{
    CHECK(Asked().add(second, passed(9, 1s)).add(hour, passed(7, 90s)).fields(only_legacy) ==
          "X-RateLimit-Limit: 1000\r\n"
          "X-RateLimit-Remaining: 7\r\n"
          "X-RateLimit-Reset: 1700000090\r\n");
    CHECK(Asked().add(hour, passed(7, 90s)).add(second, refused(400ms)).fields(only_legacy) ==
          "X-RateLimit-Limit: 10\r\n"
          "X-RateLimit-Remaining: 0\r\n"
          "X-RateLimit-Reset: 1700000001\r\n");
}

TEST_CASE("the reset is rounded up once, so that it does not move from request to request")
{
    const Microseconds back = 1'700'000'060s + 300ms;  // the instant a unit comes back
    for (Microseconds wall = 1'700'000'000s; wall < back; wall += 777'777us) {
        CAPTURE(wall.count());
        const std::string fields =
            Asked().add(api, passed(3, back - wall)).fields(only_legacy, wall);
        CHECK(fields.find("Reset: 1700000061\r\n") != fields.npos);
    }
    const auto reset = [](Microseconds wall, Microseconds next_unit) {
        const auto fields = Asked().add(api, passed(3, next_unit)).fields(only_legacy, wall);
        return fields.substr(fields.find("Reset: ") + 7);
    };
    CHECK(reset(1'700'000'000s, 5s) == "1700000005\r\n");
    CHECK(reset(1'700'000'000s, 5s + 1us) == "1700000006\r\n");
    CHECK(reset(1'700'000'000s + 1us, 0s) == "1700000001\r\n");
}

TEST_CASE("a client that waits for the reset after a refusal passes")
{
    // A weight of several units: the next unit is not enough.
    const Asked heavy = Asked().add(api, refused(30s, 2s));
    CHECK(heavy.fields(only_legacy).ends_with("Reset: 1700000030\r\n"));
    CHECK(heavy.fields(only_ietf06).ends_with("Reset: 30\r\n"));
    const Asked never = Asked().add(api, refused(Microseconds::max(), 2s));
    CHECK(never.fields(only_legacy).ends_with("Reset: 1700000002\r\n"));
}

TEST_CASE("the older draft's fields count seconds from now")
{
    CHECK(Asked().add(second, passed(9, 1s)).add(hour, passed(7, 89'100ms)).fields(only_ietf06) ==
          "RateLimit-Limit: 1000\r\n"
          "RateLimit-Remaining: 7\r\n"
          "RateLimit-Reset: 90\r\n");
}

TEST_CASE("every form that is wanted is there, none that is not")
{
    const Asked asked = Asked().add(api, passed(57, 12s));
    CHECK(asked.fields({false, false, false}).empty());
    CHECK(asked.fields({true, true, true}) ==
          asked.fields(only_ietf) + asked.fields(only_legacy) + asked.fields(only_ietf06));
    std::string appended = "A: b\r\n";
    http::append_quota_fields(appended, only_ietf, asked.all(), {});
    CHECK(appended.starts_with("A: b\r\nRateLimit-Policy: "));
}

TEST_CASE("a check in shadow is never shown and never decides")
{
    const Asked mixed = Asked()
                            .add(second, refused(5s), false)
                            .add(api, passed(57, 12s))
                            .add(hour, passed(1, 1s), false);
    CHECK(mixed.fields({}) == Asked().add(api, passed(57, 12s)).fields({}));
    CHECK(mixed.deciding() == 1);
    CHECK(mixed.retry_after() == 0);
    const Asked only_shadow = Asked().add(api, refused(5s), false);
    CHECK(only_shadow.fields({true, true, true}).empty());
    CHECK(only_shadow.deciding() == 1);
    CHECK(only_shadow.retry_after() == 0);
    CHECK(Asked().fields({true, true, true}).empty());
    CHECK(Asked().deciding() == 0);
}

TEST_CASE("of more than four windows the four tightest tell their state, in their order")
{
    std::vector<Quota> many;
    for (int i = 0; i < 5; ++i)
        many.push_back(quota(10, 1s, "w" + std::to_string(i)));
    Asked four, five;
    for (std::size_t i = 0; i < 5; ++i) {
        const Decision decision = passed(i == 3 ? 2 : 5, 1s);
        if (i < 4) four.add(many[i], decision);
        five.add(many[i], decision);
    }
    CHECK(four.fields(only_ietf).ends_with(
        "RateLimit: \"w0\";r=5;t=1, \"w1\";r=5;t=1, \"w2\";r=5;t=1, \"w3\";r=2;t=1\r\n"));
    CHECK(five.fields(only_ietf).ends_with(
        ", \"w4\";q=10;w=1\r\n"
        "RateLimit: \"w0\";r=5;t=1, \"w1\";r=5;t=1, \"w2\";r=5;t=1, \"w3\";r=2;t=1\r\n"));
}

TEST_CASE("the tightest is what has the smallest share left, and a rate before permits")
{
    const Quota ten = quota(10, 1s, "ten"), thousand = quota(1000, 1h, "thousand"),
                million = quota(1'000'000, 24h, "million");
    const Quota other = quota(20, 2s, "other");
    const auto shown = [](const Asked& asked) {
        const auto text = asked.fields(only_ietf);
        return text.substr(text.find("RateLimit: ") + 11);
    };
    // By the number 800 of a million were many; by the share they are few.
    CHECK(shown(Asked()
                    .add(ten, passed(9, 0s))
                    .add(million, passed(800, 0s))
                    .add(thousand, passed(500, 0s))
                    .add(api, passed(50, 0s))
                    .add(permits, passed(0, 0s))) ==
          "\"million\";r=800, \"thousand\";r=500, \"api\";r=50, \"api-concurrent\";r=0\r\n");
    // 25 of 50 permits, 10 of 20, 50 of 100: the same share. Rates come first, then order.
    CHECK(shown(Asked()
                    .add(permits, passed(25, 0s))
                    .add(other, passed(10, 0s))
                    .add(api, passed(50, 0s))
                    .add(thousand, passed(500, 0s))
                    .add(ten, passed(5, 0s))) ==
          "\"other\";r=10, \"api\";r=50, \"thousand\";r=500, \"ten\";r=5\r\n");
    CHECK(shown(Asked()
                    .add(other, passed(10, 0s))
                    .add(api, passed(50, 0s))
                    .add(thousand, passed(500, 0s))
                    .add(ten, passed(5, 0s))
                    .add(million, passed(500'000, 0s))) ==
          "\"other\";r=10, \"api\";r=50, \"thousand\";r=500, \"ten\";r=5\r\n");
    // What a bucket lets pass at once is its whole.
    const Quota bucket = bucket_of(1000, 60s, 10);
    CHECK(shown(Asked()
                    .add(bucket, passed(9, 0s))
                    .add(other, passed(10, 0s))
                    .add(api, passed(50, 0s))
                    .add(thousand, passed(500, 0s))
                    .add(ten, passed(5, 0s))) ==
          "\"other\";r=10, \"api\";r=50, \"thousand\";r=500, \"ten\";r=5\r\n");
    // A heavy request may be refused with much left: that is what its sender must see.
    Decision heavy = refused(3s, 0s);
    heavy.remaining = 90;
    CHECK(shown(Asked()
                    .add(other, passed(1, 0s))
                    .add(thousand, passed(1, 0s))
                    .add(ten, passed(1, 0s))
                    .add(million, passed(1, 0s))
                    .add(api, heavy)) ==
          "\"other\";r=1, \"thousand\";r=1, \"million\";r=1, \"api\";r=90\r\n");
}

TEST_CASE("a weight above its limit is told to be hopeless, and only that")
{
    struct Row {
        const char* name;
        const Quota* quota;
        std::int64_t weight;
        bool allowed, enforced;
        const char* detail;
    };
    const Quota three = quota(3, 60s, "three"), burst = bucket_of(100, 60s, 4);
    for (const Row& row : {
             Row{"at the limit", &three, 3, false, true, ""},
             Row{"one past it", &three, 4, false, true,
                 "This request weighs 4, the limit is 3: it can never pass."},
             Row{"a bucket's burst", &burst, 4, false, true, ""},
             Row{"one past the burst", &burst, 5, false, true,
                 "This request weighs 5, the limit is 4: it can never pass."},
             Row{"in shadow", &three, 4, false, false, ""},
             Row{"allowed all the same", &three, 4, true, true, ""},
         }) {
        CAPTURE(row.name);
        Decision decision = refused(Microseconds::max());
        decision.allowed = row.allowed;
        Asked asked;
        asked.add(api, passed(1, 0s)).add(*row.quota, decision, row.enforced);
        asked.checks.back().weight = row.weight;
        CHECK(http::never_detail(asked.all()) == row.detail);
    }
    CHECK(http::never_detail({}) == "");
}

TEST_CASE("Retry-After is rounded up, at least one second, and absent when waiting never helps")
{
    struct Row {
        const char* name;
        Microseconds wait;
        std::int64_t wanted;
    };
    for (const Row& row :
        {Row{"a microsecond", 1us, 1}, Row{"a second", 1s, 1}, Row{"just over", 1s + 1us, 2},
            Row{"a minute", 60s, 60}, Row{"never", Microseconds::max(), 0}}) {
        CAPTURE(row.name);
        CHECK(Asked().add(api, refused(row.wait)).retry_after() == row.wanted);
    }
    CHECK(Asked().add(api, passed(0, 5s)).retry_after() == 0);
}

TEST_CASE("the slowest refusal decides, else the check with least left")
{
    CHECK(Asked().add(second, refused(1s)).add(hour, refused(40s)).retry_after() == 40);
    CHECK(Asked().add(hour, refused(40s)).add(second, refused(1s)).deciding() == 0);
    CHECK(Asked().add(hour, passed(0, 1s)).add(second, refused(1s)).deciding() == 1);
    CHECK(Asked().add(hour, passed(5, 1s)).add(second, passed(4, 1s)).deciding() == 1);
    CHECK(Asked().add(hour, passed(4, 1s)).add(second, passed(4, 1s)).deciding() == 0);
    CHECK(Asked().add(hour, refused(Microseconds::max())).add(second, refused(1s)).retry_after() ==
          0);
}

TEST_CASE("each algorithm has its policy")
{
    struct Row {
        const char* name;
        Quota quota;
        std::string policy;
    };
    for (const Row& row : {
             Row{"window", api, "\"api\";q=100;w=60"},
             Row{"calendar, a day", day, "\"api-1d\";q=5000;w=86400"},
             Row{"permits have no window", permits,
                 "\"api-concurrent\";q=50;qu=\"concurrent-requests\""},
             Row{"a bucket's quota is its burst", bucket_of(100, 60s, 20),
                 "\"b\";q=20;w=12;orggate-rate=\"100/60s\""},
             Row{"its time to fill is rounded up", bucket_of(100, 60s, 21),
                 "\"b\";q=21;w=13;orggate-rate=\"100/60s\""},
             Row{"and at least a second", bucket_of(1000, 1s, 5),
                 "\"b\";q=5;w=1;orggate-rate=\"1000/1s\""},
             Row{"burst and rate alike", bucket_of(7, 60s, 7),
                 "\"b\";q=7;w=60;orggate-rate=\"7/60s\""},
             Row{"no burst is the whole quota", bucket_of(10, 10s, 0),
                 "\"b\";q=10;w=10;orggate-rate=\"10/10s\""},
         }) {
        CAPTURE(row.name);
        const auto fields = Asked().add(row.quota, passed(5, 0s)).fields(only_ietf);
        CHECK(fields == "RateLimit-Policy: " + row.policy + "\r\nRateLimit: \"" + row.quota.name +
                            "\";r=5\r\n");
        // Whoever reads structured fields can read ours.
        const auto items = http::parse_quota_list(row.policy);
        REQUIRE(items.has_value());
        CHECK(items->front().name == row.quota.name);
    }
}

TEST_CASE("permits tell no time, and stay out of the forms that speak of rates")
{
    CHECK(Asked()
              .add(permits, passed(49, 5s))
              .fields(only_ietf)
              .ends_with(": \"api-concurrent\";r=49\r\n"));
    CHECK(Asked().add(permits, passed(49, 0s)).fields(only_legacy).empty());
    CHECK(Asked().add(permits, refused(0s)).add(api, passed(57, 12s)).fields(only_legacy) ==
          Asked().add(api, passed(57, 12s)).fields(only_legacy));
    CHECK(Asked().add(permits, refused(0s)).add(api, passed(57, 12s)).fields(only_ietf06) ==
          Asked().add(api, passed(57, 12s)).fields(only_ietf06));
}

TEST_CASE("a bucket's legacy limit is what may pass at once")
{
    const Quota bucket = bucket_of(100, 60s, 20);
    CHECK(Asked()
              .add(bucket, passed(3, 1s))
              .fields(only_ietf06)
              .starts_with("RateLimit-Limit: 20\r\n"));
}

TEST_CASE("what nobody knows is not said")
{
    Decision open = passed(100, 0s);
    open.by = limit::By::open;
    CHECK(Asked().add(api, open).fields({true, true, true}).empty());
    CHECK(Asked().add(api, open).add(hour, passed(7, 90s)).fields({true, true, true}) ==
          Asked().add(hour, passed(7, 90s)).fields({true, true, true}));

    Decision vague = passed(0, 0s);
    vague.has_numbers = false;
    CHECK(Asked().add(api, vague).fields({true, true, true}) ==
          "RateLimit-Policy: \"api\";q=100;w=60\r\n");
    const auto both = Asked().add(api, vague).add(hour, passed(7, 90s));
    CHECK(both.fields(only_ietf) ==
          "RateLimit-Policy: \"api\";q=100;w=60, \"api-1h\";q=1000;w=3600\r\n"
          "RateLimit: \"api-1h\";r=7;t=90\r\n");
    CHECK(both.fields(only_legacy) == Asked().add(hour, passed(7, 90s)).fields(only_legacy));
    CHECK(both.deciding() == 1);
}

TEST_CASE("a fallback shows what is left of its part, under the whole policy")
{
    Decision part = passed(11, 4s);
    part.by = limit::By::fallback;
    CHECK(Asked().add(api, part).fields(only_ietf) ==
          "RateLimit-Policy: \"api\";q=100;w=60\r\nRateLimit: \"api\";r=11;t=4\r\n");
}

TEST_CASE("the reset is told by the clock that counts")
{
    Decision decision = passed(3, 5s);
    decision.store_clock = 1'800'000'000s + 1us;
    for (const Microseconds wall : {Microseconds(1'700'000'000s), Microseconds(1'900'000'000s)})
        CHECK(Asked()
                  .add(api, decision)
                  .fields(only_legacy, wall)
                  .ends_with("Reset: 1800000006\r\n"));
    CHECK(Asked().add(api, decision).fields(only_ietf06).ends_with("Reset: 5\r\n"));
    // The same instant, whenever it is asked for.
    const Microseconds back = 1'800'000'060s + 999'999us;
    for (Microseconds clock = 1'800'000'000s; clock < back; clock += 3'333'333us) {
        Decision later = passed(3, back - clock);
        later.store_clock = clock;
        CHECK(Asked().add(api, later).fields(only_legacy).ends_with("Reset: 1800000061\r\n"));
    }
}

TEST_CASE("limits per address are shown with the others, and decide with them")
{
    const Quota ip = quota(30, 60s, "ip");
    const Asked first = Asked().add(ip, passed(2, 7s)), rest = Asked().add(api, passed(57, 12s));
    const http::Asked both{first.checks, first.decisions, rest.checks, rest.decisions};
    std::string out;
    http::append_quota_fields(out, {}, both, {});
    CHECK(out == Asked().add(ip, passed(2, 7s)).add(api, passed(57, 12s)).fields({}, 0s));
    CHECK(http::deciding_check(both) == 0);
    const http::Asked swapped{rest.checks, rest.decisions, first.checks, first.decisions};
    CHECK(http::deciding_check(swapped) == 1);
    CHECK(swapped.check(1).quota == &ip);
    CHECK(http::Asked().size() == 0);
}

TEST_CASE("the wait becomes longer by chance, never shorter")
{
    constexpr double nearly_one = 0.999999999;
    struct Row {
        const char* name;
        const Quota& quota;
        Microseconds wait;
        std::int64_t least, most;
    };
    for (const Row& row : {Row{"short", api, 3s, 3, 3}, Row{"at ten seconds", api, 10s, 10, 10},
             Row{"just over", api, 10s + 1us, 11, 11}, Row{"a tenth", api, 20s, 20, 22},
             Row{"at most five seconds", api, 50s, 50, 55},
             Row{"however long", api, 1000s, 1000, 1005}, Row{"a day's quota", day, 1s, 1, 61},
             Row{"a long way off", day, 20'000s, 20'000, 20'060}}) {
        CAPTURE(row.name);
        const Asked asked = Asked().add(row.quota, refused(row.wait));
        CHECK(asked.retry_after(0) == row.least);
        CHECK(asked.retry_after(nearly_one) == row.most);
        for (double unit = 0; unit < 1; unit += 0.07) {
            CHECK(asked.retry_after(unit) >= row.least);
            CHECK(asked.retry_after(unit) <= row.most);
        }
    }
}

TEST_CASE("permits come back nobody knows when: in a second, unless there are never enough")
{
    CHECK(Asked().add(permits, refused(0s)).retry_after(0.9) == 1);
    CHECK(Asked().add(permits, refused(0s)).add(api, refused(4s)).retry_after() == 4);
    Asked heavy = Asked().add(permits, refused(Microseconds::max()));
    heavy.checks.front().weight = 51;
    CHECK(heavy.retry_after() == 0);
    heavy.checks.front().weight = 50;
    CHECK(heavy.retry_after() == 1);
}

TEST_CASE("all policies that refused are named, once, and none in shadow")
{
    const Asked asked = Asked()
                            .add(second, refused(1s))
                            .add(hour, passed(4, 1s))
                            .add(api, refused(5s), false)
                            .add(permits, refused(0s))
                            .add(second, refused(1s));
    CHECK(asked.violated() == std::vector<std::string_view>{"api-1s", "api-concurrent"});
    CHECK(Asked().add(api, passed(1, 1s)).violated().empty());
}
