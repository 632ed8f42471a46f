#include "redis/scripted_server.hpp"
#include "redis/store_rig.hpp"

#include "support/redis_fleet.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <map>

using namespace orggate;
using redis::Failure;
using redis::Outcome;
using test::add_script;
using test::ClusterSet;
using test::pair_script;
using test::ScriptedServer;
using test::StoreRig;
using test::Words;

namespace {

using Pendings = std::vector<std::unique_ptr<StoreRig::Pending>>;
constexpr auto cluster_kind = StoreRig::Kind::cluster;

bool is_up_everywhere(StoreRig& rig)
{
    for (int slot = 0; slot < 16'384; ++slot)
        if (!rig.store.is_up(static_cast<std::uint16_t>(slot))) return false;
    return true;
}

// How often the servers said so.
int said(ClusterSet& cluster, const std::string& code)
{
    int count = 0;
    for (std::size_t i = 0; i < ClusterSet::size; ++i) {
        const std::string text = test::info(cluster.node(i), "errorstats", "errorstat_" + code);
        if (!text.empty()) count += std::stoi(text.substr(text.find('=') + 1));
    }
    return count;
}

// Names of one slot that node `index` owns.
std::vector<std::string> keys_of_one_slot(const ClusterSet& cluster, std::size_t index, int count)
{
    std::string tag = "{a}";
    while (cluster.owner(limit::slot_of(tag)) != index)
        tag.insert(1, "a");
    std::vector<std::string> keys;
    for (int i = 0; i < count; ++i)
        keys.push_back(tag + std::to_string(i));
    return keys;
}

// One server that says of itself that it owns all slots.
std::string all_slots(std::uint16_t port)
{
    return "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n" + test::bulk("") + ":" + std::to_string(port) +
           "\r\n" + test::bulk("id");
}

bool is_ours(const Words& words)
{
    return (words[0] == "EVALSHA" || words[0] == "EVAL") && words.size() > 3;
}

}  // namespace

TEST_CASE("every slot's keys go to its server, found through any node that is there")
{
    ClusterSet cluster;
    StoreRig rig(cluster_kind, {test::free_port(), cluster.ports()[2]});
    REQUIRE(rig.until([&] { return is_up_everywhere(rig); }));
    CHECK(rig.store.is_cluster());
    CHECK(rig.store.trouble().empty());

    std::map<std::uint16_t, std::string> keys;
    for (int i = 0; keys.size() < 16'384; ++i) {
        const std::string key = "k" + std::to_string(i);
        keys.try_emplace(limit::slot_of(key), key);
    }
    std::size_t good = 0;
    auto next = keys.begin();
    while (next != keys.end()) {
        Pendings some;
        for (; next != keys.end() && some.size() < 1'000; ++next)
            some.push_back(rig.begin(add_script, {next->second}, StoreRig::long_enough));
        REQUIRE(rig.finish(some));
        for (const auto& pending : some)
            good += pending->outcome.failure == Failure::none ? 1 : 0;
    }
    CHECK(good == 16'384);
    CHECK(rig.counters.redirects.value() == 0);
    CHECK(rig.counters.connects.value() == 3);
}

TEST_CASE("no command is lost or done twice while its slot moves")
{
    ClusterSet cluster;
    const std::size_t from = 0, to = 1;
    const auto keys = keys_of_one_slot(cluster, from, 8);
    const std::uint16_t slot = limit::slot_of(keys[0]);
    StoreRig rig(cluster_kind, {cluster.ports()[2]});
    REQUIRE(rig.until([&] { return is_up_everywhere(rig); }));

    Pendings all;
    std::size_t turn = 0;
    const auto load = [&] {
        for (int i = 0; i < 40; ++i) {
            all.push_back(
                rig.begin(add_script, {keys[turn++ % keys.size()]}, StoreRig::long_enough));
            if (i % 8 == 7) rig.run_for(Milliseconds{1});
        }
    };
    load();
    cluster.begin_move(slot, from, to);
    load();
    cluster.move_keys({keys[0], keys[1], keys[2]}, from, to);
    load();
    // One key here and one there: it waits until they are together again.
    const auto apart = rig.begin(pair_script, {keys[0], keys[7]}, StoreRig::long_enough);
    rig.run_for(Milliseconds{50});
    CHECK_FALSE(apart->is_done);
    cluster.move_keys({keys[3], keys[4], keys[5], keys[6], keys[7]}, from, to);
    load();
    cluster.end_move(slot, to);
    load();
    REQUIRE(rig.finish(all));
    REQUIRE(rig.until([&] { return apart->is_done; }));

    CHECK(apart->outcome.failure == Failure::none);
    for (const auto& pending : all)
        CHECK(pending->outcome.failure == Failure::none);
    std::int64_t sum = 0;
    for (const std::string& key : keys)
        sum += std::stoi(cluster.node(to).text({"GET", key}));
    CHECK(sum == static_cast<std::int64_t>(all.size()) + 2);
    CHECK(said(cluster, "ASK") > 0);
    CHECK(said(cluster, "MOVED") > 0);
    CHECK(said(cluster, "TRYAGAIN") > 0);
    CHECK(rig.counters.redirects.value() > 0);

    // It is known by now: nobody is sent elsewhere any more.
    const std::uint64_t redirects = rig.counters.redirects.value();
    CHECK(rig.evaluate(add_script, {keys[0]}).failure == Failure::none);
    CHECK(rig.counters.redirects.value() == redirects);
}

TEST_CASE("a primary that is gone takes its own slots with it and no others")
{
    ClusterSet cluster;
    StoreRig rig(cluster_kind, cluster.ports());
    REQUIRE(rig.until([&] { return is_up_everywhere(rig); }));
    const std::string gone = keys_of_one_slot(cluster, 1, 1)[0];
    const std::string others[] = {
        keys_of_one_slot(cluster, 0, 1)[0], keys_of_one_slot(cluster, 2, 1)[0]};

    cluster.node(1).end();
    REQUIRE(rig.wait_until_down(limit::slot_of(gone)));
    const auto pending = rig.begin(add_script, {gone}, StoreRig::long_enough);
    REQUIRE(rig.until([&] { return pending->is_done; }));
    CHECK(pending->outcome.failure == Failure::not_connected);
    // Also once the others have noticed.
    REQUIRE(rig.until([&] {
        return cluster.node(0).text({"CLUSTER", "INFO"}).find("slots_fail:0") == std::string::npos;
    }));
    rig.run_for(Milliseconds{1'200});
    for (const std::string& key : others) {
        CAPTURE(key);
        CHECK(rig.store.is_up(limit::slot_of(key)));
        CHECK(rig.evaluate(add_script, {key}).reply.integer == 1);
    }
    CHECK_FALSE(rig.store.is_up(limit::slot_of(gone)));
    CHECK(rig.evaluate(add_script, {gone}).failure == Failure::not_connected);
    const std::string server = "127.0.0.1:" + std::to_string(cluster.ports()[1]);
    CHECK(rig.until(
        [&] { return rig.store.trouble() == server + ": connecting: Connection refused"; }));

    cluster.node(1).start();
    REQUIRE(rig.wait_until_up(limit::slot_of(gone)));
    // It is up before the Cluster agrees that it is.
    CHECK(rig.until([&] { return rig.evaluate(add_script, {gone}).failure == Failure::none; }));
}

TEST_CASE("a Cluster that is configured as a single server is a mistake in the configuration")
{
    ClusterSet cluster;
    StoreRig rig(StoreRig::Kind::single, {cluster.ports()[0]});
    REQUIRE(rig.wait_until_up());
    const std::string here = keys_of_one_slot(cluster, 0, 1)[0];
    const std::string there = keys_of_one_slot(cluster, 1, 1)[0];
    CHECK(rig.evaluate(add_script, {here}).failure == Failure::none);
    CHECK(rig.evaluate(add_script, {there}).failure == Failure::forbidden);
    CHECK(rig.counters.redirects.value() == 0);
}

TEST_CASE("a call is sent as often as its answers allow, and no oftener")
{
    const std::uint16_t port = test::free_port(), nobody = test::free_port();
    const std::string self = "127.0.0.1:" + std::to_string(port);
    struct Row {
        std::string name, answer;
        Failure failure;
        int times;
        int asking = 0;
    };
    const Row rows[] = {
        {"moved in circles", "-MOVED 1 " + self, Failure::down, 4},
        {"moved, the same host", "-MOVED 1 :" + std::to_string(port), Failure::down, 4},
        {"asked in circles", "-ASK 1 " + self, Failure::down, 4, 3},
        {"moved to nobody", "-MOVED 1 127.0.0.1:" + std::to_string(nobody), Failure::down, 1},
        {"moved to nowhere", "-MOVED 1 ?:1", Failure::defect, 1},
        {"never a script", "-NOSCRIPT No matching script.", Failure::defect, 2},
        {"loading", "-LOADING Redis is loading", Failure::down, 1},
        {"a replica for ever", "-READONLY You can't write", Failure::down, 2},
        {"forbidden", "-NOPERM this user", Failure::forbidden, 1},
        {"a defect", "-ERR what", Failure::defect, 1},
        {"an answer", ":1", Failure::none, 1},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        StoreRig rig(cluster_kind, {port});
        int times = 0, asking = 0;
        const auto rule = [&](const Words& words, test::FakePeer&) -> std::string {
            if (words[0] == "CLUSTER") return all_slots(port);
            if (words[0] == "ASKING") return ++asking, "+OK\r\n";
            return is_ours(words) ? (++times, row.answer + "\r\n") : "";
        };
        const ScriptedServer server(rig.io, rig.deadlines, port, rule);
        REQUIRE(rig.wait_until_up());
        const auto pending = rig.begin(add_script, {"count"}, Milliseconds{400});
        REQUIRE(rig.until([&] { return pending->is_done; }));
        CHECK(pending->outcome.failure == row.failure);
        CHECK(times == row.times);
        CHECK(asking == row.asking);
        CHECK(pending->took() < Milliseconds{700});
    }
}

TEST_CASE("keys that are apart are tried again while there is time, a few times at most")
{
    const std::uint16_t port = test::free_port();
    StoreRig rig(cluster_kind, {port});
    int times = 0;
    const auto rule = [&](const Words& words, test::FakePeer&) -> std::string {
        if (words[0] == "CLUSTER") return all_slots(port);
        return is_ours(words) ? (++times, "-TRYAGAIN Multiple keys request\r\n") : "";
    };
    const ScriptedServer server(rig.io, rig.deadlines, port, rule);
    REQUIRE(rig.wait_until_up());
    // The pause is 12 ms: there is none that ends in time.
    CHECK(rig.evaluate(add_script, {"count"}, Milliseconds{12}).failure == Failure::down);
    CHECK(times == 1);
    times = 0;
    const auto pending = rig.begin(add_script, {"count"}, Milliseconds{100});
    REQUIRE(rig.until([&] { return pending->is_done; }));
    CHECK(pending->outcome.failure == Failure::down);
    CHECK(times > 1);
    CHECK(times <= 9);
    CHECK(pending->took() < Milliseconds{250});
    times = 0;
    CHECK(rig.evaluate(add_script, {"count"}, StoreRig::long_enough).failure != Failure::none);
    CHECK(times == 16);
}

TEST_CASE("the map is asked for once a second at most, however many commands go astray")
{
    const std::uint16_t port = test::free_port();
    StoreRig rig(cluster_kind, {port});
    int maps = 0;
    const auto rule = [&](const Words& words, test::FakePeer&) -> std::string {
        if (words[0] == "CLUSTER") return ++maps, all_slots(port);
        if (!is_ours(words)) return "";
        return "-MOVED 1 127.0.0.1:" + std::to_string(port) + "\r\n";
    };
    const ScriptedServer server(rig.io, rig.deadlines, port, rule);
    REQUIRE(rig.wait_until_up());
    CHECK(maps == 1);
    const auto begun = std::chrono::steady_clock::now();
    REQUIRE(rig.until([&] {
        CHECK(rig.evaluate(add_script, {"count"}).failure == Failure::down);
        return maps == 3;
    }));
    CHECK(std::chrono::steady_clock::now() - begun > Milliseconds{1'500});
}

TEST_CASE("a server that the map no longer names is left")
{
    const std::uint16_t port = test::free_port(), other = test::free_port();
    StoreRig rig(cluster_kind, {port});
    bool is_moved = false;
    const auto rule = [&](const Words& words, test::FakePeer&) -> std::string {
        if (words[0] == "CLUSTER") return all_slots(is_moved ? other : port);
        if (!is_ours(words)) return "";
        return is_moved ? "-MOVED 1 127.0.0.1:" + std::to_string(other) + "\r\n" : ":1\r\n";
    };
    const auto others_rule = [&](const Words& words, test::FakePeer&) -> std::string {
        return is_ours(words) ? ":2\r\n" : "";
    };
    const ScriptedServer server(rig.io, rig.deadlines, port, rule);
    const ScriptedServer next(rig.io, rig.deadlines, other, others_rule);
    REQUIRE(rig.wait_until_up());
    CHECK(rig.evaluate(add_script, {"count"}).reply.integer == 1);
    is_moved = true;
    CHECK(rig.evaluate(add_script, {"count"}, StoreRig::long_enough).reply.integer == 2);
    CHECK(rig.counters.up.value() == 2);
    CHECK(rig.until([&] { return rig.counters.up.value() == 1; }));
    CHECK(rig.evaluate(add_script, {"count"}).reply.integer == 2);
    CHECK(rig.counters.redirects.value() == 1);
}

TEST_CASE("a map that is none opens no connection")
{
    struct Row {
        std::string name, bytes;
    };
    const Row rows[] = {
        {"not a Cluster", "-ERR This instance has cluster support disabled\r\n"},
        {"null", "*-1\r\n"},
        {"empty", "*0\r\n"},
        {"a number", ":1\r\n"},
        {"deeper than is read", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"},
        {"a list of a billion", "*1000000000\r\n"},
        {"not RESP", "HTTP/1.1 400 Bad Request\r\n\r\n"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        const std::uint16_t port = test::free_port();
        StoreRig rig(cluster_kind, {port});
        int maps = 0;
        const auto rule = [&](const Words& words, test::FakePeer&) -> std::string {
            return words[0] == "CLUSTER" ? (++maps, row.bytes) : "";
        };
        const ScriptedServer server(rig.io, rig.deadlines, port, rule);
        REQUIRE(rig.until([&] { return maps == 1; }));
        rig.run_for(Milliseconds{50});
        CHECK_FALSE(rig.store.is_up(0));
        CHECK(rig.store.trouble().starts_with("no node of the cluster tells its slots: "));
        CHECK(rig.counters.connects.value() == 0);
        CHECK(rig.evaluate(add_script, {"count"}).failure == Failure::not_connected);
    }
}
