#include "redis/node_rig.hpp"

#include "net/certificates.hpp"
#include "orggate/net/tls.hpp"
#include "redis/connection_setup.hpp"
#include "redis/server_error.hpp"
#include "redis/wire_text.hpp"
#include "support/redis_server.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <string>
#include <vector>

using namespace orggate;
using namespace orggate::redis;
using namespace orggate::test;

namespace {

constexpr Milliseconds request_deadline{250};  // the longest that can be configured

const Script& counting_script()
{
    static const Script script(
        "local v = tonumber(redis.call('GET', KEYS[1]) or '0') + ARGV[1] "
        "redis.call('SET', KEYS[1], v, 'PX', 60000) redis.call('TIME') return v");
    return script;
}

Command count(std::string_view by)
{
    return make_command({"EVALSHA", counting_script().sha, "1", "og:{a}:k", by});
}

// A node towards a real server.
struct LiveRig : NodeRig {
    explicit LiveRig(const RedisServer& redis) : redis_server(redis)
    {
        settings.redis.deadline = request_deadline;
        settings.scripts = {&counting_script()};
    }
    config::Address tcp(std::uint16_t port)
    {
        config::Address made;
        made.host = "127.0.0.1";
        made.port = port;
        return made;
    }
    Node& make_live(const config::Address& address)
    {
        return make_node(
            [address]() -> Awaitable<std::optional<config::Address>> { co_return address; });
    }
    Node& make_live() { return make_live(tcp(redis_server.port())); }

    Awaitable<std::string> answer(Command command)
    {
        const Outcome outcome = co_await node->execute(std::move(command), request_deadline);
        if (outcome.failure != Failure::none) co_return std::string(name(outcome.failure));
        co_return text_of(outcome.reply);
    }
    // Counts once, and says what came of it.
    Awaitable<std::string> count_one()
    {
        Command command = count("1");
        co_return co_await answer(std::move(command));
    }
    Awaitable<void> until_down()
    {
        std::function<bool()> is_down = [this] { return !node->is_up(); };
        co_await until(std::move(is_down));
    }

    const RedisServer& redis_server;
};

std::vector<std::string> tls_arguments(const Certificates& made, std::uint16_t port)
{
    return {"--tls-port", std::to_string(port), "--tls-cert-file", made.server.cert_file,
        "--tls-key-file", made.server.key_file, "--tls-ca-cert-file", made.authority.cert_file};
}

}  // namespace

TEST_CASE("live: scripts run over TCP and over a unix socket")
{
    const RedisServer redis;
    config::Address local;
    local.unix_path = redis.socket();
    for (const bool is_unix : {false, true}) {
        CAPTURE(is_unix);
        LiveRig rig(redis);
        rig.settings.redis.database = 2;
        Node& node = is_unix ? rig.make_live(local) : rig.make_live();
        auto story = [&]() -> Awaitable<void> {
            co_await rig.until_up();
            const std::string first = co_await rig.count_one();
            const std::string second = co_await rig.count_one();
            CHECK(first == (is_unix ? ":3" : ":1"));
            CHECK(second == (is_unix ? ":4" : ":2"));
            node.stop(enough);
        };
        node.start();
        rig.loop.run(story());
    }
    CHECK(redis.text({"SELECT", "2"}) == "OK");
    CHECK(redis.text({"GET", "og:{a}:k"}) == "4");
}

TEST_CASE("live: TLS is verified, and a client certificate is shown where one is wanted")
{
    const Certificates certificates;
    Wanted ours;
    const Certificate client =
        issue(certificates.directory, "client", ours, &certificates.authority);
    struct Row {
        std::string name;
        const char *server_name, *wants_client;
        bool shows, is_accepted;
    };
    const Row rows[] = {
        {"by name", "localhost", "no", false, true},
        {"by address", "127.0.0.1", "no", false, true},
        {"another name", "elsewhere.test", "no", false, false},
        {"a client certificate", "localhost", "yes", true, true},
        {"no client certificate", "localhost", "yes", false, false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        const std::uint16_t port = free_port();
        auto arguments = tls_arguments(certificates, port);
        arguments.insert(arguments.end(), {"--tls-auth-clients", row.wants_client});
        const RedisServer redis(arguments);
        net::ClientContext tls(certificates.authority.cert_file, row.server_name,
            row.shows ? client.cert_file : "", row.shows ? client.key_file : "");
        LiveRig rig(redis);
        rig.settings.tls = &tls;
        Node& node = rig.make_live(rig.tcp(port));
        auto story = [&]() -> Awaitable<void> {
            std::function<bool()> tried = [&] {
                return node.is_up() || rig.counters.connect_failures.value() > 0;
            };
            co_await rig.until(tried);
            CHECK(node.is_up() == row.is_accepted);
            const std::string answer = co_await rig.count_one();
            CHECK(answer == (row.is_accepted ? ":1" : "not_connected"));
            node.stop(enough);
        };
        node.start();
        rig.loop.run(story());
    }
}

TEST_CASE("live: the narrow rights of the documentation are enough, fewer are said to be missing")
{
    const std::string rights = "~og:* resetchannels -@all +evalsha +eval +script|load +time +get "
                               "+set +mget +zadd +zremrangebyscore +zcard +zrem +ping +role";
    struct Row {
        std::string name, user, password, rights, trouble;
    };
    const Row rows[] = {
        {"enough", "gate", "secret", rights + " +client|setname +hello", ""},
        {"without a name", "gate", "secret", rights, ""},
        {"wrong password", "gate", "wrong", rights, "AUTH: WRONGPASS"},
        {"no such user", "nobody", "secret", rights, "AUTH: WRONGPASS"},
        {"no ROLE", "gate", "secret", rights + " -role", "ROLE: NOPERM"},
        {"no SCRIPT LOAD", "gate", "secret", rights + " -script|load", "SCRIPT LOAD: NOPERM"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        const RedisServer redis;
        std::vector<std::string> words{"ACL", "SETUSER", "gate", "on", ">secret"};
        for (std::size_t at = 0; at < row.rights.size();) {
            const std::size_t end = std::min(row.rights.find(' ', at), row.rights.size());
            words.push_back(row.rights.substr(at, end - at));
            at = end + 1;
        }
        REQUIRE(redis.text(words) == "OK");
        LiveRig rig(redis);
        rig.settings.redis.username = row.user;
        rig.settings.redis.password = row.password;
        Node& node = rig.make_live();
        auto story = [&]() -> Awaitable<void> {
            Connection connection(rig.loop.deadlines, &ticking_clock);
            config::Address address = rig.tcp(redis.port());
            co_await connection.open(std::move(address), nullptr);
            const Trouble trouble =
                co_await set_up(connection, rig.settings, Duty::primary, enough);
            connection.close();
            CHECK(trouble.reason.substr(0, row.trouble.size()) == row.trouble);
            CHECK(trouble.failure == (row.trouble.empty() ? Failure::none : Failure::forbidden));
            if (row.trouble.empty()) {
                co_await rig.until_up();
                const std::string answer = co_await rig.count_one();
                CHECK(answer == ":1");
                Command foreign = make_command({"GET", "foreign"});
                const std::string refused = co_await rig.answer(std::move(foreign));
                CHECK(refused.starts_with("-NOPERM"));
            }
            node.stop(enough);
        };
        node.start();
        rig.loop.run(story());
    }
}

TEST_CASE("live: a server that is stopped costs each request its deadline, then nothing")
{
    const RedisServer redis;
    LiveRig rig(redis);
    rig.settings.redis.deadline = Milliseconds{25};
    Node& node = rig.make_live();
    auto story = [&]() -> Awaitable<void> {
        co_await rig.until_up();
        redis.signal(SIGSTOP);
        for (int i = 0; i < 3; ++i)
            rig.ask(count("1"), Milliseconds{25});
        co_await rig.until_down();
        const std::string refused = co_await rig.count_one();
        CHECK(refused == "not_connected");
        redis.signal(SIGCONT);
        co_await rig.until_up();
        const std::string answer = co_await rig.count_one();
        CHECK(answer.starts_with(":"));
        node.stop(enough);
    };
    node.start();
    rig.loop.run(story());
    CHECK(rig.counters.timeouts.value() == 3);
    CHECK(rig.counters.breaker_opened.value() >= 1);
    CHECK(rig.counters.breaker_closed.value() >= 1);
}

TEST_CASE("live: a restarted server is found again and knows our scripts")
{
    RedisServer redis;
    LiveRig rig(redis);
    Node& node = rig.make_live();
    auto story = [&]() -> Awaitable<void> {
        co_await rig.until_up();
        const std::string before = co_await rig.count_one();
        CHECK(before == ":1");
        redis.end();
        co_await rig.until_down();
        redis.start();
        co_await rig.until_up();
        const std::string after = co_await rig.count_one();
        CHECK(after == ":1");  // empty, without NOSCRIPT
        node.stop(enough);
    };
    node.start();
    rig.loop.run(story());
    CHECK(rig.counters.connects.value() >= 2);
}

TEST_CASE("live: while scripts are paused a server that answers PING is not trusted")
{
    const RedisServer redis;
    LiveRig rig(redis);
    rig.settings.redis.deadline = Milliseconds{25};
    Node& node = rig.make_live();
    auto story = [&]() -> Awaitable<void> {
        co_await rig.until_up();
        CHECK(redis.text({"CLIENT", "PAUSE", "600", "WRITE"}) == "OK");
        const auto end = ticking_clock().steady + Milliseconds{500};
        for (int i = 0; i < 5; ++i)
            rig.ask(count("1"), Milliseconds{25});
        co_await rig.until_down();
        CHECK(rig.counters.timeouts.value() == 5);
        bool stays_down = true;
        std::function<bool()> nearly_over = [&] {
            stays_down = stays_down && !node.is_up();
            return ticking_clock().steady >= end;
        };
        co_await rig.until(nearly_over);
        CHECK(stays_down);
        co_await rig.until_up();
        const std::string answer = co_await rig.count_one();
        CHECK(answer.starts_with(":"));
        node.stop(enough);
    };
    node.start();
    rig.loop.run(story());
}

TEST_CASE("live: a server with too many clients is tried again until it has room")
{
    const RedisServer redis({"--maxclients", "1"});
    LiveRig rig(redis);  // the one client is the test's own
    Node& node = rig.make_live();
    auto story = [&]() -> Awaitable<void> {
        std::function<bool()> tried = [&] { return rig.counters.connect_failures.value() >= 2; };
        co_await rig.until(tried);
        CHECK_FALSE(node.is_up());
        CHECK(redis.text({"CONFIG", "SET", "maxclients", "10"}) == "OK");
        co_await rig.until_up();
        node.stop(enough);
    };
    node.start();
    rig.loop.run(story());
}

TEST_CASE("live: what a script or a server says is an answer, and the connection lives on")
{
    const RedisServer redis;
    LiveRig rig(redis);
    Node& node = rig.make_live();
    auto story = [&]() -> Awaitable<void> {
        co_await rig.until_up();
        CHECK(redis.text({"SCRIPT", "FLUSH"}) == "OK");
        std::string answer = co_await rig.count_one();
        CHECK(classify(std::string_view(answer).substr(1)).remedy == Remedy::send_text);
        CHECK(redis.text({"LPUSH", "og:{a}:k", "x"}) == "1");
        Command eval = make_command({"EVAL", counting_script().text, "1", "og:{a}:k", "1"});
        answer = co_await rig.answer(std::move(eval));
        CHECK(answer.starts_with("-WRONGTYPE"));
        CHECK(node.is_up());
        CHECK(redis.text({"REPLICAOF", "127.0.0.1", "1"}) == "OK");
        Command set = make_command({"SET", "og:{a}:k", "1"});
        answer = co_await rig.answer(std::move(set));
        CHECK(answer.starts_with("-READONLY"));
        node.reconnect();  // finds that it is no primary
        std::function<bool()> refused = [&] { return rig.counters.connect_failures.value() > 0; };
        co_await rig.until(refused);
        CHECK_FALSE(node.is_up());
        CHECK(redis.text({"REPLICAOF", "NO", "ONE"}) == "OK");
        co_await rig.until_up();
        node.stop(enough);
    };
    node.start();
    rig.loop.run(story());
}

TEST_CASE("live: a killed connection loses what was under way and comes back")
{
    const RedisServer redis;
    LiveRig rig(redis);
    Node& node = rig.make_live();
    auto story = [&]() -> Awaitable<void> {
        co_await rig.until_up();
        const auto blocked = rig.ask(make_command({"BLPOP", "og:{a}:l", "0"}), enough);
        co_await rig.turn();
        CHECK(redis.text({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}) == "1");
        std::function<bool()> done = [&] { return blocked->is_done; };
        co_await rig.until(done);
        CHECK(blocked->outcome.failure == Failure::lost);
        co_await rig.until_up();
        node.stop(enough);
    };
    node.start();
    rig.loop.run(story());
    CHECK(rig.counters.lost.value() == 1);
}
