#include "redis/pipeline.hpp"

#include "redis/reply_wait.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace orggate;
using namespace orggate::redis;
using Kind = Pipeline::Arrival::Kind;

namespace {

Pipeline::Time at(int ms)
{
    return Pipeline::Time(Milliseconds(ms));
}

Pipeline::Entry entry(ReplyWait* who, int asked, int deadline, int replies = 1)
{
    Pipeline::Entry made;
    made.who = who;
    made.bytes = 10;
    made.replies = replies;
    made.asked = at(asked);
    made.deadline = at(deadline);
    return made;
}

}  // namespace

TEST_CASE("replies go to those who wait in the order of their commands")
{
    Pipeline pipeline;
    std::array<ReplyWait, 3> who;
    for (auto& one : who)
        pipeline.push(entry(&one, 0, 25));
    pipeline.note_written();
    for (auto& one : who) {
        const auto arrival = pipeline.arrive();
        CHECK(arrival.kind == Kind::answer);
        CHECK(arrival.who == &one);
    }
    CHECK(pipeline.arrive().kind == Kind::unasked);
}

TEST_CASE("the last of several replies is the answer")
{
    Pipeline pipeline;
    std::array<ReplyWait, 2> who;
    pipeline.push(entry(&who[0], 0, 25, 3));
    pipeline.push(entry(&who[1], 0, 25));
    pipeline.note_written();
    CHECK(pipeline.arrive().kind == Kind::preliminary);
    CHECK(pipeline.arrive().kind == Kind::preliminary);
    CHECK(pipeline.arrive().who == &who[0]);
    CHECK(pipeline.arrive().who == &who[1]);
}

TEST_CASE("a reply before the command was written is unasked")
{
    Pipeline pipeline;
    std::array<ReplyWait, 2> who;
    pipeline.push(entry(&who[0], 0, 25));
    CHECK(pipeline.arrive().kind == Kind::unasked);
    pipeline.note_written();
    pipeline.push(entry(&who[1], 0, 25));
    CHECK(pipeline.arrive().who == &who[0]);
    CHECK(pipeline.arrive().kind == Kind::unasked);
    pipeline.note_written();
    CHECK(pipeline.arrive().who == &who[1]);
}

TEST_CASE("a deadline ends a wait at its time, not a moment before")
{
    Pipeline pipeline;
    std::array<ReplyWait, 3> who;
    pipeline.push(entry(&who[0], 0, 25));
    pipeline.push(entry(&who[1], 0, 5));  // shorter, though asked later
    pipeline.push(entry(&who[2], 1, 26));
    CHECK(pipeline.next_deadline() == at(5));
    CHECK(pipeline.expire(at(4)).empty());
    CHECK(pipeline.expire(at(5)) == std::vector<ReplyWait*>{&who[1]});
    CHECK(pipeline.expire(at(24)).empty());
    CHECK(pipeline.next_deadline() == at(25));
    CHECK(pipeline.expire(at(100)) == std::vector<ReplyWait*>{&who[0], &who[2]});
    CHECK(pipeline.next_deadline() == std::nullopt);
    CHECK(pipeline.oldest() == at(0));  // still owed by the server
}

TEST_CASE("a late reply is read and dropped: it answers nobody else")
{
    Pipeline pipeline;
    std::array<ReplyWait, 2> who;
    pipeline.push(entry(&who[0], 0, 25));
    pipeline.note_written();
    pipeline.expire(at(25));
    pipeline.push(entry(&who[1], 30, 55));
    pipeline.note_written();
    const auto late = pipeline.arrive();
    CHECK(late.kind == Kind::answer);
    CHECK(late.who == nullptr);
    CHECK(pipeline.oldest() == at(30));
    CHECK(pipeline.arrive().who == &who[1]);
}

TEST_CASE("a lost connection tells who may have been served and who certainly was not")
{
    Pipeline pipeline;
    std::array<ReplyWait, 3> who;
    pipeline.push(entry(&who[0], 0, 25));
    pipeline.push(entry(nullptr, 0, 25));
    pipeline.push(entry(&who[1], 0, 25));
    pipeline.note_written();
    pipeline.push(entry(&who[2], 0, 25));
    const auto left = pipeline.clear();
    REQUIRE(left.size() == 3);
    CHECK(left[0].who == &who[0]);
    CHECK(left[0].was_written);
    CHECK(left[1].who == &who[1]);
    CHECK(left[1].was_written);
    CHECK(left[2].who == &who[2]);
    CHECK_FALSE(left[2].was_written);
    CHECK(pipeline.is_empty());
    CHECK(pipeline.arrive().kind == Kind::unasked);
    CHECK(pipeline.has_room(Pipeline::most_bytes));
}

TEST_CASE("the queue is bounded by commands and by bytes, and frees both with the replies")
{
    struct Row {
        std::string name;
        std::size_t commands, bytes_each;
    };
    const Row rows[] = {
        {"commands", Pipeline::most_commands, 1},
        {"bytes", 4, Pipeline::most_bytes / 4},
        {"one command of all bytes", 1, Pipeline::most_bytes},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Pipeline pipeline;
        auto command = entry(nullptr, 0, 25);
        command.bytes = row.bytes_each;
        for (std::size_t i = 0; i < row.commands; ++i) {
            CHECK(pipeline.has_room(row.bytes_each));
            pipeline.push(command);
        }
        CHECK_FALSE(pipeline.has_room(1));
        pipeline.note_written();
        pipeline.arrive();
        CHECK(pipeline.has_room(row.bytes_each));
        CHECK_FALSE(pipeline.has_room(Pipeline::most_bytes + 1));
    }
}

TEST_CASE("whatever comes when, everybody is told once, in time, and by their own reply")
{
    std::uint64_t state = 7;
    const auto random = [&state](std::uint64_t below) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        return (state >> 33) % below;
    };
    for (int round = 0; round < 200; ++round) {
        Pipeline pipeline;
        std::vector<ReplyWait> who(200);
        std::map<ReplyWait*, int> deadline_of;
        std::vector<ReplyWait*> order;  // as the server sees them
        std::size_t next = 0, answered = 0;
        for (int now = 0; now < 400; ++now) {
            if (next < who.size() && random(2) == 0) {
                const int deadline = now + 1 + static_cast<int>(random(30));
                order.push_back(&who[next]);
                deadline_of[&who[next]] = deadline;
                pipeline.push(entry(&who[next++], now, deadline));
                pipeline.note_written();
            }
            for (ReplyWait* late : pipeline.expire(at(now))) {
                CHECK(deadline_of.at(late) == now);
                deadline_of.erase(late);
            }
            while (answered < order.size() && random(3) == 0) {
                const auto arrival = pipeline.arrive();
                CHECK(arrival.kind == Kind::answer);
                const bool waits = deadline_of.erase(order[answered]) == 1;
                CHECK(arrival.who == (waits ? order[answered] : nullptr));
                ++answered;
            }
        }
        CHECK(pipeline.size() == order.size() - answered);
    }
}
