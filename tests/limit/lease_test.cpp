#include "orggate/limit/lease.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using orggate::HashKey;
using orggate::Microseconds;
using orggate::limit::Algorithm;
using orggate::limit::Answer;
using orggate::limit::By;
using orggate::limit::LeaseBook;
using orggate::limit::Refund;
using orggate::limit::Terms;
using Move = LeaseBook::Move;
using Time = LeaseBook::Time;
using Turn = LeaseBook::Turn;

namespace {

constexpr Time start{10h};
constexpr std::string_view key = "og:w1:{org_1}:api";

Terms terms(Microseconds lease = 1s, Algorithm algorithm = Algorithm::window)
{
    Terms made;
    made.algorithm = algorithm;
    made.units = 10'000;
    made.window = 1min;
    made.lease = lease;
    return made;
}

Answer granting(std::int64_t units, std::int64_t slot = 7, std::int64_t remaining = 5000)
{
    Answer answer;
    answer.decision.allowed = true;
    answer.decision.remaining = remaining;
    answer.decision.next_unit = 40s;
    answer.decision.store_clock = 1'000'000s;
    answer.granted = units;
    answer.slot = slot;
    return answer;
}

Answer refusing(Microseconds wait = 5s)
{
    Answer answer;
    answer.decision.wait = wait;
    answer.decision.next_unit = wait;
    return answer;
}

// One lease of one book. Requests come `now`.
struct Desk {
    explicit Desk(Terms asked = terms()) : asked_under(asked) {}

    LeaseBook book{HashKey{1, 2}};
    Terms asked_under;
    Time now = start;

    LeaseBook::Lease& lease(std::int64_t weight = 0)
    {
        return *book.demand(key, asked_under, weight, now);
    }
    // So many requests of weight 1 came, whatever became of them.
    void demand(int requests)
    {
        for (int i = 0; i < requests; ++i)
            lease(1);
    }
    Turn turn(std::int64_t weight = 1, std::int64_t askers = 1)
    {
        return book.turn(lease(), asked_under, weight, askers, now);
    }
    Turn granted(const Answer& answer, std::int64_t weight, Time sent)
    {
        return book.granted(lease(), asked_under, weight, answer, sent);
    }
    // Asks and is granted `units`, none of them spent.
    void hold(std::int64_t units, std::int64_t slot = 7, std::int64_t remaining = 5000)
    {
        REQUIRE(turn(1'000'000).move == Move::ask);
        granted(granting(units, slot, remaining), 0, now);
    }
    std::optional<Turn> prefetch(std::int64_t askers = 1)
    {
        return book.prefetch(lease(), asked_under, askers, now);
    }
    std::vector<Refund> sweep(LeaseBook::Sweep what = LeaseBook::Sweep::lapsed)
    {
        std::vector<Refund> refunds;
        book.sweep(what, now, [&](std::string_view swept, const Terms& under, Refund refund) {
            CHECK(swept == key);
            CHECK(under.units == asked_under.units);
            refunds.push_back(refund);
        });
        return refunds;
    }
    // Nothing is held any more.
    bool is_balanced() const
    {
        const auto& c = book.counts();
        return c.granted + c.put_back == c.spent + c.returned + c.lapsed;
    }
};

}  // namespace

TEST_CASE("requests share a question from 8 units asked for in a lifetime on")
{
    struct Row {
        std::string name;
        Microseconds lease;
        int requests;
        Move second;
    };
    const Row rows[] = {
        {"one below", 1s, 7, Move::ask},
        {"at it", 1s, 8, Move::wait},
        {"one below, half the lifetime", 500ms, 15, Move::ask},
        {"at it, half the lifetime", 500ms, 16, Move::wait},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Desk desk(terms(row.lease));
        desk.demand(row.requests);
        CHECK(desk.turn().move == Move::ask);
        CHECK(desk.turn().move == row.second);
    }
}

TEST_CASE("requests stop sharing a question when 4 units or fewer are asked for in a lifetime")
{
    // 8 decay to 4 within ln 2 seconds.
    struct Row {
        std::string name;
        Microseconds later;
        Move second;
    };
    const Row rows[] = {
        {"a little more than 4", 693'140us, Move::wait},
        {"4", 693'150us, Move::ask},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Desk desk;
        desk.demand(8);
        desk.now += row.later;
        CHECK(desk.turn().move == Move::ask);
        CHECK(desk.turn().move == row.second);
    }
}

TEST_CASE("a question takes half of what is asked for in a lifetime, never less than its request")
{
    struct Row {
        std::string name;
        std::int64_t demand, weight, most;
    };
    const Row rows[] = {
        {"a first request", 1, 1, 1},
        {"two", 2, 1, 1},
        {"three", 3, 1, 2},
        {"nine", 9, 1, 5},
        {"a hundred", 100, 1, 50},
        {"heavier than that", 100, 51, 51},
        {"the largest block", 131'072, 1, 65'536},
        {"no larger block", 131'075, 1, 65'536},
        {"but a heavier request", 131'075, 65'537, 65'537},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Desk desk;
        desk.lease(row.demand);
        const auto turn = desk.turn(row.weight, 3);
        CHECK(turn.move == Move::ask);
        CHECK(turn.wanted.least == row.weight);
        CHECK(turn.wanted.most == row.most);
        CHECK(turn.wanted.askers == 3);
    }
}

TEST_CASE("below the threshold nobody waits, and one question at a time takes more than its own")
{
    Desk desk;
    desk.demand(7);
    CHECK(desk.turn().wanted.most == 4);
    for (int i = 0; i < 5; ++i) {
        const auto turn = desk.turn(2);
        CHECK(turn.move == Move::ask);
        CHECK(turn.wanted.least == 2);
        CHECK(turn.wanted.most == 2);
    }
    CHECK(desk.book.counts().questions == 6);
}

TEST_CASE("those who wait share the block that is answered")
{
    Desk desk;
    desk.demand(20);
    REQUIRE(desk.turn().move == Move::ask);
    for (int i = 0; i < 3; ++i)
        REQUIRE(desk.turn().move == Move::wait);
    CHECK(desk.granted(granting(10), 1, desk.now).move == Move::spent);
    for (int i = 0; i < 9; ++i)
        CHECK(desk.turn().move == Move::spent);
    CHECK(desk.turn().move == Move::ask);
    CHECK(desk.book.counts().questions == 2);
    CHECK(desk.book.counts().spent == 10);
}

TEST_CASE("where the store would grant single units every request asks for itself")
{
    struct Row {
        std::string name;
        std::int64_t remaining, askers;
        Move second;
    };
    const Row rows[] = {
        {"a share of two", 21, 10, Move::wait},
        {"a share of one", 20, 10, Move::ask},
        {"nothing left", 0, 10, Move::ask},
        {"alone, a share of two", 3, 1, Move::wait},
        {"alone, a share of one", 2, 1, Move::ask},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Desk desk;
        desk.demand(20);
        REQUIRE(desk.turn().move == Move::ask);
        desk.granted(granting(1, 7, row.remaining), 1, desk.now);
        CHECK(desk.turn(1, row.askers).move == Move::ask);
        const auto second = desk.turn(1, row.askers);
        CHECK(second.move == row.second);
        CHECK(second.wanted.most == 1);
    }
}

TEST_CASE("after a refusal requests ask for themselves until more is left")
{
    Desk desk;
    desk.demand(20);
    REQUIRE(desk.turn().move == Move::ask);
    desk.book.refused(desk.lease(), refusing(), desk.now);
    CHECK(desk.turn().move == Move::ask);
    CHECK(desk.turn().move == Move::ask);
    desk.granted(granting(5), 1, desk.now);
    desk.granted(granting(1), 1, desk.now);
    for (int i = 0; i < 4; ++i)
        CHECK(desk.turn().move == Move::spent);
    CHECK(desk.turn().move == Move::ask);
    CHECK(desk.turn().move == Move::wait);
}

TEST_CASE("a unit is spent before its deadline, which counts from before it was asked for")
{
    struct Row {
        std::string name;
        Microseconds lease, lives;
    };
    const Row rows[] = {
        {"a thousandth less than the lease", 1s, 999ms},
        {"rounded against the client", 1001us, 999us},
        {"however short", 1us, 0us},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        for (const auto early : {1ns, 0ns}) {
            Desk desk(terms(row.lease));
            REQUIRE(desk.turn().move == Move::ask);
            desk.granted(granting(5), 1, start);  // answered later, which changes nothing
            desk.now = start + row.lives - early;
            const bool is_live = early > 0ns;
            CHECK(desk.book.can_spend(desk.lease(), 4, desk.now) == is_live);
            CHECK_FALSE(desk.book.can_spend(desk.lease(), 5, desk.now));
            CHECK(desk.turn().move == (is_live ? Move::spent : Move::ask));
        }
    }
}

TEST_CASE("a calendar's units end with its period")
{
    struct Row {
        std::string name;
        Microseconds until_end, lives;
    };
    const Row rows[] = {
        {"long before the end", 1h, 999ms},
        {"at the lease", 1s, 999ms},
        {"before the lease", 500ms, 499'500us},
        {"no time left", 0s, 0s},
        {"nonsense", -5s, 0s},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Desk desk(terms(1s, Algorithm::calendar));
        desk.turn();
        auto answer = granting(5);
        answer.decision.next_unit = row.until_end;
        CHECK(desk.granted(answer, 1, start).move == Move::spent);
        CHECK_FALSE(desk.book.can_spend(desk.lease(), 1, start + row.lives));
        CHECK((row.lives == 0s || desk.book.can_spend(desk.lease(), 4, start + row.lives - 1ns)));
    }
}

TEST_CASE("a weight is taken from several blocks or asked for whole")
{
    Desk desk;
    desk.hold(3, 1);
    desk.now += 10ms;
    desk.hold(3, 2);
    CHECK(desk.turn(7).wanted.least == 7);
    const auto spent = desk.turn(5);
    CHECK(spent.move == Move::spent);
    CHECK(spent.slot == 1);
    CHECK((spent.deadline == start + 999ms));
    CHECK(desk.turn(1).slot == 2);
    CHECK(desk.turn(1).move == Move::ask);
}

TEST_CASE("what lapsed goes along with the next question of its key, once")
{
    Desk desk;
    desk.hold(5, 41);
    desk.now += 999ms;
    const auto first = desk.turn();
    CHECK(first.refund.units == 5);
    CHECK(first.refund.slot == 41);
    CHECK(desk.turn().refund.units == 0);

    SUBCASE("and not again after an answer")
    {
        desk.book.refused(desk.lease(), refusing(), desk.now);
    }
    SUBCASE("and not again although nobody knows what became of it")
    {
        desk.book.failed(desk.lease());
    }
    CHECK(desk.turn().refund.units == 0);
    CHECK(desk.sweep(LeaseBook::Sweep::all).empty());
    CHECK(desk.book.counts().returned == 5);
    CHECK(desk.is_balanced());
}

TEST_CASE("what was to go along with a question that never went out goes with the next")
{
    Desk desk;
    desk.hold(5, 41);
    desk.now += 999ms;
    const auto first = desk.turn();
    REQUIRE(first.refund.units == 5);
    desk.book.withdrawn(desk.lease(), first);
    CHECK(desk.book.counts().returned == 0);
    CHECK(desk.book.counts().questions == 1);
    CHECK(desk.turn().refund.units == 5);
    CHECK(desk.is_balanced());
}

TEST_CASE("blocks of several slots are given back one by one, the oldest first")
{
    Desk desk;
    desk.hold(1, 10);
    desk.hold(2, 20);
    desk.hold(4, 10);
    desk.now += 999ms;
    auto refund = desk.turn().refund;
    CHECK(refund.slot == 10);
    CHECK(refund.units == 5);
    refund = desk.turn().refund;
    CHECK(refund.slot == 20);
    CHECK(refund.units == 2);
}

TEST_CASE("what lapsed is swept to the store when nobody asks any more")
{
    Desk desk;
    desk.hold(5, 41);
    CHECK(desk.sweep().empty());
    desk.now += 998ms;
    CHECK(desk.sweep().empty());
    desk.now += 1ms;
    const auto refunds = desk.sweep();
    REQUIRE(refunds.size() == 1);
    CHECK(refunds[0].units == 5);
    CHECK(refunds[0].slot == 41);
    CHECK(desk.sweep().empty());
    CHECK(desk.is_balanced());
}

TEST_CASE("a key that asked since the last sweep takes what lapsed along itself")
{
    Desk desk;
    desk.hold(5, 41);
    desk.now += 1s;
    CHECK(desk.sweep().empty());
    CHECK(desk.sweep().size() == 1);
}

TEST_CASE("at the end everything is given back, live or lapsed")
{
    Desk desk;
    desk.hold(5, 41);
    desk.now += 500ms;
    desk.hold(3, 42);
    CHECK(desk.turn(2).move == Move::spent);
    const auto refunds = desk.sweep(LeaseBook::Sweep::all);
    REQUIRE(refunds.size() == 2);
    CHECK(refunds[0].units == 3);
    CHECK(refunds[0].slot == 41);
    CHECK(refunds[1].units == 3);
    CHECK(desk.turn().move == Move::ask);
    CHECK(desk.book.counts().lapsed == 0);
    CHECK(desk.is_balanced());
}

TEST_CASE("after a reset nothing is spent nor given back of what was granted before")
{
    Desk desk;
    desk.hold(5, 41);
    desk.now += 500ms;
    desk.hold(7, 42);
    desk.now += 700ms;
    REQUIRE(desk.turn().move == Move::spent);  // of 42; those of 41 now wait to be given back
    desk.book.drop_units();
    const auto turn = desk.turn();
    CHECK(turn.move == Move::ask);
    CHECK(turn.refund.units == 0);
    CHECK(desk.sweep(LeaseBook::Sweep::all).empty());
    CHECK(desk.is_balanced());
}

TEST_CASE("units of a bucket come back by themselves and are never given back")
{
    Desk desk(terms(1s, Algorithm::bucket));
    desk.hold(5, 41);
    desk.now += 999ms;
    CHECK(desk.turn().refund.units == 0);
    CHECK(desk.book.counts().lapsed == 5);
    desk.hold(5, 42);
    CHECK(desk.sweep(LeaseBook::Sweep::all).empty());
    CHECK(desk.book.counts().returned == 0);
    CHECK(desk.is_balanced());
}

TEST_CASE("units of a request refused for another reason are spendable until their deadline")
{
    Desk desk;
    desk.hold(2, 41);
    const auto spent = desk.turn(2);
    REQUIRE(spent.move == Move::spent);

    SUBCASE("in time")
    {
        desk.now = spent.deadline - 1ns;
        desk.book.put_back(desk.lease(), 2, spent, desk.now);
        CHECK(desk.turn(2).move == Move::spent);
        CHECK(desk.book.counts().put_back == 2);
    }
    SUBCASE("too late: they lapsed, and go back to where they were granted")
    {
        desk.now = spent.deadline;
        desk.book.put_back(desk.lease(), 2, spent, desk.now);
        const auto turn = desk.turn(2);
        CHECK(turn.move == Move::ask);
        CHECK(turn.refund.units == 2);
        CHECK(turn.refund.slot == 41);
    }
    SUBCASE("too late, in a bucket: they are gone")
    {
        desk.asked_under = terms(1s, Algorithm::bucket);
        desk.now = spent.deadline;
        desk.book.put_back(desk.lease(), 2, spent, desk.now);
        CHECK(desk.turn(2).refund.units == 0);
        CHECK(desk.book.counts().lapsed == 2);
    }
    SUBCASE("of several blocks: until the first of their deadlines")
    {
        desk.hold(1, 42);
        desk.now += 500ms;
        desk.hold(1, 43);
        const auto both = desk.turn(2);
        CHECK((both.deadline == start + 999ms));
        desk.book.put_back(desk.lease(), 2, both, desk.now);
        desk.now = both.deadline;
        CHECK(desk.turn().move == Move::ask);
    }
    desk.now += 1min;
    desk.sweep(LeaseBook::Sweep::all);
    CHECK(desk.is_balanced());
}

TEST_CASE("units of a question's own answer can be put back too")
{
    Desk desk;
    desk.turn(2);
    const auto spent = desk.granted(granting(2, 41), 2, desk.now);
    REQUIRE(spent.move == Move::spent);
    CHECK_FALSE(desk.book.can_spend(desk.lease(), 1, desk.now));
    desk.book.put_back(desk.lease(), 2, spent, desk.now);
    CHECK(desk.turn(2).slot == 41);
}

TEST_CASE("the next block is asked for when a quarter of the last one is left")
{
    struct Row {
        std::string name;
        std::int64_t block, left;
        bool asks;
    };
    const Row rows[] = {
        {"more than a quarter", 8, 3, false},
        {"a quarter", 8, 2, true},
        {"nothing", 8, 0, true},
        {"more than a quarter of an odd block", 11, 3, false},
        {"less than a quarter of it", 11, 2, true},
        {"a quarter of the least block", 4, 1, true},
        {"a block of which a quarter is no unit", 3, 0, false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Desk desk;
        desk.demand(16);
        desk.hold(row.block);
        for (auto left = row.block; left > row.left; --left)
            REQUIRE(desk.turn().move == Move::spent);
        const auto ahead = desk.prefetch(7);
        REQUIRE(ahead.has_value() == row.asks);
        if (!row.asks) continue;
        CHECK(ahead->move == Move::ask);
        CHECK(ahead->wanted.least == 1);
        CHECK(ahead->wanted.most == 8);
        CHECK(ahead->wanted.askers == 7);
        CHECK_FALSE(desk.prefetch(7).has_value());
    }
}

TEST_CASE("nothing is asked for ahead")
{
    Desk desk;
    desk.demand(16);
    SUBCASE("before there was a block") {}
    SUBCASE("while a question is open")
    {
        desk.hold(8);
        desk.turn(9);
    }
    SUBCASE("when demand has gone")
    {
        desk.hold(8);
        desk.turn(8);
        desk.now += 2s;
    }
    SUBCASE("after a refusal")
    {
        desk.hold(8);
        desk.turn(9);
        desk.book.refused(desk.lease(), refusing(), desk.now);
        desk.turn(8);
    }
    CHECK_FALSE(desk.prefetch().has_value());
}

TEST_CASE("nothing is asked for ahead while the store's share is less than half a block")
{
    for (const auto& [remaining, asks] : {std::pair{60, false}, std::pair{61, true}}) {
        CAPTURE(remaining);
        Desk desk;
        desk.demand(16);  // blocks of 8
        desk.hold(8, 7, remaining);
        desk.turn(8);
        CHECK(desk.prefetch(10).has_value() == asks);
    }
}

TEST_CASE("what was asked for ahead is kept whole and takes along what lapsed")
{
    Desk desk;
    desk.demand(400);
    desk.hold(1, 40);
    desk.now += 10ms;
    desk.hold(8, 41);
    desk.now = start + 999ms;
    desk.turn(8);
    const auto ahead = desk.prefetch();
    REQUIRE(ahead.has_value());
    CHECK(ahead->refund.units == 1);
    CHECK(ahead->refund.slot == 40);
    CHECK(desk.turn().move == Move::wait);
    desk.granted(granting(8, 42), 0, desk.now);
    CHECK(desk.turn(8).slot == 42);
}

TEST_CASE("what the client is told is the last answer, aged, and what is held here")
{
    Desk desk;
    desk.turn(2);
    const auto first = desk.granted(granting(10, 7, 5000), 2, start);
    CHECK(first.hint.allowed);
    CHECK(first.hint.by == By::counter);
    CHECK(first.hint.remaining == 5008);
    CHECK(first.hint.next_unit == 40s);
    CHECK(first.hint.store_clock == 1'000'000s);

    desk.now += 300ms;
    const auto second = desk.turn(3);
    CHECK(second.hint.allowed);
    CHECK(second.hint.by == By::lease);
    CHECK(second.hint.wait == 0s);
    CHECK(second.hint.remaining == 5005);
    CHECK(second.hint.next_unit == 39'700ms);
    CHECK(second.hint.store_clock + second.hint.next_unit == 1'000'040s);
}

TEST_CASE("the time to the next unit never becomes negative, and no clock is made up")
{
    Desk desk;
    desk.turn();
    auto answer = granting(10);
    answer.decision.next_unit = 100ms;
    answer.decision.store_clock = {};
    desk.granted(answer, 1, start);
    desk.now += 200ms;
    const auto hint = desk.turn().hint;
    CHECK(hint.next_unit == 0s);
    CHECK(hint.store_clock == 0s);
}

TEST_CASE("of two answers the one to the younger question tells what is left")
{
    Desk desk;
    desk.turn();
    desk.turn();
    desk.granted(granting(2, 7, 100), 1, start + 20ms);
    const auto late = desk.granted(granting(1, 7, 900), 1, start + 10ms);
    CHECK(late.hint.remaining == 101);
}

TEST_CASE("an answer is not believed beyond reason")
{
    constexpr auto huge = std::numeric_limits<std::int64_t>::max();
    Desk desk;
    SUBCASE("more than was ever asked for")
    {
        desk.turn();
        desk.granted(granting(huge, huge, huge), 1, desk.now);
        const auto turn = desk.turn(65'535);
        CHECK(turn.move == Move::spent);
        CHECK(turn.hint.remaining == 10'000);
        CHECK(desk.turn().move == Move::ask);
    }
    SUBCASE("fewer than nothing")
    {
        desk.turn();
        const auto turn = desk.granted(granting(-5, -5, -5), 1, desk.now);
        CHECK(turn.move == Move::ask);
        CHECK(turn.hint.remaining == 0);
        CHECK_FALSE(turn.hint.allowed);
        CHECK(desk.book.counts().granted == 0);
    }
    SUBCASE("fewer than the request needs: nothing is spent, what came is kept")
    {
        desk.turn(5);
        const auto turn = desk.granted(granting(4), 5, desk.now);
        CHECK(turn.move == Move::ask);
        CHECK_FALSE(turn.hint.allowed);
        CHECK(desk.turn(4).move == Move::spent);
    }
    SUBCASE("times out of this world")
    {
        for (const auto time : {Microseconds::min(), Microseconds::max()}) {
            desk.turn();
            auto answer = granting(2);
            answer.decision.next_unit = time;
            answer.decision.store_clock = time;
            desk.granted(answer, 1, desk.now);
            desk.now += 500ms;
            const auto hint = desk.turn().hint;
            CHECK(hint.next_unit >= 0s);
            CHECK(hint.store_clock == 0s);
            desk.now += 1s;
        }
    }
}

TEST_CASE("a weight of nothing is answered without a unit once something is known")
{
    Desk desk;
    const auto first = desk.turn(0);
    CHECK(first.move == Move::ask);
    CHECK(first.wanted.least == 0);
    desk.book.refused(desk.lease(), refusing(), desk.now);
    CHECK(desk.turn(0).move == Move::spent);
    desk.hold(1);
    const auto nothing = desk.turn(0);
    CHECK(nothing.move == Move::spent);
    desk.book.put_back(desk.lease(), 0, nothing, desk.now);
    CHECK(desk.turn(1).move == Move::spent);
    CHECK(desk.turn(1).move == Move::ask);
    CHECK(desk.is_balanced());
}

TEST_CASE("the number of leases is bounded and a lease in use is never forgotten")
{
    LeaseBook book(HashKey{1, 2}, 2);
    const Terms asked = terms();
    const auto nothing = [](std::string_view, const Terms&, Refund) {};
    auto* first = book.demand("a", asked, 1, start);
    auto* second = book.demand("b", asked, 1, start);
    REQUIRE(first);
    REQUIRE(second);
    CHECK(first != second);
    CHECK(book.demand("a", asked, 1, start) == first);
    CHECK(book.size() == 2);

    SUBCASE("asked for lately")
    {
        CHECK_FALSE(book.demand("c", asked, 1, start + LeaseBook::forgotten_after - 1ns));
        CHECK(book.demand("c", asked, 1, start + LeaseBook::forgotten_after));
        CHECK(book.size() == 2);
    }
    SUBCASE("a question is open")
    {
        book.turn(*first, asked, 1, 1, start);
        book.turn(*second, asked, 1, 1, start);
        CHECK_FALSE(book.demand("c", asked, 1, start + 1h));
        book.sweep(LeaseBook::Sweep::lapsed, start + 1h, nothing);
        CHECK(book.size() == 2);
        book.failed(*first);
        book.sweep(LeaseBook::Sweep::lapsed, start + 1h, nothing);
        CHECK(book.size() == 1);
        book.failed(*second);
        book.sweep(LeaseBook::Sweep::lapsed, start + 1h, nothing);
        CHECK(book.size() == 0);
    }
    SUBCASE("units are held or owed")
    {
        for (auto* lease : {first, second}) {
            book.turn(*lease, asked, 1, 1, start);
            book.granted(*lease, asked, 1, granting(2), start);
        }
        CHECK_FALSE(book.demand("c", asked, 1, start + 1h));
        book.sweep(LeaseBook::Sweep::lapsed, start + 1h, nothing);
        CHECK(book.size() == 2);  // a question was open since the last sweep
        book.sweep(LeaseBook::Sweep::lapsed, start + 1h, nothing);
        CHECK(book.size() == 0);
        CHECK(book.demand("c", asked, 1, start + 1h));
    }
}

TEST_CASE("a book without room leaves every request to itself")
{
    LeaseBook book(HashKey{1, 2}, 0);
    CHECK_FALSE(book.demand("a", terms(), 1, start));
    CHECK(book.size() == 0);
}

TEST_CASE("a sweep looks at a bounded number of leases and goes on where it stopped")
{
    constexpr std::size_t leases = 5000, at_once = 4096;
    LeaseBook book(HashKey{1, 2});
    const Terms asked = terms();
    for (std::size_t i = 0; i < leases; ++i)
        REQUIRE(book.demand("org_" + std::to_string(i), asked, 1, start));
    const auto nothing = [](std::string_view, const Terms&, Refund) {};
    book.sweep(LeaseBook::Sweep::lapsed, start + 1h, nothing);
    CHECK(book.size() == leases - at_once);
    book.sweep(LeaseBook::Sweep::lapsed, start + 1h, nothing);
    CHECK(book.size() == 0);
}

TEST_CASE("leases of different keys know nothing of each other")
{
    LeaseBook book(HashKey{1, 2});
    const Terms asked = terms();
    auto* first = book.demand("a", asked, 1, start);
    auto* second = book.demand("b", asked, 1, start);
    book.turn(*first, asked, 1, 1, start);
    book.granted(*first, asked, 1, granting(9), start);
    CHECK(book.can_spend(*first, 8, start));
    CHECK_FALSE(book.can_spend(*second, 1, start));
    CHECK(book.turn(*second, asked, 1, 1, start).move == Move::ask);
}
