#include "redis/store_rig.hpp"

#include "support/redis_fleet.hpp"

#include <doctest/doctest.h>

#include <csignal>

using namespace orggate;
using redis::Failure;
using redis::Outcome;
using redis::Reply;
using test::add_script;
using test::get_script;
using test::pair_script;
using test::RedisClient;
using test::RedisServer;
using test::StoreRig;

namespace {

using Pendings = std::vector<std::unique_ptr<StoreRig::Pending>>;

StoreRig::Kind single = StoreRig::Kind::single;

// How often the server said so since it began.
int said(const RedisServer& server, const std::string& code)
{
    const std::string text = test::info(server, "errorstats", "errorstat_" + code);
    return text.empty() ? 0 : std::stoi(text.substr(text.find('=') + 1));
}

Pendings begin_many(StoreRig& rig, int count, Milliseconds within)
{
    Pendings all;
    for (int i = 0; i < count; ++i)
        all.push_back(rig.begin(add_script, {"count"}, within));
    return all;
}

int count_of(const Pendings& all, Failure failure)
{
    int count = 0;
    for (const auto& pending : all)
        count += pending->outcome.failure == failure ? 1 : 0;
    return count;
}

}  // namespace

TEST_CASE("a script and a plain command are answered")
{
    RedisServer server;
    StoreRig rig(single, {server.port()});
    REQUIRE(rig.wait_until_up());
    CHECK_FALSE(rig.store.is_cluster());
    const Outcome added = rig.evaluate(add_script, {"count"}, Milliseconds{250}, {"41"});
    CHECK(added.failure == Failure::none);
    CHECK(added.reply.integer == 41);
    const Outcome got = rig.command({"GET", "count"});
    CHECK(got.failure == Failure::none);
    CHECK(got.reply.text == "41");
    CHECK(server.text({"GET", "count"}) == "41");
}

TEST_CASE("a store that is not connected says so at once, and connects when there is a server")
{
    RedisServer server;
    server.end();
    StoreRig rig(single, {server.port()});
    CHECK(rig.store.trouble() == "not connected yet");
    const auto pending = rig.begin(add_script, {"count"}, StoreRig::long_enough);
    REQUIRE(rig.until([&] { return pending->is_done; }));
    CHECK(pending->outcome.failure == Failure::not_connected);
    CHECK(rig.command({"PING"}).failure == Failure::not_connected);
    rig.store.send(add_script, 0, pending->keys, pending->arguments);
    CHECK(rig.until([&] { return rig.store.trouble() == "connecting: Connection refused"; }));
    server.start();
    REQUIRE(rig.wait_until_up());
    CHECK(rig.store.trouble().empty());
    const Outcome added = rig.evaluate(add_script, {"count"});
    CHECK(added.failure == Failure::none);
    CHECK(added.reply.integer == 1);
}

TEST_CASE("scripts that a server has forgotten are sent again, and loaded once for many")
{
    RedisServer server;
    StoreRig rig(single, {server.port()});
    REQUIRE(rig.wait_until_up());
    const std::uint64_t loads = rig.counters.script_loads.value();
    REQUIRE(server.text({"SCRIPT", "FLUSH"}) == "OK");

    const Pendings all = begin_many(rig, 200, StoreRig::long_enough);
    REQUIRE(rig.finish(all));
    CHECK(count_of(all, Failure::none) == 200);
    CHECK(server.text({"GET", "count"}) == "200");
    CHECK(said(server, "NOSCRIPT") > 1);

    REQUIRE(rig.until([&] { return rig.counters.script_loads.value() == loads + 3; }));
    const int before = said(server, "NOSCRIPT");
    CHECK(rig.evaluate(add_script, {"count"}).reply.integer == 201);
    CHECK(rig.evaluate(get_script, {"count"}).reply.text == "201");
    CHECK(said(server, "NOSCRIPT") == before);
    CHECK(rig.counters.script_loads.value() == loads + 3);
}

TEST_CASE("what nobody waits for is done too, also where the script was forgotten")
{
    RedisServer server;
    StoreRig rig(single, {server.port()});
    REQUIRE(rig.wait_until_up());
    REQUIRE(server.text({"SCRIPT", "FLUSH"}) == "OK");
    {
        const std::vector<std::string> keys(1, "count"), arguments(1, "5");
        rig.store.send(add_script, 0, keys, arguments);
    }
    CHECK(rig.until([&] { return server.text({"GET", "count"}) == "5"; }));
}

TEST_CASE("what was sent before the stop still happens, what comes after does not")
{
    RedisServer server;
    StoreRig rig(single, {server.port()});
    REQUIRE(rig.wait_until_up());
    const auto waiting = rig.begin(add_script, {"count"}, StoreRig::long_enough);
    rig.run_for(Milliseconds{0});
    rig.store.send(add_script, 0, waiting->keys, waiting->arguments);
    rig.store.stop(Milliseconds{2'000});
    CHECK_FALSE(rig.store.is_up(0));
    CHECK(rig.store.trouble() == "stopped");
    rig.store.send(add_script, 0, waiting->keys, waiting->arguments);
    REQUIRE(rig.until([&] { return waiting->is_done; }));
    CHECK(rig.until([&] { return server.text({"GET", "count"}) == "2"; }));
    CHECK(rig.evaluate(add_script, {"count"}).failure == Failure::not_connected);
    CHECK(server.text({"GET", "count"}) == "2");
}

TEST_CASE("what a server cannot do now is told, and nothing is written")
{
    struct Row {
        std::string name;
        std::vector<std::string> fault, repair;
        std::string code;
    };
    const Row rows[] = {
        {"no memory", {"CONFIG", "SET", "maxmemory", "100kb"}, {"CONFIG", "SET", "maxmemory", "0"},
            "OOM"},
        {"no replicas", {"CONFIG", "SET", "min-replicas-to-write", "1"},
            {"CONFIG", "SET", "min-replicas-to-write", "0"}, "NOREPLICAS"},
    };
    RedisServer server;
    StoreRig rig(single, {server.port()});
    for (const Row& row : rows) {
        CAPTURE(row.name);
        REQUIRE(rig.wait_until_up());
        const std::uint64_t refused = rig.counters.refused_by_server.value();
        REQUIRE(server.text(row.fault) == "OK");
        const Outcome outcome = rig.evaluate(add_script, {"count"});
        CHECK(outcome.failure == Failure::down);
        CHECK(outcome.reply.text.starts_with(row.code));
        CHECK(rig.counters.refused_by_server.value() == refused + 1);
        CHECK(rig.evaluate(get_script, {"count"}).failure == Failure::none);  // only reads
        REQUIRE(server.text(row.repair) == "OK");
        CHECK(server.text({"EXISTS", "count"}) == "0");
    }
    REQUIRE(rig.wait_until_up());
    CHECK(rig.evaluate(add_script, {"count"}).failure == Failure::none);
}

TEST_CASE("a server that refuses again and again is left alone until it is well")
{
    RedisServer server;
    StoreRig rig(single, {server.port()});
    REQUIRE(rig.wait_until_up());
    REQUIRE(server.text({"CONFIG", "SET", "min-replicas-to-write", "1"}) == "OK");
    for (int i = 0; i < 5; ++i) {
        CAPTURE(i);
        CHECK(rig.evaluate(add_script, {"count"}).failure == Failure::down);
    }
    CHECK_FALSE(rig.store.is_up(0));
    CHECK(rig.counters.breaker_opened.value() == 1);
    CHECK(rig.evaluate(add_script, {"count"}).failure == Failure::not_connected);
    REQUIRE(server.text({"CONFIG", "SET", "min-replicas-to-write", "0"}) == "OK");
    REQUIRE(rig.wait_until_up());
    CHECK(rig.counters.breaker_closed.value() == 1);
    CHECK(rig.evaluate(add_script, {"count"}).reply.integer == 1);
}

TEST_CASE("a server that another script keeps busy is left alone until it is free")
{
    RedisServer server({"--busy-reply-threshold", "200"});
    StoreRig rig(single, {server.port()});
    REQUIRE(rig.wait_until_up());
    RedisClient client(server.port());
    client.send({"EVAL", "while true do end", "0"});

    // The script may not have begun when the first question comes.
    REQUIRE(rig.until([&] { return server.text({"PING"}).starts_with("BUSY"); }));
    for (int i = 0; i < 5; ++i) {
        CAPTURE(i);
        const Outcome outcome = rig.evaluate(add_script, {"count"});
        CHECK(outcome.failure == Failure::down);
        CHECK(outcome.reply.text.starts_with("BUSY"));
    }
    CHECK_FALSE(rig.store.is_up(0));
    CHECK(rig.store.trouble() == "BUSY");
    REQUIRE(server.text({"SCRIPT", "KILL"}) == "OK");
    REQUIRE(rig.wait_until_up());
    CHECK(rig.evaluate(add_script, {"count"}).reply.integer == 1);
}

TEST_CASE("a server that loads its data takes nothing until it has")
{
    RedisServer server({"--enable-debug-command", "yes", "--key-load-delay", "300",
        "--loading-process-events-interval-bytes", "1024"});
    StoreRig rig(single, {server.port()});
    REQUIRE(rig.wait_until_up());
    REQUIRE(server.text({"DEBUG", "POPULATE", "2000"}) == "OK");
    REQUIRE(server.text({"SET", "count", "7"}) == "OK");
    RedisClient client(server.port());
    client.send({"DEBUG", "RELOAD"});
    REQUIRE(rig.until([&] { return server.text({"PING"}).starts_with("LOADING"); }));
    const Outcome outcome = rig.evaluate(add_script, {"count"});
    CHECK(outcome.failure == Failure::down);
    CHECK(outcome.reply.text.starts_with("LOADING"));
    REQUIRE(rig.until([&] { return server.text({"PING"}) == "PONG"; }));
    REQUIRE(rig.wait_until_up());
    CHECK(rig.evaluate(add_script, {"count"}).reply.integer == 8);
}

TEST_CASE("a primary that became a replica is dropped at once and taken back as a primary")
{
    RedisServer server;
    StoreRig rig(single, {server.port()});
    REQUIRE(rig.wait_until_up());
    rig.run_for(Milliseconds{1'100});  // a connection that has lasted starts over without pause
    REQUIRE(server.text({"REPLICAOF", "127.0.0.1", "1"}) == "OK");
    const auto pending = rig.begin(add_script, {"count"}, Milliseconds{100});
    REQUIRE(rig.until([&] { return pending->is_done; }));
    CHECK(pending->outcome.failure == Failure::down);
    CHECK(pending->outcome.reply.text.starts_with("READONLY"));
    CHECK_FALSE(rig.store.is_up(0));
    rig.run_for(Milliseconds{100});
    CHECK_FALSE(rig.store.is_up(0));
    REQUIRE(server.text({"REPLICAOF", "NO", "ONE"}) == "OK");
    REQUIRE(rig.wait_until_up());
    CHECK(rig.evaluate(add_script, {"count"}).reply.integer == 1);
}

TEST_CASE("a call that a replica refused goes to the primary that is found within its deadline")
{
    RedisServer server;
    StoreRig rig(single, {server.port()});
    REQUIRE(rig.wait_until_up());
    REQUIRE(server.text({"REPLICAOF", "127.0.0.1", "1"}) == "OK");
    const auto pending = rig.begin(add_script, {"count"}, StoreRig::long_enough);
    REQUIRE(rig.until([&] { return said(server, "READONLY") == 1; }));
    REQUIRE(server.text({"REPLICAOF", "NO", "ONE"}) == "OK");
    REQUIRE(rig.until([&] { return pending->is_done; }));
    CHECK(pending->outcome.failure == Failure::none);
    CHECK(pending->outcome.reply.integer == 1);
}

TEST_CASE("what the user may not do is forbidden, outside scripts and inside")
{
    struct Row {
        std::string name;
        std::vector<std::string> change;
        std::string trouble;
    };
    const Row rows[] = {
        {"the command", {"ACL", "SETUSER", "orggate", "-evalsha"},
            "NOPERM this user has no permissions to run the 'evalsha' command"},
        {"a command of the script", {"ACL", "SETUSER", "orggate", "+evalsha", "-incrby"},
            "ERR The user executing the script can't run this command"},
        {"the key", {"ACL", "SETUSER", "orggate", "+incrby", "resetkeys", "~og:*"},
            "NOPERM this user has no permissions to access one of the keys"},
    };
    RedisServer server;
    server.text({"ACL", "SETUSER", "orggate", "on", ">secret", "~*", "+@all"});
    redis::Settings settings = StoreRig::settings_for(single, {server.port()});
    settings.redis.username = "orggate";
    settings.redis.password = "secret";
    StoreRig rig(settings);
    REQUIRE(rig.wait_until_up());
    std::uint64_t forbidden = 0;
    for (const Row& row : rows) {
        CAPTURE(row.name);
        REQUIRE(server.text(row.change) == "OK");
        CHECK(rig.evaluate(add_script, {"count"}).failure == Failure::forbidden);
        CHECK(rig.counters.forbidden.value() == ++forbidden);
        CHECK(rig.store.is_up(0));
        const std::string trouble = rig.store.trouble();
        CAPTURE(trouble);
        CHECK(trouble.starts_with(row.trouble));
        CHECK(trouble.size() <= 200);
    }
    // Another script's success says nothing of this one.
    CHECK(rig.evaluate(get_script, {"og:count"}).failure == Failure::none);
    CHECK_FALSE(rig.store.trouble().empty());
    CHECK(rig.evaluate(add_script, {"og:count"}).reply.integer == 1);
    CHECK(rig.store.trouble().empty());
    // Whoever sends a plain command can do without it.
    CHECK(rig.command({"GET", "count"}).failure == Failure::forbidden);
    CHECK(rig.store.trouble().empty());
    CHECK(server.text({"EXISTS", "count"}) == "0");
}

TEST_CASE("a password that is not the server's is a trouble until it is")
{
    RedisServer server;
    server.text({"ACL", "SETUSER", "orggate", "on", ">other", "~*", "+@all"});
    redis::Settings settings = StoreRig::settings_for(single, {server.port()});
    settings.redis.username = "orggate";
    settings.redis.password = "secret";
    StoreRig rig(settings);
    CHECK(rig.until([&] { return rig.store.trouble() == "AUTH: WRONGPASS"; }));
    REQUIRE(server.text({"ACL", "SETUSER", "orggate", ">secret"}) == "OK");
    REQUIRE(rig.wait_until_up());
    CHECK(rig.store.trouble().empty());
}

TEST_CASE("a script's defect is told as one and the key stays as it is")
{
    RedisServer server;
    StoreRig rig(single, {server.port()});
    REQUIRE(rig.wait_until_up());
    REQUIRE(server.text({"LPUSH", "count", "1"}) == "1");
    for (int i = 0; i < 6; ++i)
        CHECK(rig.evaluate(add_script, {"count"}).failure == Failure::defect);
    CHECK(rig.counters.defects.value() == 6);
    CHECK(rig.store.is_up(0));  // the server is well
    CHECK(server.text({"LLEN", "count"}) == "1");
}

TEST_CASE("nobody waits past the deadline for a server that stopped, and it is used again")
{
    RedisServer server;
    StoreRig rig(single, {server.port()});
    REQUIRE(rig.wait_until_up());
    server.signal(SIGSTOP);
    const Milliseconds deadline{25}, lateness{100};
    const Pendings all = begin_many(rig, 50, deadline);
    REQUIRE(rig.finish(all));
    CHECK(count_of(all, Failure::timed_out) == 50);
    for (const auto& pending : all)
        CHECK(pending->took() < deadline + lateness);
    CHECK_FALSE(rig.store.is_up(0));
    CHECK(rig.store.trouble().starts_with("no answer "));
    CHECK(rig.counters.breaker_opened.value() == 1);
    const Pendings more = begin_many(rig, 50, deadline);
    REQUIRE(rig.finish(more));
    CHECK(count_of(more, Failure::not_connected) == 50);

    server.signal(SIGCONT);
    REQUIRE(rig.wait_until_up());
    CHECK(rig.counters.breaker_closed.value() == 1);
    // Those fifty ran late, or were lost with the connection; never more.
    const Outcome outcome = rig.evaluate(add_script, {"count"});
    CHECK(outcome.failure == Failure::none);
    CHECK(outcome.reply.integer >= 1);
    CHECK(outcome.reply.integer <= 51);
}

TEST_CASE("what was written to a connection that is lost is not sent again")
{
    RedisServer server;
    StoreRig rig(single, {server.port()});
    REQUIRE(rig.wait_until_up());
    REQUIRE(server.text({"CLIENT", "PAUSE", "10000", "WRITE"}) == "OK");
    const Pendings all = begin_many(rig, 20, StoreRig::long_enough);
    rig.run_for(Milliseconds{20});
    REQUIRE(server.text({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}) == "1");
    REQUIRE(rig.finish(all));
    CHECK(count_of(all, Failure::lost) == 20);
    REQUIRE(server.text({"CLIENT", "UNPAUSE"}) == "OK");
    REQUIRE(rig.wait_until_up());
    CHECK(rig.evaluate(add_script, {"count"}).reply.integer == 1);
}
