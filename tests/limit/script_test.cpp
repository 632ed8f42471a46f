// What one call over several keys does, its replies, and what becomes of the keys.

#include "limit/counters.hpp"

#include <doctest/doctest.h>

#include <optional>

using namespace std::chrono_literals;
using namespace orggate;
using namespace orggate::test;

namespace {

constexpr Microseconds start = 1'772'366'400s;

const std::vector<std::string> all_keys{
    "og:w1:{o}:a", "og:b1:{o}:b", "og:q1:{o}:c", "og:c1:{o}:d", "og:w1:{o}:e"};

std::vector<Terms> all_terms(std::int64_t units)
{
    return {window_terms(units, 60s), bucket_terms(units, units, 60s),
        calendar_terms(units, Period::month), permit_terms(units), window_terms(units, 1h)};
}

std::vector<Item> items(const std::vector<Terms>& terms)
{
    std::vector<Item> made;
    for (const Terms& one : terms)
        made.push_back(exact(one));
    return made;
}

Item shadow(Item item)
{
    item.enforced = false;
    return item;
}

std::vector<std::string> contents(const std::vector<std::string>& keys)
{
    std::vector<std::string> words{"MGET"};
    words.insert(words.end(), keys.begin(), keys.end());
    return redis().list(words);
}

// The real script, under Redis's own time unless a test says another.
struct Call {
    Program program{limit::take_script()};
    Call() { redis().text({"FLUSHALL"}); }

    std::vector<Answer> operator()(const std::vector<std::string>& keys,
        const std::vector<Item>& asked, std::optional<Microseconds> at = std::nullopt) const
    {
        return program.ask(keys, asked, at);
    }
};

}  // namespace

TEST_CASE("one call charges all its keys, whatever their algorithms")
{
    const Call call;
    const auto answers = call(all_keys, items(all_terms(10)), start);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        CAPTURE(i);
        CHECK(answers[i].decision.allowed);
        CHECK(answers[i].decision.remaining == 9);
        CHECK(answers[i].granted == 1);
        CHECK(answers[i].decision.store_clock == start);
    }
}

TEST_CASE("one refusal leaves every key of the call byte for byte as it was")
{
    const Call call;
    for (std::size_t refused = 0; refused < all_keys.size(); ++refused) {
        CAPTURE(refused);
        redis().text({"FLUSHALL"});
        call(all_keys, items(all_terms(10)), start);
        const auto before = contents(all_keys);
        auto asked = items(all_terms(10));
        asked[refused].wanted = {10, 10, 1};
        const auto answers = call(all_keys, asked, start + 1s);
        for (std::size_t i = 0; i < answers.size(); ++i) {
            CHECK(answers[i].decision.allowed == (i != refused));
            CHECK(answers[i].decision.remaining == 9);
            CHECK(answers[i].granted == 0);
        }
        CHECK(contents(all_keys) == before);
    }
}

TEST_CASE("of two rules, one exhausted, the other does not move")
{
    const Call call;
    const std::vector<std::string> keys{"og:w1:{o}:second", "og:w1:{o}:hour"};
    const auto asked = items({window_terms(2, 1s), window_terms(100, 1h)});
    call(keys, asked, start);
    call(keys, asked, start);
    for (int i = 0; i < 10; ++i) {
        const auto answers = call(keys, asked, start + 1us);
        CHECK_FALSE(answers[0].decision.allowed);
        CHECK(answers[1].decision.allowed);
        CHECK(answers[1].decision.remaining == 98);
        CHECK(answers[1].decision.next_unit == 1h - 1us);
    }
}

TEST_CASE("a limit in shadow is charged where it fits and the request passes, and refuses nobody")
{
    const Call call;
    const std::vector<std::string> keys{"og:w1:{o}:shadow", "og:w1:{o}:real"};
    const auto asked = [](std::int64_t in_shadow, std::int64_t real) {
        return std::vector{
            shadow(exact(window_terms(in_shadow, 60s))), exact(window_terms(real, 60s))};
    };
    auto answers = call(keys, asked(1, 2), start);
    CHECK(answers[0].decision.remaining == 0);
    const auto before = contents(keys);
    answers = call(keys, asked(1, 2), start);
    CHECK_FALSE(answers[0].decision.allowed);
    CHECK(answers[0].decision.wait == 60s);
    CHECK(answers[0].granted == 0);
    CHECK(answers[1].decision.allowed);
    CHECK(answers[1].decision.remaining == 0);
    CHECK(contents(keys)[0] == before[0]);  // reported, not written
    answers = call(keys, asked(9, 2), start);
    CHECK(answers[0].decision.allowed);  // it would fit, but the request does not pass
    CHECK(answers[0].granted == 0);
    CHECK(answers[0].decision.remaining == 8);
    CHECK_FALSE(answers[1].decision.allowed);
    CHECK(contents(keys)[0] == before[0]);
}

TEST_CASE("items that name the same key must fit together")
{
    const Call call;
    for (const Terms& terms : all_terms(5)) {
        const std::vector<std::string> keys(2, "og:xx:{o}:same");
        redis().text({"DEL", keys[0]});
        const auto both = [&](std::int64_t a, std::int64_t b) {
            return call(keys, {exact(terms, a), exact(terms, b)}, start);
        };
        auto answers = both(3, 3);
        CHECK(answers[0].decision.allowed);
        CHECK_FALSE(answers[1].decision.allowed);
        CHECK(answers[0].granted + answers[1].granted == 0);
        CHECK(redis().text({"GET", keys[0]}).empty());
        answers = both(3, 2);
        CHECK(answers[1].decision.allowed);
        CHECK(answers[1].decision.remaining == 0);
        CHECK_FALSE(both(1, 0)[0].decision.allowed);
        redis().text({"DEL", keys[0]});
        // In shadow it is judged after the other.
        answers = call(keys, {shadow(exact(terms, 3)), exact(terms, 3)}, start);
        CHECK_FALSE(answers[0].decision.allowed);
        CHECK(answers[1].decision.remaining == 2);
    }
}

TEST_CASE("a key lives until its state is empty, and hardly longer")
{
    struct Row {
        std::string name;
        Terms terms;
        std::int64_t weight;
        Milliseconds life;
    };
    const Row rows[] = {{"window", window_terms(10, 90s), 1, 90s},
        {"window with leases", window_terms(10, 90s, 5s), 1, 95s},
        {"bucket", bucket_terms(10, 10, 600s), 7, 420s}, {"permits", permit_terms(10), 1, 15s}};
    const Call call;
    for (const Row& row : rows) {
        CAPTURE(row.name);
        redis().text({"FLUSHALL"});
        const auto now = redis().integers({"TIME"});
        const Milliseconds before(now[0] * 1000 + now[1] / 1000);
        const auto answers = call({"og:xx:{o}:a"}, {exact(row.terms, row.weight)});
        CHECK(answers[0].decision.allowed);
        CHECK(answers[0].decision.store_clock >= before);
        const Milliseconds end(redis().integers({"PEXPIRETIME", "og:xx:{o}:a"}).front());
        CHECK(end >= std::chrono::floor<Milliseconds>(answers[0].decision.store_clock) + row.life);
        CHECK(end <=
              std::chrono::ceil<Milliseconds>(answers[0].decision.store_clock) + row.life + 60s);
    }
}

TEST_CASE("a quota's key outlives its period by a day")
{
    const Call call;
    const auto answers = call({"og:q1:{o}:a"}, {exact(calendar_terms(10, Period::day))});
    const Microseconds rest = answers[0].decision.next_unit;
    CHECK(rest > 0us);
    CHECK(rest <= 24h);
    const Milliseconds end(redis().integers({"PEXPIRETIME", "og:q1:{o}:a"}).front());
    CHECK(end >= std::chrono::floor<Milliseconds>(answers[0].decision.store_clock + rest) + 24h);
}

TEST_CASE("permits of a holder that says nothing for 15 s are free again")
{
    const Terms terms = permit_terms(3);
    RedisCounter counter;
    counter.live_forever();
    Item mine = exact(terms), theirs = exact(terms);
    mine.holder = 1;
    theirs.holder = ~std::uint64_t{0};
    CHECK(counter.ask(mine, start).decision.allowed);
    CHECK(counter.ask(theirs, start + 5s).decision.allowed);
    CHECK(counter.ask(theirs, start + 5s).decision.remaining == 0);
    CHECK_FALSE(counter.ask(mine, start + 15s - 1us).decision.allowed);
    CHECK(counter.look(mine, start + 15s).decision.remaining == 1);
    // Who says how many it holds keeps them, and a second holder's stay its own.
    counter.hold(1, terms, start + 15s - 1us, 1);
    CHECK(counter.look(mine, start + 16s).decision.remaining == 0);
    counter.hold(0, terms, start + 16s, 1);
    CHECK(counter.look(mine, start + 16s).decision.remaining == 1);
    CHECK(counter.look(mine, start + 20s).decision.remaining == 3);
    counter.hold(7, terms, start + 21s, 1);  // more than there are: what is, is
    CHECK(counter.look(mine, start + 21s).decision.remaining == 0);
    CHECK_FALSE(counter.ask(mine, start + 21s).decision.allowed);
}

TEST_CASE("permits do not live on after the clock went back")
{
    const Terms terms = permit_terms(1);
    RedisCounter counter;
    counter.live_forever();
    CHECK(counter.ask(exact(terms), start + 1h).decision.allowed);
    Item other = exact(terms);
    other.holder = 2;
    CHECK_FALSE(counter.ask(other, start).decision.allowed);
    CHECK_FALSE(counter.ask(other, start + 15s - 1us).decision.allowed);
    CHECK(counter.ask(other, start + 15s).decision.allowed);
}

TEST_CASE("however the window grows, its state stays small and as in memory")
{
    RedisCounter counter;
    MemoryCounter twin;
    for (int i = 0; i < 200; ++i) {
        CAPTURE(i);
        const Item item = exact(window_terms(1000, i < 100 ? 60s : 100'000s));
        const Answer answer = counter.ask(item, start + i * 1s),
                     same = twin.ask(item, start + i * 1s);
        CHECK(answer.decision.remaining == same.decision.remaining);
        CHECK(answer.decision.next_unit == same.decision.next_unit);
        CHECK(counter.bytes().size() <= 4 + 12 * (60 + 2));
    }
    // The longer window's own slots are reached, and what left them is gone.
    for (int i = 0; i < 150; ++i) {
        CAPTURE(i);
        const Microseconds at = start + 200s + i * 1700s;
        const Item item = exact(window_terms(1000, 100'000s));
        const Answer answer = counter.ask(item, at), same = twin.ask(item, at);
        CHECK(answer.decision.remaining == same.decision.remaining);
        CHECK(answer.decision.next_unit == same.decision.next_unit);
    }
}

TEST_CASE("looking changes nothing")
{
    const Call call;
    const Program inspect{limit::inspect_script()};
    call(all_keys, items(all_terms(10)), start);
    const auto before = contents(all_keys);
    for (const Microseconds at : {start, start - 1h, start + 30s}) {
        const auto answers = inspect.ask(all_keys, items(all_terms(10)), at);
        for (const Answer& answer : answers) {
            CHECK(answer.decision.allowed);
            CHECK(answer.granted == 0);
        }
        CHECK(contents(all_keys) == before);
    }
    inspect.ask({"og:w1:{o}:none"}, items({window_terms(1, 1s)}), start);
    CHECK(redis().text({"EXISTS", "og:w1:{o}:none"}) == "0");
}

TEST_CASE("a key of another type is an error and stays what it is")
{
    const Call call;
    redis().text({"RPUSH", "og:w1:{o}:b", "x"});
    std::vector<std::string> words{
        "EVAL", std::string(limit::take_script()), "2", "og:w1:{o}:a", "og:w1:{o}:b"};
    limit::append_arguments(words, items({window_terms(1, 1s), window_terms(1, 1s)}), start);
    CHECK(redis().text(words).starts_with("WRONGTYPE"));
    CHECK(redis().text({"EXISTS", "og:w1:{o}:a"}) == "0");
    CHECK(redis().text({"LLEN", "og:w1:{o}:b"}) == "1");
}

TEST_CASE("bytes that are no state of ours are an error and stay what they are")
{
    const Call call;
    for (const char* bytes : {"hello", "0123456789"}) {
        redis().text({"SET", "og:w1:{o}:a", bytes});
        std::vector<std::string> words{
            "EVAL", std::string(limit::take_script()), "1", "og:w1:{o}:a"};
        limit::append_arguments(words, items({window_terms(1, 1s)}), start);
        CHECK(redis().text(words).starts_with("ERR"));
        CHECK(redis().text({"GET", "og:w1:{o}:a"}) == bytes);
    }
}

TEST_CASE("an argument is 74 bytes, and a time is a test's own")
{
    std::vector<std::string> out;
    limit::append_arguments(out, items(all_terms(1)));
    REQUIRE(out.size() == 5);
    for (const std::string& argument : out)
        CHECK(argument.size() == 74);
    limit::append_arguments(out, items(all_terms(1)), 5s);
    REQUIRE(out.size() == 11);
    CHECK(out.back() == "5000000");
    CHECK_FALSE(limit::take_script().starts_with("#!"));
}

TEST_CASE("a reply that is not ours is told apart")
{
    struct Row {
        std::string name;
        std::vector<std::int64_t> reply;
        bool good;
    };
    const Row rows[] = {{"allowed", {1, 1, 1, 9, 0, 5, 7}, true},
        {"refused", {1, 0, 0, 0, 5, 5, 7}, true}, {"never", {1, 0, 0, 3, -1, 0, 7}, true},
        {"nothing", {}, false}, {"short", {1, 1, 1, 9, 0, 5}, false},
        {"long", {1, 1, 1, 9, 0, 5, 7, 8}, false}, {"no time", {0, 1, 1, 9, 0, 5, 7}, false},
        {"half allowed", {1, 2, 1, 9, 0, 5, 7}, false},
        {"a negative grant", {1, 1, -1, 9, 0, 5, 7}, false},
        {"less than nothing left", {1, 1, 1, -9, 0, 5, 7}, false},
        {"a wait of the allowed", {1, 1, 1, 9, 3, 5, 7}, false},
        {"a grant to the refused", {1, 0, 1, 9, 3, 5, 7}, false},
        {"a wait below never", {1, 0, 0, 9, -2, 5, 7}, false},
        {"a unit in the past", {1, 1, 1, 9, 0, -5, 7}, false}};
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Answer answer;
        CHECK(limit::read_answers(row.reply, std::span(&answer, 1)) == row.good);
        if (!row.good) continue;
        CHECK(answer.decision.allowed == (row.reply[1] == 1));
        CHECK(answer.decision.remaining == row.reply[3]);
        CHECK(answer.slot == 7);
        if (row.reply[4] == -1) CHECK(answer.decision.wait == Microseconds::max());
    }
}
