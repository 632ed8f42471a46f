#include "redis/connection_setup.hpp"

#include "redis/node_rig.hpp"
#include "redis/wire_text.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <netinet/tcp.h>
#include <string>

using namespace orggate;
using namespace orggate::redis;
using namespace orggate::test;

namespace {

const Script& script()
{
    static const Script made("return ARGV[1]");
    return made;
}

// A server that answers with `reply`, or like a healthy one where that is empty.
using Replies = std::function<std::string(const Words&)>;

Awaitable<void> answer_all(FakeServer& server, Replies replies, std::vector<Words>& heard)
{
    auto peer = co_await server.accept();
    for (;;) {
        Words words = co_await peer->command();
        if (words.empty()) break;
        heard.push_back(words);
        std::string reply = replies(words);
        if (reply.empty()) reply = *healthy_reply(words);
        if (reply == "close") break;
        co_await peer->say(reply);
    }
}

struct Opened {
    Trouble trouble;
    std::vector<Words> heard;
};

Opened open_and_set_up(
    const Settings& settings, Duty duty, Replies replies, Milliseconds deadline = enough)
{
    Loop loop;
    FakeServer server(loop);
    Opened opened;
    auto story = [&]() -> Awaitable<void> {
        Connection connection(loop.deadlines, &ticking_clock);
        opened.trouble = co_await connection.open(server.address(), nullptr);
        CHECK_FALSE(opened.trouble);
        opened.trouble = co_await set_up(connection, settings, duty, deadline);
        connection.close();
    };
    loop.run(answer_all(server, std::move(replies), opened.heard), story());
    return opened;
}

std::string healthy(const Words&)
{
    return {};
}

std::string joined(const std::vector<Words>& commands)
{
    std::string all;
    for (const auto& words : commands) {
        all += all.empty() ? "" : ", ";
        for (std::size_t i = 0; i < words.size(); ++i)
            all += (i > 0 ? " " : "") + words[i];
    }
    return all;
}

}  // namespace

TEST_CASE("what a server said is told up to 200 bytes, and only what prints")
{
    struct Row {
        std::string name, said, told;
    };
    const Row rows[] = {
        {"nothing", "", ""},
        {"a sentence", "NOPERM no 'get' ~", "NOPERM no 'get' ~"},
        {"200 bytes", std::string(200, 'x'), std::string(200, 'x')},
        {"201 bytes", std::string(201, 'x'), std::string(200, 'x')},
        {"what does not print", std::string("a\0\n\x1b\x1f\x7f\xc3\xbcz", 9), "a???????z"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        CHECK(told(row.said) == row.told);
    }
}

TEST_CASE("a set-up says who we are, what we want, and what we will run")
{
    struct Row {
        std::string name;
        const char *username, *password;
        int database;
        Duty duty;
        const char* heard;
    };
    const Row rows[] = {
        {"nothing configured", "", "", 0, Duty::primary, ""},
        {"password", "", "secret", 0, Duty::primary, "AUTH secret, "},
        {"user", "gate", "secret", 0, Duty::primary, "AUTH gate secret, "},
        {"database", "", "", 3, Duty::primary, "SELECT 3, "},
        {"a cluster has one database", "", "", 3, Duty::cluster_node, ""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Settings settings;
        settings.redis.username = row.username;
        settings.redis.password = row.password;
        settings.redis.database = row.database;
        settings.scripts = {&script()};
        const Opened opened = open_and_set_up(settings, row.duty, &healthy);
        CHECK(opened.trouble.failure == Failure::none);
        CHECK(
            joined(opened.heard) ==
            row.heard + std::string("ROLE, SCRIPT LOAD return ARGV[1], ") + "SCRIPT LOAD return 1");
    }
    Settings named;
    named.client_name = "orggate-pod-1";
    const Opened opened = open_and_set_up(named, Duty::primary, &healthy);
    CHECK(opened.heard.front() == Words{"CLIENT", "SETNAME", "orggate-pod-1"});
}

TEST_CASE("every reply of a set-up is checked, and trouble is said without the password")
{
    struct Row {
        std::string name;
        const char *verb, *reply;
        Failure failure;
        const char* reason;
    };
    const Row rows[] = {
        {"wrong password", "AUTH", "-WRONGPASS invalid username-password pair\r\n",
            Failure::forbidden, "AUTH: WRONGPASS"},
        {"AUTH is unknown and quoted", "AUTH",
            "-ERR unknown command 'AUTH', with args beginning with: 'hunter2'\r\n",
            Failure::forbidden, "AUTH: ERR"},
        {"a hostile code", "AUTH", "-hunter2hunter2hunter2 \r\n", Failure::forbidden, "AUTH: ERR"},
        {"a name may be refused", "CLIENT", "-NOPERM this user has no permissions\r\n",
            Failure::none, ""},
        {"no such database", "SELECT", "-ERR DB index is out of range\r\n", Failure::forbidden,
            "SELECT: ERR DB index is out of range"},
        {"SELECT is not OK", "SELECT", ":1\r\n", Failure::defect, "SELECT: the answer is not OK"},
        {"no rights", "ROLE", "-NOPERM this user has no permissions to run the 'role' command\r\n",
            Failure::forbidden,
            "ROLE: NOPERM this user has no permissions to run the 'role' command"},
        {"password wanted", "ROLE", "-NOAUTH Authentication required.\r\n", Failure::forbidden,
            "ROLE: NOAUTH Authentication required."},
        {"a replica", "ROLE", "*2\r\n$5\r\nslave\r\n$1\r\nx\r\n", Failure::down,
            "its role is slave, not master"},
        {"a Sentinel", "ROLE", "*2\r\n$8\r\nsentinel\r\n*0\r\n", Failure::down,
            "its role is sentinel, not master"},
        {"no role", "ROLE", "*0\r\n", Failure::defect, "ROLE: no role in the answer"},
        {"a role that is none", "ROLE", "*1\r\n:1\r\n", Failure::defect,
            "ROLE: no role in the answer"},
        {"no array", "ROLE", "+master\r\n", Failure::defect, "ROLE: no role in the answer"},
        {"loading", "SCRIPT", "-LOADING Redis is loading the dataset in memory\r\n", Failure::down,
            "SCRIPT LOAD: LOADING Redis is loading the dataset in memory"},
        {"another digest", "SCRIPT", "$40\r\n0123456789012345678901234567890123456789\r\n",
            Failure::defect, "SCRIPT LOAD: the digest is not ours"},
        {"no digest", "SCRIPT", ":1\r\n", Failure::defect, "SCRIPT LOAD: the digest is not ours"},
        {"too many clients", "AUTH", "-ERR max number of clients reached\r\n", Failure::down,
            "AUTH: MAXCLIENTS"},
        {"too many clients, said to the name", "CLIENT", "-ERR max number of clients reached\r\n",
            Failure::down, "CLIENT SETNAME: ERR max number of clients reached"},
        {"garbage", "ROLE", "HTTP/1.1 400\r\n", Failure::defect, "ROLE: Protocol error"},
        {"a huge array", "ROLE", "*1000000000\r\n", Failure::defect, "ROLE: an array is too long"},
        {"the end", "ROLE", "close", Failure::lost, "ROLE: End of file"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Settings settings;
        settings.redis.password = "hunter2";
        settings.redis.database = 1;
        settings.client_name = "gate";
        const auto replies = [&row](const Words& words) {
            return words.front() == row.verb ? std::string(row.reply) : std::string();
        };
        const Opened opened = open_and_set_up(settings, Duty::primary, replies);
        CHECK(name(opened.trouble.failure) == name(row.failure));
        CHECK(opened.trouble.reason.substr(0, std::strlen(row.reason)) == row.reason);
        CHECK(opened.trouble.reason.find("hunter2") == std::string::npos);
        if (row.failure == Failure::none) CHECK(opened.trouble.reason == "");
    }
}

TEST_CASE("neither silence nor a drip holds up a set-up")
{
    Instant& now = hand_set();
    now = Instant();
    for (const bool drips : {false, true}) {
        CAPTURE(drips);
        Loop loop;
        FakeServer server(loop);
        Settings settings;
        Trouble trouble;
        auto peer = [&]() -> Awaitable<void> {
            auto client = co_await server.accept();
            co_await client->command();
            // An array that never ends, an element at a time.
            if (drips) co_await client->say("*10000\r\n");
            for (int i = 0; drips && i < 100; ++i) {
                now.steady += Milliseconds{40};
                co_await client->say(":1\r\n");
                co_await boost::asio::post(loop.io.get_executor(), net::as_values);
            }
            co_await client->swallow();
        };
        auto story = [&]() -> Awaitable<void> {
            Connection connection(loop.deadlines, &hand_set_clock);
            co_await connection.open(server.address(), nullptr);
            const Milliseconds deadline = drips ? Milliseconds{2'000} : soon;
            trouble = co_await set_up(connection, settings, Duty::primary, deadline);
            connection.close();
        };
        loop.run(peer(), story());
        CHECK(trouble.failure == Failure::timed_out);
        CHECK(trouble.reason == "ROLE: no answer in time");
    }
}

TEST_CASE("a Sentinel is told who we are and nothing more")
{
    Loop loop;
    FakeServer server(loop);
    std::vector<Words> heard;
    auto story = [&]() -> Awaitable<void> {
        Connection connection(loop.deadlines, &ticking_clock);
        co_await connection.open(server.address(), nullptr);
        const Credentials credentials{"watcher", "secret"};
        const Trouble trouble = co_await introduce(connection, credentials, "gate", enough);
        CHECK_FALSE(trouble);
        connection.close();
    };
    loop.run(answer_all(server, &healthy, heard), story());
    CHECK(joined(heard) == "AUTH watcher secret, CLIENT SETNAME gate");
}

TEST_CASE("a question gets the last of its replies, and pushed messages are received one by one")
{
    Loop loop;
    FakeServer server(loop);
    auto peer = [&]() -> Awaitable<void> {
        auto client = co_await server.accept();
        co_await client->command();
        co_await client->say_slowly("+first\r\n*2\r\n:1\r\n$2\r\nab\r\n");
        co_await client->command();
        co_await client->say("-ERR no\r\n*1\r\n$4\r\npush\r\n+more\r\n");
        co_await client->swallow();
    };
    auto story = [&]() -> Awaitable<void> {
        Connection connection(loop.deadlines, &ticking_clock);
        co_await connection.open(server.address(), nullptr);
        Command two = make_command({"A"});
        two.replies = 2;
        const Outcome answer = co_await connection.ask(std::move(two), enough);
        CHECK(answer.failure == Failure::none);
        CHECK(text_of(answer.reply) == "[:1 \"ab\"]");
        Command one = make_command({"B"});
        const Outcome refused = co_await connection.ask(std::move(one), enough);
        CHECK(refused.failure == Failure::none);
        CHECK(text_of(refused.reply) == "-ERR no");
        const Outcome push = co_await connection.receive(enough);
        CHECK(text_of(push.reply) == "[\"push\"]");
        const Outcome more = co_await connection.receive(enough);
        CHECK(text_of(more.reply) == "+more");
        const Outcome none = co_await connection.receive(soon);
        CHECK(none.failure == Failure::timed_out);
        connection.close();
        const Outcome closed = co_await connection.receive(enough);
        CHECK(closed.failure == Failure::lost);
    };
    loop.run(peer(), story());
}

TEST_CASE("a TCP connection is quick, and notices a peer that is gone")
{
    Loop loop;
    FakeServer server(loop);
    auto peer = [&]() -> Awaitable<void> {
        auto client = co_await server.accept();
        co_await client->swallow();
    };
    auto story = [&]() -> Awaitable<void> {
        Connection connection(loop.deadlines, &ticking_clock);
        co_await connection.open(server.address(), nullptr);
        const int socket = connection.stream().socket().native_handle();
        struct Row {
            int level, option, wanted;
        };
        const Row rows[] = {{IPPROTO_TCP, TCP_NODELAY, 1}, {SOL_SOCKET, SO_KEEPALIVE, 1},
            {IPPROTO_TCP, TCP_KEEPIDLE, 30}, {IPPROTO_TCP, TCP_USER_TIMEOUT, 5'000}};
        for (const Row& row : rows) {
            CAPTURE(row.option);
            int value = 0;
            socklen_t size = sizeof value;
            ::getsockopt(socket, row.level, row.option, &value, &size);
            CHECK(value == row.wanted);
        }
        connection.close();
    };
    loop.run(peer(), story());
}

TEST_CASE("what cannot be reached is said, and a closed connection stays closed")
{
    Loop loop;
    config::Address gone;
    gone.host = "127.0.0.1";
    {
        FakeServer server(loop);
        gone.port = server.address().port;
    }
    config::Address no_file;
    no_file.unix_path = "/nowhere/redis.sock";
    auto story = [&]() -> Awaitable<void> {
        Connection connection(loop.deadlines, &ticking_clock);
        Trouble trouble = co_await connection.open(gone, nullptr);
        CHECK(trouble.failure == Failure::not_connected);
        CHECK(trouble.reason == "connecting: Connection refused");
        trouble = co_await connection.open(no_file, nullptr);
        CHECK(trouble.reason == "connecting: No such file or directory");
        Command ping = make_command({"PING"});
        const Outcome unsent = co_await connection.ask(std::move(ping), enough);
        CHECK(unsent.failure == Failure::not_connected);
        connection.close();
        trouble = co_await connection.open(gone, nullptr);
        CHECK(trouble.reason == "resolving its name: Operation canceled");
    };
    loop.run(story());
    CHECK(text_of(gone) == "127.0.0.1:" + std::to_string(gone.port));
    CHECK(text_of(no_file) == "unix:/nowhere/redis.sock");
    config::Address six;
    six.host = "::1";
    six.port = 6379;
    CHECK(text_of(six) == "[::1]:6379");
}
