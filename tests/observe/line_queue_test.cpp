#include "observe/line_queue.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

using orggate::observe::LineQueue;
using News = LineQueue::News;

namespace {

std::string collected(LineQueue& queue)
{
    std::string out;
    queue.collect(out);
    return out;
}

}  // namespace

TEST_CASE("lines come out whole, in order, each with its newline")
{
    LineQueue queue(1000);
    queue.put("one");
    queue.put("");
    queue.put("three");
    CHECK(collected(queue) == "one\n\nthree\n");
    CHECK(collected(queue).empty());
}

TEST_CASE("a line that fits exactly is kept, one byte more is dropped and counted")
{
    LineQueue queue(10);
    CHECK(queue.put("123456789") != News::none);
    CHECK(queue.put("") == News::none);
    CHECK(queue.dropped_lines() == 1);
    CHECK(collected(queue) == "123456789\n");
    SUBCASE("what is collected still counts until it is settled")
    {
        queue.put("a");
        CHECK(queue.dropped_lines() == 2);
        queue.settle(2);
        queue.put("a");
        CHECK(queue.dropped_lines() == 2);
        queue.put("");
        CHECK(queue.dropped_lines() == 3);
    }
    SUBCASE("settled, all the room is there again")
    {
        queue.settle(10);
        CHECK(queue.is_empty());
        queue.put("123456789");
        CHECK(queue.dropped_lines() == 1);
        queue.settle(10);
        queue.put("1234567890");
        CHECK(queue.dropped_lines() == 2);
        CHECK(queue.is_empty());
    }
}

TEST_CASE("the writer is called for the first line and when half is full, not in between")
{
    LineQueue queue(100);
    const std::string nine(9, 'x');
    CHECK(queue.put(nine) == News::first);
    for (int i = 0; i < 3; ++i)
        CHECK(queue.put(nine) == News::none);
    CHECK(queue.put(nine) == News::urgent);
    for (int i = 0; i < 5; ++i)
        CHECK(queue.put(nine) == News::none);
    CHECK(queue.dropped_lines() == 0);
    collected(queue);
    queue.settle(100);
    CHECK(queue.put(nine) == News::first);
}

TEST_CASE("lines of many threads arrive whole and complete")
{
    LineQueue queue(1u << 20);
    std::vector<std::thread> running;
    for (int t = 0; t < 4; ++t)
        running.emplace_back([&queue, t] {
            for (int i = 0; i < 500; ++i)
                queue.put("thread " + std::to_string(t) + " line " + std::to_string(i));
        });
    std::string all;
    while (std::count(all.begin(), all.end(), '\n') < 2000) {
        const std::size_t before = all.size();
        queue.collect(all);
        queue.settle(all.size() - before);
    }
    for (std::thread& thread : running)
        thread.join();
    CHECK(queue.is_empty());
    CHECK(queue.dropped_lines() == 0);
    for (int t = 0; t < 4; ++t)
        for (int i = 0; i < 500; i += 83) {
            const std::string line =
                "thread " + std::to_string(t) + " line " + std::to_string(i) + "\n";
            CHECK(all.find(line) != all.npos);
        }
}
