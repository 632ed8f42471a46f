#include "net/loop.hpp"
#include "orggate/edge/key_wait.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace orggate;

namespace {

Awaitable<void> wait_once(edge::KeyWait& keys, std::string id, int& done)
{
    co_await keys.wait(std::move(id));
    ++done;
}

Awaitable<void> answer(edge::KeyWait& keys, std::string id)
{
    keys.answered(id);
    co_return;
}

}  // namespace

TEST_CASE("however many wait for one key, it is asked for once, and one answer wakes them all")
{
    test::Loop loop;
    std::vector<std::string> asked;
    edge::KeyWait keys(loop.io.get_executor(), [&](const std::string& id) { asked.push_back(id); });
    int done = 0;
    loop.run(wait_once(keys, "a", done), wait_once(keys, "a", done), wait_once(keys, "b", done),
        answer(keys, "a"), answer(keys, "b"));
    CHECK(asked == std::vector<std::string>{"a", "b"});
    CHECK(done == 3);
}

TEST_CASE("an answer for another key wakes nobody")
{
    test::Loop loop;
    edge::KeyWait keys(loop.io.get_executor(), [](const std::string&) {});
    int done = 0;
    auto story = [](edge::KeyWait& k, int& finished) -> Awaitable<void> {
        k.answered("other");
        CHECK(finished == 0);
        k.answered("a");
        co_return;
    };
    loop.run(wait_once(keys, "a", done), story(keys, done));
    CHECK(done == 1);
}

TEST_CASE("256 wait, the next one does not")
{
    test::Loop loop;
    edge::KeyWait keys(loop.io.get_executor(), [](const std::string&) {});
    int done = 0, turned_away = 0;
    for (int i = 0; i < 256; ++i)
        loop.spawn(wait_once(keys, "a", done));
    loop.spawn(wait_once(keys, "a", turned_away));
    auto story = [](edge::KeyWait& k, int& waiting, int& one_more) -> Awaitable<void> {
        CHECK(waiting == 0);
        CHECK(one_more == 1);
        k.answered("a");
        co_return;
    };
    loop.run(story(keys, done, turned_away));
    CHECK(done == 256);
}
