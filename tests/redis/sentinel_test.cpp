#include "redis/sentinel_list.hpp"

#include "redis/scripted_server.hpp"
#include "redis/store_rig.hpp"

#include "support/redis_fleet.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <set>

using namespace orggate;
using redis::Failure;
using redis::Reply;
using redis::SentinelList;
using test::add_script;
using test::ScriptedServer;
using test::SentinelSet;
using test::StoreRig;
using test::Words;

namespace {

Reply text(const std::string& value)
{
    Reply reply;
    reply.kind = Reply::Kind::text;
    reply.text = value;
    return reply;
}

Reply list(std::vector<Reply> elements)
{
    Reply reply;
    reply.kind = Reply::Kind::array;
    reply.elements = std::move(elements);
    return reply;
}

Reply texts(const std::vector<std::string>& values)
{
    Reply reply = list({});
    for (const std::string& value : values)
        reply.elements.push_back(text(value));
    return reply;
}

std::string hosts(const SentinelList& sentinels)
{
    std::string all;
    for (const auto& address : sentinels.all())
        all += address.host + " ";
    return all;
}

// An address as a Sentinel writes it.
std::string pair(std::uint16_t port)
{
    return "*2\r\n" + test::bulk("127.0.0.1") + test::bulk(std::to_string(port));
}

// Over a new connection: a Sentinel that promotes a server ends those it has.
std::string ask(const test::RedisServer& server, const std::vector<std::string>& words)
{
    return test::RedisClient(server.port()).text(words);
}

std::string written(const std::optional<config::Address>& address)
{
    return address ? address->host + ":" + std::to_string(address->port) : "nothing";
}

}  // namespace

TEST_CASE("the primary's address is taken from a reply that is one")
{
    struct Row {
        std::string name;
        Reply reply;
        std::string primary;
    };
    const Row rows[] = {
        {"an address", texts({"10.0.0.1", "6379"}), "10.0.0.1:6379"},
        {"a name", texts({"redis-0.redis", "1"}), "redis-0.redis:1"},
        {"IPv6, the last port", texts({"2001:db8::1", "65535"}), "2001:db8::1:65535"},
        {"null", Reply(), "nothing"},
        {"an error", text("ERR No such master with that name"), "nothing"},
        {"one element", texts({"10.0.0.1"}), "nothing"},
        {"three elements", texts({"10.0.0.1", "6379", "x"}), "nothing"},
        {"nested", list({texts({"10.0.0.1"}), text("6379")}), "nothing"},
        {"no host", texts({"", "6379"}), "nothing"},
        {"a path", texts({"/tmp/redis", "6379"}), "nothing"},
        {"port zero", texts({"10.0.0.1", "0"}), "nothing"},
        {"port past the last", texts({"10.0.0.1", "65536"}), "nothing"},
        {"port with a tail", texts({"10.0.0.1", "6379 "}), "nothing"},
        {"no port", texts({"10.0.0.1", ""}), "nothing"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        CHECK(written(redis::read_primary(row.reply)) == row.primary);
    }
}

TEST_CASE("a switch is heard if it is about our primary")
{
    struct Row {
        std::string name;
        Reply message;
        std::string primary;
    };
    const std::string channel = "+switch-master";
    const std::string said = "mymaster 10.0.0.1 6379 10.0.0.2 6380";
    const Row rows[] = {
        {"ours", texts({"message", channel, said}), "10.0.0.2:6380"},
        {"another's", texts({"message", channel, "mymaster2 10.0.0.1 6379 10.0.0.2 6380"}),
            "nothing"},
        {"another channel", texts({"message", "+sdown", said}), "nothing"},
        {"a subscription", texts({"subscribe", channel, said}), "nothing"},
        {"a pong", texts({"pong", ""}), "nothing"},
        {"cut short", texts({"message", channel, "mymaster 10.0.0.1 6379 10.0.0.2"}), "nothing"},
        {"a name alone", texts({"message", channel, "mymaster"}), "nothing"},
        {"empty", texts({"message", channel, ""}), "nothing"},
        {"port past the last", texts({"message", channel, "mymaster a 1 b 65536"}), "nothing"},
        {"null", Reply(), "nothing"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        CHECK(written(redis::read_switch(row.message, "mymaster")) == row.primary);
    }
}

TEST_CASE("who answered is asked first, then those configured, then those it named")
{
    SentinelList sentinels({{"a", 1, {}}, {"b", 1, {}}, {"c", 1, {}}});
    CHECK(hosts(sentinels) == "a b c ");
    sentinels.answered({"b", 1, {}});
    CHECK(hosts(sentinels) == "b a c ");
    sentinels.answered({"elsewhere", 1, {}});
    CHECK(hosts(sentinels) == "b a c ");

    const Reply d = texts({"name", "d", "ip", "d", "port", "1", "runid", "x"});
    const Reply a = texts({"ip", "a", "port", "1"});
    sentinels.learn(list({a, d}));
    CHECK(hosts(sentinels) == "b a c d ");
    sentinels.answered({"d", 1, {}});
    CHECK(hosts(sentinels) == "d b a c ");
    sentinels.learn(list({}));
    CHECK(hosts(sentinels) == "d a b c ");
    sentinels.answered({"a", 1, {}});
    sentinels.learn(list({}));
    CHECK(hosts(sentinels) == "a b c ");
}

TEST_CASE("a list of Sentinels that is none changes nothing, what is no Sentinel is left out")
{
    SentinelList sentinels({{"a", 1, {}}});
    sentinels.learn(Reply());
    sentinels.learn(text("x"));
    CHECK(hosts(sentinels) == "a ");
    const Reply no_port = texts({"ip", "b"});
    const Reply odd = texts({"ip", "b", "port"});
    const Reply bad_host = texts({"ip", "b\r\n", "port", "1"});
    const Reply nested = list({list({}), text("b")});
    sentinels.learn(list({text("x"), no_port, odd, bad_host, nested, Reply()}));
    CHECK(hosts(sentinels) == "a ");

    std::vector<Reply> many;
    for (int i = 0; i < 100; ++i)
        many.push_back(texts({"ip", "b" + std::to_string(i), "port", "1"}));
    sentinels.learn(list(many));
    CHECK(sentinels.all().size() == SentinelList::most);
}

TEST_CASE("a failover is followed, and the old primary is not used again when it comes back")
{
    SentinelSet set("mymaster", "sentinel-secret");
    redis::Settings settings =
        StoreRig::settings_for(StoreRig::Kind::sentinel, {test::free_port(), set.ports()[1]});
    settings.redis.master = "mymaster";
    settings.redis.sentinel_password = "sentinel-secret";
    StoreRig rig(settings);
    REQUIRE(rig.wait_until_up());
    CHECK(rig.evaluate(add_script, {"count"}).reply.integer == 1);
    CHECK(ask(set.primary, {"GET", "count"}) == "1");
    // Nothing we ask for here waits for the replica: it has the one write before the fault.
    REQUIRE(rig.until([&] { return ask(set.replica, {"GET", "count"}) == "1"; }));

    // The Sentinel that was configured goes: the others were learned from it.
    set.end_sentinel(1);
    set.primary.signal(SIGSTOP);
    CHECK(rig.evaluate(add_script, {"count"}, Milliseconds{25}).failure == Failure::timed_out);
    REQUIRE(rig.wait_until_down());
    REQUIRE(rig.wait_until_up());
    CHECK(rig.evaluate(add_script, {"count"}).reply.integer == 2);
    CHECK(ask(set.replica, {"GET", "count"}) == "2");

    set.primary.signal(SIGCONT);
    for (int i = 3; i < 50; ++i) {
        CHECK(rig.evaluate(add_script, {"count"}).reply.integer == i);
        rig.run_for(Milliseconds{20});
    }
    CHECK(ask(set.replica, {"GET", "count"}) == "49");
}

TEST_CASE("a look every second notices that another primary is named, though the old one is well")
{
    test::RedisServer old_primary, new_primary;
    const std::uint16_t port = test::free_port();
    redis::Settings settings = StoreRig::settings_for(StoreRig::Kind::sentinel, {port});
    settings.redis.master = "mymaster";
    StoreRig rig(settings);
    std::uint16_t named = old_primary.port();
    const auto rule = [&](const Words& words, test::FakePeer&) -> std::string {
        if (words[0] == "SUBSCRIBE") return "-NOPERM this user has no permissions\r\n";
        if (words[0] != "SENTINEL") return "";
        return words[1] == "SENTINELS" ? "*0\r\n" : pair(named);
    };
    const ScriptedServer sentinel(rig.io, rig.deadlines, port, rule);
    REQUIRE(rig.wait_until_up());
    CHECK(rig.evaluate(add_script, {"count"}).failure == Failure::none);
    named = new_primary.port();
    REQUIRE(rig.until([&] { return rig.counters.connects.value() == 2; }));
    REQUIRE(rig.wait_until_up());
    CHECK(rig.evaluate(add_script, {"count"}).failure == Failure::none);
    CHECK(old_primary.text({"GET", "count"}) == "1");
    CHECK(new_primary.text({"GET", "count"}) == "1");
}

TEST_CASE("a Sentinel's word of a switch is followed at once")
{
    test::RedisServer old_primary, new_primary;
    const std::uint16_t port = test::free_port();
    redis::Settings settings = StoreRig::settings_for(StoreRig::Kind::sentinel, {port});
    settings.redis.master = "mymaster";
    StoreRig rig(settings);
    test::FakePeer* subscriber = nullptr;
    std::set<test::FakePeer*> known;
    bool is_switched = false;
    const auto rule = [&](const Words& words, test::FakePeer& peer) -> std::string {
        if (words[0] == "SUBSCRIBE") {
            subscriber = &peer;
            return "*3\r\n" + test::bulk("subscribe") + test::bulk("+switch-master") + ":1\r\n";
        }
        if (words[0] != "SENTINEL") return "";
        if (words[1] == "SENTINELS") return "*0\r\n";
        // Who looks again and again over its connection hears nothing new.
        const bool is_first = known.insert(&peer).second;
        return pair(is_switched && is_first ? new_primary.port() : old_primary.port());
    };
    const ScriptedServer sentinel(rig.io, rig.deadlines, port, rule);
    REQUIRE(rig.wait_until_up());
    REQUIRE(rig.until([&] { return subscriber != nullptr && known.size() == 2; }));
    is_switched = true;
    const std::string said = "mymaster 127.0.0.1 " + std::to_string(old_primary.port()) +
                             " 127.0.0.1 " + std::to_string(new_primary.port());
    boost::asio::co_spawn(rig.io,
        subscriber->say(
            "*3\r\n" + test::bulk("message") + test::bulk("+switch-master") + test::bulk(said)),
        boost::asio::detached);
    REQUIRE(rig.until([&] { return rig.counters.connects.value() == 2; }));
    REQUIRE(rig.wait_until_up());
    CHECK(rig.evaluate(add_script, {"count"}).failure == Failure::none);
    CHECK(new_primary.text({"GET", "count"}) == "1");
}

TEST_CASE("a name that no Sentinel knows is no server")
{
    test::RedisServer server;  // answers, but is no Sentinel
    redis::Settings settings = StoreRig::settings_for(StoreRig::Kind::sentinel, {server.port()});
    settings.redis.master = "mymaster";
    StoreRig rig(settings);
    rig.run_for(Milliseconds{300});
    CHECK_FALSE(rig.store.is_up(0));
    CHECK(rig.store.trouble() == "no sentinel names the primary: it knows no primary of that name");
    CHECK(rig.counters.connects.value() == 0);
    CHECK(rig.evaluate(add_script, {"count"}).failure == Failure::not_connected);
}
