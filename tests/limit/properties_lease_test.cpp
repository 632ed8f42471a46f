// A fleet that spends leased units, random or as badly as it may, against the real script.

#include "limit/schedules.hpp"

#include <doctest/doctest.h>

#include <deque>

using namespace std::chrono_literals;
using namespace orggate;
using namespace orggate::test;

namespace {

constexpr Microseconds start = 1'772'366'400s;

// Units that somebody may still spend.
struct Block {
    std::int64_t units = 0, slot = 0;
    Microseconds granted{}, deadline{};
};

// What a fleet is told, and what the store is told: a fleet that holds units for `lease`
// must be counted with terms that say so.
struct Fleet {
    Terms promised;  // without a lease
    Terms counted;
    Microseconds lease{};
};

Fleet fleet(Terms terms, Microseconds lease)
{
    Fleet made{terms, terms, lease};
    made.counted.lease = lease;
    return made;
}

class Play {
public:
    Play(const Fleet& fleet, std::uint64_t seed)
        : fleet_(fleet), dice_(seed), late_(dice_.one_in(2))
    {
    }

    std::vector<Admission> run(int events, Microseconds longest_gap)
    {
        for (int i = 0; i < events; ++i) {
            pass(dice_.time(longest_gap));
            if (dice_.one_in(8)) rushes_ = !rushes_;
            const auto choice = dice_.between(1, 10);
            if (choice <= 5) {
                grant();
            } else if (choice <= 8 && !blocks_.empty()) {
                spend();
            } else if (!blocks_.empty()) {
                give_back();
            }
        }
        return std::move(spent_);
    }

private:
    void grant()
    {
        Item item;
        item.terms = fleet_.counted;
        item.wanted = {1, dice_.between(1, fleet_.promised.units + fleet_.promised.burst),
            dice_.one_in(2) ? 1 : dice_.between(1, 8)};
        if (!blocks_.empty() && dice_.one_in(3)) item.refund = take_back();
        const Answer answer = counter_.ask(item, now_);
        const Answer same = twin_.ask(item, now_);
        REQUIRE(answer.decision.allowed == same.decision.allowed);
        REQUIRE(answer.decision.remaining == same.decision.remaining);
        REQUIRE(answer.decision.wait.count() == same.decision.wait.count());
        REQUIRE(answer.granted == same.granted);
        if (answer.granted == 0) return;
        REQUIRE(answer.slot == same.slot);
        // Sent up to half a lease before it was granted; the deadline counts from there.
        const Microseconds delay = late_ ? 0us : dice_.time(fleet_.lease / 2);
        Microseconds live = fleet_.lease;
        if (fleet_.promised.algorithm == Algorithm::calendar)
            live = std::min(live, answer.decision.next_unit);
        blocks_.push_back({answer.granted, answer.slot, now_, now_ - delay + live});
        if (late_ && rushes_) {
            spent_.push_back({now_, answer.granted});
            blocks_.pop_back();
        }
    }

    // The worst a fleet may do is to spend some units at the last moment, the next at once.
    void pass(Microseconds time)
    {
        const Microseconds until = now_ + time;
        while (late_ && !blocks_.empty() && blocks_.front().deadline <= until) {
            now_ = std::max(now_, blocks_.front().deadline - 1us);
            if (blocks_.front().units > 0) spent_.push_back({now_, blocks_.front().units});
            blocks_.pop_front();
        }
        now_ = until;
    }

    void spend()
    {
        Block& block = blocks_[std::size_t(dice_.between(0, std::int64_t(blocks_.size()) - 1))];
        if (late_ || block.units == 0 || now_ >= block.deadline) return;
        const std::int64_t units = dice_.between(1, block.units);
        block.units -= units;
        spent_.push_back({now_, units});
    }

    // Any block's, once, before its deadline or after it.
    Refund take_back()
    {
        const auto at = blocks_.begin() + dice_.between(0, std::int64_t(blocks_.size()) - 1);
        const Refund refund{at->units, at->slot};
        blocks_.erase(at);
        return refund;
    }

    void give_back()
    {
        const Item one = exact(fleet_.counted);
        const Answer before = counter_.look(one, now_);
        const Refund refund = take_back();
        counter_.give_back(refund, fleet_.counted, now_);
        twin_.give_back(refund, fleet_.counted, now_);
        const Answer after = counter_.look(one, now_);
        // No count is raised, none gets negative.
        REQUIRE(after.decision.remaining >= before.decision.remaining);
        REQUIRE(after.decision.remaining <= before.decision.remaining + refund.units);
        REQUIRE(after.decision.remaining <= fleet_.promised.units + fleet_.promised.burst);
        REQUIRE(after.decision.remaining == twin_.look(one, now_).decision.remaining);
    }

    Fleet fleet_;
    Dice dice_;
    bool late_, rushes_ = false;
    Microseconds now_ = start;
    RedisCounter counter_;
    MemoryCounter twin_;
    std::deque<Block> blocks_;
    std::vector<Admission> spent_;
};

std::int64_t interval(const Terms& terms)
{
    return (terms.window.count() * 16 + terms.units - 1) / terms.units;
}

// Holds all it can get, gives every block back just before it lapses, and asks again. What it
// could then spend at once.
std::int64_t hoard(std::string_view take, const Terms& terms, int rounds)
{
    RedisCounter counter(take);
    std::deque<Block> blocks;
    Microseconds now = start;
    for (int i = 0; i < rounds; ++i, now += 500ms) {
        std::int64_t more = 1;
        while (more > 0) {
            Item item = exact(terms);
            const bool is_due = !blocks.empty() && blocks.front().deadline - now <= 1s;
            if (is_due) item.refund = {blocks.front().units, blocks.front().slot};
            if (is_due) blocks.pop_front();
            item.wanted.most = terms.burst;
            const Answer answer = counter.ask(item, now);
            more = answer.granted;
            if (more > 0) blocks.push_back({more, answer.slot, now, now + terms.lease});
        }
    }
    std::int64_t units = 0;
    for (const Block& block : blocks)
        if (block.deadline > now) units += block.units;
    return units;
}

}  // namespace

TEST_CASE("a fleet with leases spends no more than the quota in any span of the window")
{
    std::int64_t touched = 0;
    for (std::uint64_t seed = 1; seed <= 40 * effort(); ++seed) {
        CAPTURE(seed);
        Dice dice(seed);
        const std::int64_t units = dice.between(1, 100);
        const Fleet given = fleet(window_terms(units, 60s), dice.time(20s) + 1us);
        const auto spent = Play(given, seed).run(150, dice.time(5s));
        const std::int64_t worst = worst_span(spent, 60s);
        REQUIRE(worst <= units);
        touched += worst == units;
    }
    CHECK(touched > 0);
}

TEST_CASE("without the longer window a fleet with leases would spend more")
{
    int exceeded = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Fleet given = fleet(window_terms(50, 60s), 15s);
        given.counted.lease = 0s;
        exceeded += worst_span(Play(given, seed).run(150, 5s), 60s) > 50;
    }
    CHECK(exceeded > 0);
}

TEST_CASE("a fleet with leases spends no more than a bucket's burst and rate")
{
    for (std::uint64_t seed = 1; seed <= 40 * effort(); ++seed) {
        CAPTURE(seed);
        Dice dice(seed);
        const Terms terms = bucket_terms(dice.between(10, 60), dice.between(25, 100), 60s);
        const Fleet given = fleet(terms, dice.time(20s) + 1us);
        const auto spent = Play(given, seed).run(150, dice.time(3s));
        REQUIRE(worst_excess(spent, terms.burst, interval(terms)) <= 0);
    }
}

TEST_CASE("a bucket that is as large as without leases would be overspent")
{
    // All at once, held to the last moment, and what has come back by then.
    const auto at_once = [](const Terms& terms) {
        RedisCounter counter;
        std::int64_t units = 0;
        for (const Microseconds at : {start, start + 15s - 1us}) {
            Item item = exact(terms, counter.look(exact(terms), at).decision.remaining);
            units += counter.ask(item, at).granted;
        }
        return units;
    };
    CHECK(at_once(bucket_terms(20, 25, 60s, 15s)) <= 25);
    CHECK(at_once(bucket_terms(20, 25, 60s)) > 25);
}

TEST_CASE("units that go back and forth do not multiply")
{
    const Terms terms = bucket_terms(20, 50, 60s, 15s);
    const std::string_view right = limit::take_script();
    CHECK(hoard(right, terms, 200) <= 50);
    // At face value they do: the bucket fills while they are out.
    const std::string wrong = spoiled(right, " - (at - slot) * 16", "");
    CHECK(hoard(wrong, terms, 200) > 50);
}

TEST_CASE("a day's leases count for that day alone")
{
    for (std::uint64_t seed = 1; seed <= 10 * effort(); ++seed) {
        CAPTURE(seed);
        Dice dice(seed);
        const std::int64_t units = dice.between(1, 100);
        const Fleet given = fleet(calendar_terms(units, Period::day), 10min);
        std::int64_t held = 0;
        Microseconds day{-1};
        for (const Admission& admission : Play(given, seed).run(150, 15min)) {
            const Microseconds of = admission.at / 24h * 24h;
            held = of == day ? held + admission.units : admission.units;
            day = of;
            REQUIRE(held <= units);
        }
    }
}
