#include "orggate/net/deadlines.hpp"

#include "net/loop.hpp"

#include <functional>
#include <list>
#include <optional>
#include <vector>

using namespace orggate;
using net::Deadline;
using test::Loop;

namespace {

// A deadline that calls a function, and counts.
struct Alarm {
    explicit Alarm(net::Deadlines& all, std::function<void()> function = {})
        : then(std::move(function)), deadline(std::in_place, all)
    {
        deadline->on_expiry(
            [](void* self) {
                auto& alarm = *static_cast<Alarm*>(self);
                ++alarm.calls;
                if (alarm.then) alarm.then();
            },
            this);
    }
    std::function<void()> then;
    int calls = 0;
    std::optional<Deadline> deadline;
};

void run(Loop& loop)
{
    loop.io.run_for(std::chrono::seconds(20));
    REQUIRE(loop.io.stopped());
}

}  // namespace

TEST_CASE("a deadline that passes is marked and told once")
{
    Loop loop;
    Alarm alarm(loop.deadlines);
    alarm.deadline->set(Milliseconds(1));
    CHECK_FALSE(alarm.deadline->has_expired());
    run(loop);
    CHECK(alarm.calls == 1);
    CHECK(alarm.deadline->has_expired());
    alarm.deadline->forget_expiry();
    CHECK_FALSE(alarm.deadline->has_expired());
}

TEST_CASE("a deadline can be set again after it has passed, also by its own function")
{
    Loop loop;
    Alarm alarm(loop.deadlines);
    alarm.then = [&] {
        if (alarm.calls < 3) alarm.deadline->set(Milliseconds(0));
    };
    alarm.deadline->set(Milliseconds(-1));
    run(loop);
    CHECK(alarm.calls == 3);
}

TEST_CASE("an earlier deadline than the one waited for is told in its own time")
{
    Loop loop;
    Alarm late(loop.deadlines), early(loop.deadlines, [&] { loop.deadlines.stop(); });
    late.deadline->set(std::chrono::hours(1));
    early.deadline->set(Milliseconds(2));
    run(loop);
    CHECK(early.calls == 1);
    CHECK(late.calls == 0);
}

TEST_CASE("a deadline moved later or cleared is not told at its old time")
{
    Loop loop;
    Alarm moved(loop.deadlines), cleared(loop.deadlines), never(loop.deadlines);
    Alarm last(loop.deadlines, [&] { loop.deadlines.stop(); });
    moved.deadline->set(Milliseconds(1));
    cleared.deadline->set(Milliseconds(1));
    moved.deadline->set(std::chrono::hours(1));
    cleared.deadline->clear();
    never.deadline->set(Milliseconds::max());
    last.deadline->set(Milliseconds(20));
    run(loop);
    CHECK(last.calls == 1);
    CHECK(moved.calls == 0);
    CHECK(cleared.calls == 0);
    CHECK(never.calls == 0);
}

TEST_CASE("sweeps are at least five milliseconds apart")
{
    Loop loop;
    const auto begin = std::chrono::steady_clock::now();
    Alarm second(loop.deadlines);
    Alarm first(loop.deadlines, [&] { second.deadline->set(Milliseconds(0)); });
    first.deadline->set(Milliseconds(0));
    run(loop);
    CHECK(second.calls == 1);
    CHECK(std::chrono::steady_clock::now() - begin >= Milliseconds(5));
}

TEST_CASE("entries destroyed by a function of the same sweep are safe, whichever they are")
{
    for (std::size_t first = 0; first < 3; ++first) {
        CAPTURE(first);
        Loop loop;
        std::list<Alarm> alarms;
        for (int i = 0; i < 3; ++i)
            alarms.emplace_back(loop.deadlines);
        int told = 0;
        for (auto& alarm : alarms) {
            // The first one told destroys two entries: at first == 2, itself too.
            alarm.then = [&, first] {
                if (++told > 1) return;
                std::size_t index = 0;
                for (auto& other : alarms)
                    if (index++ != first) other.deadline.reset();
            };
            alarm.deadline->set(Milliseconds(0));
        }
        run(loop);
        int left = 0;
        for (auto& alarm : alarms)
            left += alarm.deadline.has_value();
        CHECK(left == 1);
        CHECK(told >= 1);
        CHECK(told <= 2);
    }
}

TEST_CASE("many entries come and go in any order")
{
    Loop loop;
    int told = 0;
    std::vector<std::unique_ptr<Alarm>> alarms;
    for (int i = 0; i < 3000; ++i) {
        alarms.push_back(std::make_unique<Alarm>(loop.deadlines, [&] { ++told; }));
        alarms.back()->deadline->set(Milliseconds(i % 7));
    }
    for (std::size_t i = 0; i < alarms.size(); i += 3)
        alarms[i].reset();
    run(loop);
    CHECK(told == 2000);
}

TEST_CASE("an entry may outlive its deadlines")
{
    boost::asio::io_context io;
    auto deadlines = std::make_unique<net::Deadlines>(io.get_executor());
    Alarm alarm(*deadlines);
    alarm.deadline->set(Milliseconds(0));
    deadlines.reset();
    alarm.deadline->set(Milliseconds(0));
    io.run();
    CHECK(alarm.calls == 0);
}

TEST_CASE("stop lets the context run dry and tells nobody any more")
{
    Loop loop;
    Alarm alarm(loop.deadlines);
    alarm.deadline->set(std::chrono::hours(1));
    loop.deadlines.stop();
    alarm.deadline->set(Milliseconds(0));
    run(loop);
    CHECK(alarm.calls == 0);
}
