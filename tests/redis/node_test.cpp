#include "redis/node_rig.hpp"

#include "observe/scratch.hpp"
#include "redis/pipeline.hpp"
#include "redis/wire_text.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

using namespace orggate;
using namespace orggate::redis;
using namespace orggate::test;

namespace {

constexpr Milliseconds check_deadline{25};  // config::Redis::deadline

// Healthy until the first command of a request, then `and_then`, again and again until the
// client stays away.
using Act = std::function<Awaitable<void>(FakePeer&, Words)>;

Awaitable<void> serve_once(NodeRig& rig, Act act)
{
    Words first;
    auto peer = co_await rig.server.accept_healthy(first);
    if (first.empty()) co_return;
    co_await act(*peer, std::move(first));
}

// Healthy for as long as the client wishes; every other command gets `+` and its first word.
Awaitable<void> serve_well(NodeRig& rig)
{
    Words words;
    auto peer = co_await rig.server.accept_healthy(words);
    while (!words.empty()) {
        co_await peer->say("+" + words.front() + "\r\n");
        co_await FakeServer::serve(*peer, words);
    }
}

}  // namespace

TEST_CASE("a node connects, answers every request with its own reply, and stops in peace")
{
    NodeRig rig;
    Node& node = rig.make_node();
    auto story = [&]() -> Awaitable<void> {
        CHECK_FALSE(node.is_up());
        co_await rig.until_up();
        CHECK(rig.counters.up.value() == 1);
        std::vector<std::shared_ptr<NodeRig::Request>> requests;
        for (int i = 0; i < 100; ++i)
            requests.push_back(rig.ask("Q" + std::to_string(i)));
        std::function<bool()> done = [&] { return requests.back()->is_done; };
        co_await rig.until(done);
        for (int i = 0; i < 100; ++i) {
            const auto& outcome = requests[static_cast<std::size_t>(i)]->outcome;
            CHECK(outcome.failure == Failure::none);
            CHECK(text_of(outcome.reply) == "+Q" + std::to_string(i));
        }
        node.stop(enough);
        CHECK_FALSE(node.is_up());
    };
    node.start();
    rig.loop.run(serve_well(rig), story());
    CHECK(rig.counters.commands.value() == 100);
    CHECK(rig.counters.connects.value() == 1);
    CHECK(rig.counters.up.value() == 0);
}

TEST_CASE("a reply in pieces is the same reply")
{
    NodeRig rig;
    Node& node = rig.make_node();
    Act act = [](FakePeer& peer, Words) -> Awaitable<void> {
        co_await peer.say_slowly("*3\r\n:12\r\n$4\r\na\r\nb\r\n-E no\r\n");
        co_await peer.swallow();
    };
    auto story = [&]() -> Awaitable<void> {
        co_await rig.until_up();
        Command command = make_command({"ASK"});
        const Outcome outcome = co_await node.execute(std::move(command), enough);
        CHECK(text_of(outcome.reply) == "[:12 \"a\r\nb\" -E no]");
        node.stop(enough);
    };
    node.start();
    rig.loop.run(serve_once(rig, act), story());
}

TEST_CASE("requests of one turn go out in one piece")
{
    NodeRig rig;
    Node& node = rig.make_node();
    std::size_t first_read = 0;
    const Command command = make_command({"GET", "key"});
    auto peer = [&]() -> Awaitable<void> {
        auto client = co_await rig.server.accept();
        for (int i = 0; i < 3; ++i) {  // CLIENT, ROLE, SCRIPT
            const Words words = co_await client->command();
            co_await client->say(*healthy_reply(words));
        }
        char buffer[64 * 1024];
        const std::span<char> room(buffer);
        const net::Transfer got = co_await client->stream.read_some(room, enough);
        first_read = got.bytes;
        co_await client->swallow();
    };
    auto story = [&]() -> Awaitable<void> {
        co_await rig.until_up();
        for (int i = 0; i < 50; ++i)
            node.send(command);
        std::function<bool()> read = [&] { return first_read != 0; };
        co_await rig.until(read);
        node.stop(Milliseconds{0});
    };
    node.start();
    rig.loop.run(peer(), story());
    CHECK(first_read == 50 * command.bytes.size());
}

TEST_CASE("whatever a server does wrong, the request knows, and a new connection follows")
{
    struct Row {
        std::string name;
        std::string reply;  // "": closes; "half": ends its side only
        Failure failure;
    };
    const Row rows[] = {
        {"closes", "", Failure::lost},
        {"half closes", "half", Failure::lost},
        {"ends within a reply", "$5\r\nab", Failure::lost},
        {"garbage", "HTTP/1.1 400 Bad Request\r\n\r\n", Failure::lost},
        {"a huge array", "*1000000000\r\n", Failure::lost},
        {"a huge string", "$600000\r\n" + std::string(600'000, 'x') + "\r\n", Failure::lost},
        {"RESP3", "%1\r\n+a\r\n:1\r\n", Failure::lost},
        {"an error is an answer", "-ERR no\r\n", Failure::none},
        {"an answer too many", "+one\r\n+two\r\n", Failure::none},
        {"a goodbye after the answer", "+one\r\n-ERR going down\r\n", Failure::none},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        NodeRig rig;
        Node& node = rig.make_node();
        Act act = [&row](FakePeer& peer, Words) -> Awaitable<void> {
            const bool is_half = row.reply == "half";
            if (!row.reply.empty() && !is_half) co_await peer.say(row.reply);
            if (is_half) co_await peer.stream.shutdown_send(enough);
            if (is_half || row.failure == Failure::none) co_await peer.swallow();
        };
        auto peer = [&]() -> Awaitable<void> {
            co_await serve_once(rig, act);
            co_await serve_well(rig);
        };
        auto story = [&]() -> Awaitable<void> {
            co_await rig.until_up();
            Command command = make_command({"ASK"});
            const Outcome outcome = co_await node.execute(std::move(command), enough);
            CHECK(name(outcome.failure) == name(row.failure));
            if (row.name == "an error is an answer") node.reconnect();
            std::function<bool()> again = [&] { return rig.counters.connects.value() == 2; };
            co_await rig.until(again);
            co_await rig.until_up();
            Command next = make_command({"NEXT"});
            const Outcome answer = co_await node.execute(std::move(next), enough);
            CHECK(text_of(answer.reply) == "+NEXT");
            node.stop(enough);
        };
        node.start();
        rig.loop.run(peer(), story());
        CHECK(rig.counters.lost.value() == (row.failure == Failure::lost ? 1 : 0));
        CHECK(rig.asked_for_address == 2);
    }
}

TEST_CASE("without a connection a request is refused at once and nothing is sent later")
{
    NodeRig rig;
    Node& node = rig.make_node(
        []() -> Awaitable<std::optional<config::Address>> { co_return std::nullopt; });
    auto story = [&]() -> Awaitable<void> {
        Command command = make_command({"ASK"});
        const Outcome outcome = co_await node.execute(std::move(command), enough);
        CHECK(outcome.failure == Failure::not_connected);
        node.send(make_command({"ASK"}));
        node.report(Failure::down, "BUSY");
        node.reconnect();
        std::function<bool()> tried = [&] { return rig.counters.connect_failures.value() >= 2; };
        co_await rig.until(tried);
        CHECK_FALSE(node.is_up());
        node.stop(enough);
    };
    node.start();
    rig.loop.run(story());
    CHECK(rig.counters.commands.value() == 0);
}

TEST_CASE("no request waits past its deadline, and a late reply answers nobody")
{
    NodeRig rig(&hand_set_clock);
    Node& node = rig.make_node();
    bool may_answer = false;
    Act act = [&](FakePeer& peer, Words) -> Awaitable<void> {
        std::function<bool()> asked = [&] { return may_answer; };
        co_await rig.until(asked);
        co_await peer.command();
        co_await peer.say("+late\r\n+right\r\n");
        co_await peer.swallow();
    };
    auto story = [&]() -> Awaitable<void> {
        co_await rig.until_up();
        const auto first = rig.ask("FIRST", Milliseconds{25});
        co_await rig.turn();
        rig.advance(Milliseconds{24});
        co_await rig.turn();
        CHECK_FALSE(first->is_done);
        rig.advance(Milliseconds{1});
        co_await rig.turn();
        CHECK(first->is_done);
        CHECK(first->outcome.failure == Failure::timed_out);
        const auto second = rig.ask("SECOND", Milliseconds{25});
        may_answer = true;
        std::function<bool()> done = [&] { return second->is_done; };
        co_await rig.until(done);
        CHECK(text_of(second->outcome.reply) == "+right");
        node.stop(enough);
    };
    node.start();
    rig.loop.run(serve_once(rig, act), story());
    CHECK(rig.counters.timeouts.value() == 1);
    CHECK(rig.counters.connects.value() == 1);
}

TEST_CASE("the queue takes 4096 commands or a megabyte, and refuses the next at once")
{
    struct Row {
        std::string name;
        std::size_t commands, word;
    };
    const Row rows[] = {{"commands", Pipeline::most_commands, 1},
        {"bytes", 8, Pipeline::most_bytes / 8 - std::string_view("*1\r\n$131057\r\n\r\n").size()}};
    for (const Row& row : rows) {
        CAPTURE(row.name);
        NodeRig rig(&hand_set_clock);
        Node& node = rig.make_node();
        Act act = [](FakePeer& peer, Words) -> Awaitable<void> { co_await peer.swallow(); };
        auto story = [&]() -> Awaitable<void> {
            co_await rig.until_up();
            const Command command = make_command({std::string(row.word, 'w')});
            for (std::size_t i = 0; i < row.commands; ++i)
                node.send(command);
            CHECK(rig.counters.queue_full.value() == 0);
            Command more = make_command({"MORE"});
            const Outcome outcome = co_await node.execute(std::move(more), check_deadline);
            CHECK(outcome.failure == Failure::not_connected);
            CHECK(rig.counters.queue_full.value() == 1);
            node.stop(Milliseconds{0});
        };
        node.start();
        rig.loop.run(serve_once(rig, act), story());
        CHECK(rig.counters.commands.value() == row.commands);
    }
}

TEST_CASE("a server that does not answer for four deadlines is left and connected to again")
{
    NodeRig rig(&hand_set_clock);
    Node& node = rig.make_node();
    Act act = [](FakePeer& peer, Words) -> Awaitable<void> { co_await peer.swallow(); };
    auto peer = [&]() -> Awaitable<void> {
        co_await serve_once(rig, act);
        co_await serve_well(rig);
    };
    auto story = [&]() -> Awaitable<void> {
        co_await rig.until_up();
        const auto slow = rig.ask("SLOW", enough);
        const auto quick = rig.ask("QUICK", check_deadline);
        co_await rig.turn();
        rig.advance(Milliseconds{99});
        co_await rig.turn();
        CHECK(quick->outcome.failure == Failure::timed_out);
        CHECK(node.is_up());
        rig.advance(Milliseconds{1});
        co_await rig.turn();
        CHECK_FALSE(node.is_up());
        CHECK(slow->outcome.failure == Failure::lost);
        CHECK(rig.counters.breaker_opened.value() == 1);
        std::function<bool()> again = [&] { return rig.counters.connects.value() == 2; };
        co_await rig.until(again);
        node.stop(Milliseconds{0});
    };
    node.start();
    rig.loop.run(peer(), story());
}

TEST_CASE("an idle server is asked every second, and left if it is silent")
{
    NodeRig rig(&hand_set_clock);
    Node& node = rig.make_node();
    std::vector<Words> heard;
    auto peer = [&]() -> Awaitable<void> {
        auto client = co_await rig.server.accept();
        for (int i = 0; i < 4; ++i) {  // the set-up and one PING
            heard.push_back(co_await client->command());
            co_await client->say(*healthy_reply(heard.back()));
        }
        heard.push_back(co_await client->command());  // the next PING gets nothing
        co_await client->swallow();
        co_await serve_well(rig);
    };
    auto story = [&]() -> Awaitable<void> {
        co_await rig.until_up();
        rig.advance(Milliseconds{999});
        co_await rig.turn();
        CHECK(heard.size() == 3);
        rig.advance(Milliseconds{1});
        std::function<bool()> asked = [&] { return heard.size() == 4; };
        co_await rig.until(asked);
        CHECK(heard.back() == Words{"PING"});
        // The answer is a sign of life: the next question comes a second later.
        for (int i = 0; i < 10; ++i)
            co_await rig.turn();
        rig.advance(Milliseconds{1'000});
        std::function<bool()> asked_again = [&] { return heard.size() == 5; };
        co_await rig.until(asked_again);
        rig.advance(Milliseconds{100});
        CHECK_FALSE(node.is_up());
        std::function<bool()> again = [&] { return rig.counters.connects.value() == 2; };
        co_await rig.until(again);
        node.stop(Milliseconds{0});
    };
    node.start();
    rig.loop.run(peer(), story());
    CHECK(rig.counters.commands.value() == 0);
}

TEST_CASE("five failures close the way for requests, three good probes open it again")
{
    enum class Fault { timeouts, reports };
    for (const Fault fault : {Fault::timeouts, Fault::reports}) {
        CAPTURE(static_cast<int>(fault));
        NodeRig rig(&hand_set_clock);
        Node& node = rig.make_node();
        std::vector<Words> heard;
        bool answers_requests = false;
        auto peer = [&]() -> Awaitable<void> {
            auto client = co_await rig.server.accept();
            for (;;) {
                const Words words = co_await client->command();
                if (words.empty()) break;
                heard.push_back(words);
                const auto reply = healthy_reply(words);
                if (reply) co_await client->say(*reply);
                if (!reply && fault == Fault::reports) co_await client->say("-BUSY\r\n");
                // It owes the answers: they come before those to the probes.
                if (!reply && fault == Fault::timeouts) {
                    std::function<bool()> may = [&] { return answers_requests; };
                    if (words.front() == "Q0") co_await rig.until(may);
                    co_await client->say("+late\r\n");
                }
            }
        };
        auto story = [&]() -> Awaitable<void> {
            co_await rig.until_up();
            for (int i = 0; i < 5; ++i) {
                CHECK(node.is_up());
                const auto request = rig.ask("Q" + std::to_string(i), Milliseconds{1});
                std::function<bool()> done = [&] { return request->is_done; };
                if (fault == Fault::timeouts) {
                    co_await rig.turn();
                    rig.advance(Milliseconds{1});
                }
                co_await rig.until(done);
                if (fault == Fault::reports) node.report(Failure::down, "BUSY");
            }
            CHECK_FALSE(node.is_up());
            CHECK(node.trouble() == (fault == Fault::reports ? "BUSY" : "no answer in time"));
            CHECK(rig.counters.breaker_opened.value() == 1);
            const auto refused = rig.ask("REFUSED");
            co_await rig.turn();
            CHECK(refused->is_done);
            CHECK(refused->outcome.failure == Failure::not_connected);
            answers_requests = true;
            std::function<bool()> all_heard = [&] { return heard.size() == 8; };
            co_await rig.until(all_heard);
            for (int probes = 1; probes <= 3; ++probes) {
                CHECK_FALSE(node.is_up());
                const auto before = heard.size();
                rig.advance(Milliseconds{4});
                co_await rig.turn();
                CHECK(heard.size() <= 8 + static_cast<std::size_t>(2 * (probes - 1)));
                rig.advance(Milliseconds{1});
                std::function<bool()> asked = [&] { return heard.size() >= before + 2; };
                co_await rig.until(asked);
                for (int i = 0; i < 5; ++i)
                    co_await rig.turn();
            }
            CHECK(node.is_up());
            CHECK(rig.counters.breaker_closed.value() == 1);
            node.stop(Milliseconds{0});
        };
        node.start();
        rig.loop.run(peer(), story());
        CHECK(rig.counters.commands.value() == 5);
        CHECK(heard.size() == 3 + 5 + 6);  // set-up, requests, three times PING and a script
        CHECK(heard.back()[0] == "EVALSHA");
    }
}

TEST_CASE("a loop that was busy elsewhere does not hold its own lateness against the server")
{
    for (const auto& [late, stays_up] :
        {std::pair{Milliseconds{21}, false}, {Milliseconds{22}, true}}) {
        CAPTURE(late.count());
        NodeRig rig(&hand_set_clock);
        Node& node = rig.make_node();
        auto peer = [&]() -> Awaitable<void> {
            auto client = co_await rig.server.accept();
            for (;;) {
                const Words words = co_await client->command();
                if (words.empty()) break;
                const auto reply = healthy_reply(words);
                if (reply) co_await client->say(*reply);
            }
        };
        auto story = [&]() -> Awaitable<void> {
            co_await rig.until_up();
            std::vector<decltype(rig.ask("Q"))> requests;
            for (int i = 0; i < 6; ++i)
                requests.push_back(rig.ask("Q", Milliseconds{1}));
            co_await rig.turn();
            rig.advance(late);
            for (const auto& request : requests) {
                std::function<bool()> done = [&] { return request->is_done; };
                co_await rig.until(done);
                CHECK(request->outcome.failure == Failure::timed_out);
            }
            CHECK(node.is_up() == stays_up);
            CHECK(rig.counters.timeouts.value() == 6);
            node.stop(Milliseconds{0});
        };
        node.start();
        rig.loop.run(peer(), story());
    }
}

TEST_CASE("a probe that is refused for being busy keeps the way closed")
{
    NodeRig rig(&hand_set_clock);
    Node& node = rig.make_node();
    int probes = 0;
    bool is_busy = true;
    auto peer = [&]() -> Awaitable<void> {
        auto client = co_await rig.server.accept();
        for (;;) {
            const Words words = co_await client->command();
            if (words.empty()) break;
            const bool is_probe = words.front() == "EVALSHA";
            probes += is_probe;
            std::string reply = "-BUSY Redis is busy\r\n";
            if (!is_probe || !is_busy) reply = *healthy_reply(words);
            co_await client->say(std::move(reply));
        }
    };
    auto story = [&]() -> Awaitable<void> {
        co_await rig.until_up();
        for (int i = 0; i < 5; ++i)
            node.report(Failure::down, "OOM");
        CHECK(node.trouble() == "OOM");
        node.report(Failure::forbidden, "NOPERM");  // says nothing of its health
        for (int wanted = 1; wanted <= 8; ++wanted) {
            if (wanted == 6) is_busy = false;
            CHECK_FALSE(node.is_up());
            std::function<bool()> asked = [&] { return probes == wanted; };
            rig.advance(Milliseconds{2'000});
            co_await rig.until(asked);
            for (int i = 0; i < 5; ++i)
                co_await rig.turn();
            if (wanted < 8) CHECK(node.trouble() == "BUSY");
        }
        CHECK(node.is_up());
        CHECK(node.trouble().empty());
        node.stop(Milliseconds{0});
        CHECK(node.trouble() == "stopped");
    };
    node.start();
    rig.loop.run(peer(), story());
    CHECK(rig.counters.breaker_opened.value() == 1);
    CHECK(rig.counters.breaker_closed.value() == 1);
}

TEST_CASE("a wished reconnection asks for the address anew, and is no failure")
{
    NodeRig rig;
    Node& node = rig.make_node();
    Act act = [](FakePeer& peer, Words) -> Awaitable<void> { co_await peer.swallow(); };
    auto peer = [&]() -> Awaitable<void> {
        co_await serve_once(rig, act);
        co_await serve_well(rig);
    };
    auto story = [&]() -> Awaitable<void> {
        co_await rig.until_up();
        const auto request = rig.ask("ASK");
        co_await rig.turn();
        node.reconnect();
        std::function<bool()> done = [&] { return request->is_done; };
        co_await rig.until(done);
        CHECK(request->outcome.failure == Failure::lost);
        co_await rig.until_up();
        CHECK(rig.asked_for_address == 2);
        node.stop(enough);
    };
    node.start();
    rig.loop.run(peer(), story());
    CHECK(rig.counters.breaker_opened.value() == 0);
}

TEST_CASE("a reconnection wished during a set-up leaves that server for the next address")
{
    NodeRig rig;
    FakeServer other(rig.loop);
    int asked = 0;
    Node& node = rig.make_node([&]() -> Awaitable<std::optional<config::Address>> {
        ++asked;
        co_return asked == 1 ? other.address() : rig.server.address();
    });
    bool is_there = false;
    auto silent = [&]() -> Awaitable<void> {
        auto client = co_await other.accept();
        co_await client->command();
        is_there = true;
        co_await client->swallow();
    };
    auto story = [&]() -> Awaitable<void> {
        std::function<bool()> there = [&] { return is_there; };
        co_await rig.until(there);
        node.reconnect();
        co_await rig.until_up();
        node.stop(enough);
    };
    node.start();
    rig.loop.run(silent(), serve_well(rig), story());
    CHECK(asked == 2);
    CHECK(rig.counters.connect_failures.value() == 0);
}

TEST_CASE("a server that is no primary is not used, whatever else it says")
{
    NodeRig rig;
    Node& node = rig.make_node();
    auto peer = [&]() -> Awaitable<void> {
        auto client = co_await rig.server.accept();
        for (Words words; words = co_await client->command(), !words.empty();) {
            std::string reply = "*1\r\n$5\r\nslave\r\n";
            if (words.front() != "ROLE") reply = *healthy_reply(words);
            co_await client->say(std::move(reply));
        }
        co_await serve_well(rig);
    };
    auto story = [&]() -> Awaitable<void> {
        co_await rig.until_up();
        CHECK(rig.counters.connect_failures.value() == 1);
        CHECK(rig.asked_for_address == 2);
        node.stop(enough);
    };
    node.start();
    rig.loop.run(peer(), story());
}

TEST_CASE("a stop lets what is under way be answered, for so long and no longer")
{
    for (const bool answers : {true, false}) {
        CAPTURE(answers);
        NodeRig rig(&hand_set_clock);
        Node& node = rig.make_node();
        bool may_answer = false;
        Act act = [&](FakePeer& peer, Words) -> Awaitable<void> {
            std::function<bool()> may = [&] { return may_answer; };
            if (answers) {
                co_await rig.until(may);
                co_await peer.say("+done\r\n");
            }
            co_await peer.swallow();
        };
        auto story = [&]() -> Awaitable<void> {
            co_await rig.until_up();
            const auto request = rig.ask("ASK");
            co_await rig.turn();
            node.stop(Milliseconds{50});
            const auto refused = rig.ask("TOO LATE");
            co_await rig.turn();
            CHECK(refused->outcome.failure == Failure::not_connected);
            CHECK_FALSE(request->is_done);
            rig.advance(Milliseconds{49});
            may_answer = true;
            for (int i = 0; i < 5; ++i)
                co_await rig.turn();
            CHECK(request->is_done == answers);
            rig.advance(Milliseconds{1});
            co_await rig.turn();
            CHECK(request->is_done);
            CHECK(request->outcome.failure == (answers ? Failure::none : Failure::lost));
        };
        node.start();
        rig.loop.run(serve_once(rig, act), story());
    }
}

TEST_CASE("a stop ends every stage of a connection at once")
{
    enum class Stage { address, waiting, set_up, ready };
    for (const Stage stage : {Stage::address, Stage::waiting, Stage::set_up, Stage::ready}) {
        CAPTURE(static_cast<int>(stage));
        NodeRig rig;
        bool is_there = false;
        boost::asio::basic_waitable_timer<std::chrono::steady_clock,
            boost::asio::wait_traits<std::chrono::steady_clock>, Executor>
            never(rig.loop.io.get_executor(), std::chrono::hours(1));
        Node& node = rig.make_node([&]() -> Awaitable<std::optional<config::Address>> {
            is_there = stage == Stage::address;
            if (is_there) co_await never.async_wait(net::as_values);
            if (stage == Stage::waiting) co_return std::nullopt;
            co_return rig.server.address();
        });
        auto peer = [&]() -> Awaitable<void> {
            if (stage == Stage::address || stage == Stage::waiting) co_return;
            if (stage == Stage::ready) co_return co_await serve_well(rig);
            auto client = co_await rig.server.accept();
            co_await client->command();
            is_there = true;
            co_await client->swallow();
        };
        auto story = [&]() -> Awaitable<void> {
            std::function<bool()> there = [&] {
                return is_there || node.is_up() || rig.counters.connect_failures.value() > 0;
            };
            co_await rig.until(there);
            node.stop(enough);
        };
        node.start();
        rig.loop.run(peer(), story());  // which demands that nothing is left to run
    }
}

TEST_CASE("a node that is destroyed while requests wait tells them")
{
    NodeRig rig;
    Node& node = rig.make_node();
    Act act = [](FakePeer& peer, Words) -> Awaitable<void> { co_await peer.swallow(); };
    auto story = [&]() -> Awaitable<void> {
        co_await rig.until_up();
        const auto written = rig.ask("WRITTEN");
        co_await rig.turn();
        const auto unsent = rig.ask("UNSENT");
        rig.node.reset();
        for (int i = 0; i < 3; ++i)
            co_await rig.turn();
        CHECK(written->outcome.failure == Failure::lost);
        CHECK(unsent->is_done);
        CHECK(unsent->outcome.failure == Failure::not_connected);
    };
    node.start();
    rig.loop.run(serve_once(rig, act), story());
}

TEST_CASE("under any mischief every request ends in time, with its own answer or a reason")
{
    std::uint64_t state = 11;
    const auto random = [&state](std::uint64_t below) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        return (state >> 33) % below;
    };
    NodeRig rig(&hand_set_clock);
    Node& node = rig.make_node();
    bool is_over = false;
    // Answers when it likes, sometimes too late, sometimes not at all; now and then it goes.
    auto peer = [&]() -> Awaitable<void> {
        while (!is_over) {
            Words words;
            auto client = co_await rig.server.accept_healthy(words);
            if (is_over) break;
            while (!words.empty() && random(200) != 0) {
                for (auto turns = random(6); turns > 0; --turns)
                    co_await rig.turn();
                co_await client->say("+" + words.front() + "\r\n");
                co_await FakeServer::serve(*client, words);
            }
        }
    };
    int answered = 0, failed = 0;
    auto request = [&](int number, Milliseconds deadline) -> Awaitable<void> {
        const auto end = hand_set().steady + deadline;
        const std::string word = "Q" + std::to_string(number);
        Command command = make_command({word});
        const Outcome outcome = co_await node.execute(std::move(command), deadline);
        CHECK(hand_set().steady <= end);
        outcome.failure == Failure::none ? ++answered : ++failed;
        if (outcome.failure == Failure::none) CHECK(text_of(outcome.reply) == "+" + word);
    };
    auto story = [&]() -> Awaitable<void> {
        co_await rig.until_up();
        for (int step = 0; step < 2'000; ++step) {
            if (node.is_up() && random(2) == 0)
                rig.loop.spawn(request(step, Milliseconds(1 + random(30))));
            co_await rig.turn();
            rig.advance(Milliseconds{1});
            co_await rig.turn();
        }
        is_over = true;
        node.stop(Milliseconds{0});
        config::Address address = rig.server.address();
        Connection last(rig.loop.deadlines, &ticking_clock);
        co_await last.open(address, nullptr);  // for a server that still accepts
        last.close();
    };
    node.start();
    rig.loop.run(peer(), story());
    CHECK(answered > 100);
    CHECK(failed > 10);
    CHECK(rig.counters.latency.sum_us.value() > 0);
}

TEST_CASE("an exception on the way to a server is outlived")
{
    NodeRig rig;
    int asked = 0;
    Node& node = rig.make_node([&]() -> Awaitable<std::optional<config::Address>> {
        if (++asked == 1) throw std::runtime_error("no memory, say");
        co_return rig.server.address();
    });
    auto story = [&]() -> Awaitable<void> {
        co_await rig.until_up();
        node.stop(enough);
    };
    node.start();
    rig.loop.run(serve_well(rig), story());
    CHECK(asked == 2);
    CHECK(rig.counters.connect_failures.value() == 1);
}

TEST_CASE("the log says once what is wrong, again after ten seconds, and never the password")
{
    const scratch::Folder folder;
    const int file = ::open(folder.file("errors").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    std::vector<std::string> said;
    {
        const scratch::Borrowed borrowed(2, file);
        observe::LogOptions options;
        NodeRig rig(&hand_set_clock, options);
        rig.settings.redis.password = "hunter2";
        Node& node = rig.make_node();
        int refusals = 0;
        auto peer = [&]() -> Awaitable<void> {
            for (;;) {
                auto client = co_await rig.server.accept();
                const Words words = co_await client->command();
                if (words.empty() || ++refusals > 4) break;
                CHECK(words == Words{"AUTH", "hunter2"});
                co_await client->say("-ERR unknown command, with args: 'hunter2'\r\n");
                co_await client->swallow();
            }
            co_await serve_well(rig);
        };
        auto story = [&]() -> Awaitable<void> {
            std::function<bool()> again = [&] {
                return rig.counters.connect_failures.value() == 3;
            };
            co_await rig.until(again);
            rig.advance(Milliseconds{10'000});
            co_await rig.until_up();
            node.stop(enough);
        };
        node.start();
        rig.loop.run(peer(), story());
        rig.log.flush(enough);
        for (const auto& line : scratch::lines(scratch::contents(folder.file("errors"))))
            said.push_back(line.substr(line.find("\"level\"")));
    }
    ::close(file);
    REQUIRE(said.size() == 3);
    const std::string refusal = "\"level\":\"error\",\"msg\":\"redis cannot be used\"";
    CHECK(said[0].starts_with(refusal));
    const std::string ours = ",\"connection\":\"orggate-test\"";
    CHECK(said[0].find(ours + ",\"failure\"") != std::string::npos);
    CHECK(said[0].ends_with("\"failure\":\"forbidden\",\"reason\":\"AUTH: ERR\"}"));
    CHECK(said[1] == said[0]);
    CHECK(said[2].starts_with("\"level\":\"info\",\"msg\":\"redis connected\""));
    CHECK(said[2].ends_with(ours + "}"));
}
