#include "redis/fleet_scripts.hpp"

#include "orggate/limit/key.hpp"
#include "support/redis_server.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace orggate;
using namespace orggate::redis;

namespace {

using Words = std::vector<std::string>;

struct Server {
    test::RedisServer redis;
    FleetKeys keys{"og"};

    Words run(const Script& script, Words with, const Words& arguments)
    {
        Words words{"EVAL", std::string(script.text), std::to_string(with.size())};
        words.insert(words.end(), with.begin(), with.end());
        words.insert(words.end(), arguments.begin(), arguments.end());
        return redis.list(words);
    }
    // At a time in milliseconds. "processes workers" of the reply.
    std::string pulse(const std::string& member, std::int64_t at)
    {
        const auto reply =
            run(pulse_script(), {keys.members, keys.tenants_version, keys.generation},
                {member, "15000", std::to_string(at)});
        REQUIRE(reply.size() == 5);
        return reply[0] + " " + reply[1];
    }
    std::string set_tenant(const std::string& org, const std::string& text, int most = 1000)
    {
        return run(set_tenant_script(), {keys.tenants_version, keys.tenants},
            {org, text, std::to_string(most), "524288"})
            .front();
    }
    std::string restore(const std::string& version, const Words& pairs)
    {
        Words arguments{version};
        arguments.insert(arguments.end(), pairs.begin(), pairs.end());
        return run(restore_tenants_script(), {keys.tenants_version, keys.tenants}, arguments)
            .front();
    }
    std::string tenant(const std::string& org) { return redis.text({"HGET", keys.tenants, org}); }
    std::string version() { return redis.text({"GET", keys.tenants_version}); }
};

constexpr std::int64_t start = 1'790'000'000'123;

Reply integer(std::int64_t value)
{
    return {Reply::Kind::integer, value, {}, {}};
}
Reply text(std::string value)
{
    return {Reply::Kind::text, 0, std::move(value), {}};
}
Reply array(std::vector<Reply> elements)
{
    return {Reply::Kind::array, 0, {}, std::move(elements)};
}

}  // namespace

TEST_CASE("the fleet's keys share one slot and carry the namespace")
{
    const FleetKeys keys("og:one");
    CHECK(keys.members == "og:one:f1:{fleet}:members");
    for (const auto* key : {&keys.members, &keys.tenants, &keys.tenants_version, &keys.generation})
        CHECK(limit::slot_of(*key) == keys.slot);
}

TEST_CASE("members count until they have been silent for 15 seconds, with their workers")
{
    Server server;
    CHECK(server.pulse("a:4", start) == "1 4");
    CHECK(server.pulse("b:2", start + 5'000) == "2 6");
    CHECK(server.pulse("b:2", start + 14'999) == "2 6");
    CHECK(server.pulse("b:2", start + 15'000) == "1 2");
    CHECK(server.pulse("a:4", start + 15'001) == "2 6");
}

TEST_CASE("who only looks is not counted and drops nobody")
{
    Server server;
    server.pulse("a:4", start);
    CHECK(server.pulse("", start + 60'000) == "1 -1");
}

TEST_CASE("a clock of Redis that went back does not keep the dead alive")
{
    Server server;
    server.pulse("a:1", start + 600'000);
    CHECK(server.pulse("b:1", start) == "1 1");
    // By less than the silence everybody stays.
    server.pulse("c:1", start + 14'999);
    CHECK(server.pulse("b:1", start) == "2 2");
}

TEST_CASE("a member that says no number of workers is one")
{
    Server server;
    server.redis.text({"ZADD", server.keys.members, std::to_string(start), "foreign"});
    server.redis.text({"ZADD", server.keys.members, std::to_string(start), "x:99999"});
    CHECK(server.pulse("a:3", start) == "3 5");
}

TEST_CASE("who leaves is gone at once")
{
    Server server;
    server.pulse("a:1", start);
    server.pulse("b:1", start);
    server.run(leave_script(), {server.keys.members}, {"a:1"});
    CHECK(server.pulse("b:1", start) == "1 1");
}

TEST_CASE("each change of tenants has a stamp of its own that never goes back")
{
    Server server;
    CHECK(server.version() == "");
    CHECK(server.set_tenant("org_a", "{}") == "1");
    const auto first = server.version();
    CHECK(first.size() == 16);  // microseconds since 1970, no exponent
    CHECK(server.set_tenant("org_a", "{}") == "1");
    const auto second = server.version();
    CHECK(std::stoll(second) > std::stoll(first));
    // After a clock that went back.
    server.redis.text({"SET", server.keys.tenants_version, "1999999999999999"});
    server.set_tenant("org_b", "{}");
    CHECK(server.version() == "2000000000000000");

    const auto clear = [&](const std::string& org) {
        return server
            .run(clear_tenant_script(), {server.keys.tenants_version, server.keys.tenants}, {org})
            .front();
    };
    CHECK(clear("org_b") == "1");
    CHECK(server.version() == "2000000000000001");
    CHECK(clear("org_b") == "0");
    CHECK(server.version() == "2000000000000001");
}

TEST_CASE("tenants are read back with their stamp, and a full fleet takes changes but no more")
{
    Server server;
    CHECK(server.set_tenant("org_a", "{ blocked: true }", 2) == "1");
    CHECK(server.set_tenant("org_b", "{}", 2) == "1");
    CHECK(server.set_tenant("org_c", "{}", 2) == "0");
    CHECK(server.set_tenant("org_b", "{ bypass: all }", 2) == "1");
    const auto read = [&](const std::string& most, const std::string& bytes) {
        return server.run(read_tenants_script(), {server.keys.tenants_version, server.keys.tenants},
            {most, bytes});
    };
    CHECK(read("2", "1000") ==
          Words{server.version(), "org_a", "{ blocked: true }", "org_b", "{ bypass: all }"});
    // More than may be is not sent at all.
    CHECK(read("1", "1000") == Words{server.version()});
    CHECK(read("2", "41") == Words{server.version()});
    CHECK(read("2", "42").size() == 5);
}

TEST_CASE("a list is restored once, over an older one or none, as a whole and with its version")
{
    struct Row {
        std::string name, version;
        bool has_list;
        std::string expected;  // the reply
    };
    const Row rows[] = {
        {"nothing there", "", false, "1"},
        {"an older one, of a snapshot", "1789999999999999", true, "1"},
        {"the same", "1790000000000000", true, "0"},
        {"the same, but the list was evicted", "1790000000000000", false, "1"},
        {"a newer one", "1790000000000001", true, "0"},
        {"a newer one, cleared", "1790000000000001", false, "0"},
        {"no number", "x", true, "1"},
    };
    Server server;
    for (const auto& row : rows) {
        CAPTURE(row.name);
        server.redis.text({"FLUSHALL"});
        if (!row.version.empty())
            server.redis.text({"SET", server.keys.tenants_version, row.version});
        if (row.has_list) server.redis.text({"HSET", server.keys.tenants, "org_old", "{}"});
        const bool is_restored = row.expected == "1";
        CHECK(server.restore("1790000000000000", {"org_a", "{ blocked: true }", "org_b", "{}"}) ==
              row.expected);
        CHECK(server.version() == (is_restored ? "1790000000000000" : row.version));
        CHECK(server.tenant("org_a") == (is_restored ? "{ blocked: true }" : ""));
        CHECK(server.tenant("org_old") == (row.has_list && !is_restored ? "{}" : ""));
        // Another process, which knows no more, is not needed.
        CHECK(server.restore("1790000000000000", {"org_a", "{}"}) == "0");
    }
    // An empty list is one too: its version comes back.
    server.redis.text({"FLUSHALL"});
    CHECK(server.restore("1790000000000000", {}) == "1");
    CHECK(server.version() == "1790000000000000");
}

TEST_CASE("a change on top of a lost list is not taken before the list is back")
{
    Server server;
    const Words keys{server.keys.tenants_version, server.keys.tenants};
    const std::string known = "1790000000000000";
    const auto set = [&] {
        return server.run(set_tenant_script(), keys, {"org_b", "{}", "10", "1000", known}).front();
    };
    const auto clear = [&] {
        return server.run(clear_tenant_script(), keys, {"org_b", known}).front();
    };
    const auto lost = std::to_string(list_is_lost);
    CHECK(set() == lost);
    CHECK(clear() == lost);
    server.redis.text({"SET", server.keys.tenants_version, "1789999999999999"});
    CHECK(set() == lost);
    CHECK(server.tenant("org_b") == "");
    server.restore(known, {"org_a", "{}"});
    CHECK(set() == "1");
    CHECK(clear() == "1");
    CHECK(server.tenant("org_a") == "{}");
}

TEST_CASE("those whose time is over make room, unless somebody has changed them")
{
    Server server;
    const Words keys{server.keys.tenants_version, server.keys.tenants};
    server.set_tenant("org_over", "{ until: then }", 2);
    server.set_tenant("org_again", "{ until: later }", 2);
    const auto set = [&](const std::string& org, const Words& over) {
        Words arguments{org, "{}", "2", "1000", ""};
        arguments.insert(arguments.end(), over.begin(), over.end());
        return server.run(set_tenant_script(), keys, arguments).front();
    };
    CHECK(set("org_new", {}) == "0");
    CHECK(set("org_new", {"org_again", "{ until: then }"}) == "0");
    CHECK(set("org_new", {"org_over", "{ until: then }", "org_again", "{ until: then }"}) == "1");
    CHECK(server.tenant("org_over") == "");
    CHECK(server.tenant("org_again") == "{ until: later }");
    CHECK(server.tenant("org_new") == "{}");
    // Who is set anew is not dropped.
    CHECK(set("org_again", {"org_again", "{ until: later }"}) == "1");
    CHECK(server.tenant("org_again") == "{}");
}

TEST_CASE("who was no member yet is told so")
{
    Server server;
    const auto is_new = [&](const std::string& member) {
        return server
            .run(pulse_script(),
                {server.keys.members, server.keys.tenants_version, server.keys.generation},
                {member, "15000", std::to_string(start)})
            .back();
    };
    CHECK(is_new("a:1") == "1");
    CHECK(is_new("a:1") == "0");
    CHECK(is_new("") == "0");
}

TEST_CASE("a pulse is read from a reply of its own shape alone")
{
    const auto good =
        read_pulse(array({integer(3), integer(12), text("17"), text("18"), integer(1)}));
    REQUIRE(good.has_value());
    CHECK(good->processes == 3);
    CHECK(good->workers == 12);
    CHECK(good->tenants_version == "17");
    CHECK(good->generation == 18);
    CHECK(good->is_new);
    CHECK_FALSE(
        read_pulse(array({integer(3), integer(-1), text(""), text(""), integer(0)}))->workers);
    CHECK(
        read_pulse(array({integer(INT64_MAX), integer(INT64_MAX), text(""), text(""), integer(0)}))
            ->processes == 100'000);
    CHECK(
        read_pulse(array({integer(-5), integer(-5), text(""), text(""), integer(0)}))->processes ==
        0);

    const Reply bad[] = {Reply(), integer(3), array({}), array({integer(3), integer(1), text("")}),
        array({integer(3), integer(1), text(""), text("x"), integer(0)}),
        array({integer(3), integer(1), text(""), text("1 "), integer(0)}),
        array({integer(3), integer(1), text(""), text("99999999999999999999"), integer(0)}),
        array({integer(3), integer(1), text(std::string(21, '1')), text(""), integer(0)}),
        array({text("3"), integer(1), text(""), text(""), integer(0)}),
        array({integer(3), integer(1), text(""), text("")}),
        array({integer(3), integer(1), text(""), text(""), text("0")}),
        array({integer(3), integer(1), integer(1), text(""), integer(0)})};
    for (const auto& reply : bad)
        CHECK_FALSE(read_pulse(reply).has_value());
}

TEST_CASE("tenants are read from a reply of their own shape alone")
{
    const auto good = read_tenants(array({text("1"), array({text("org_a"), text("{}")})}));
    REQUIRE(good.has_value());
    CHECK(good->texts == TenantTexts{{"org_a", "{}"}});
    const Reply bad[] = {Reply(), array({text("1")}), array({text("1"), array({text("org_a")})}),
        array({text("1"), array({text("org_a"), integer(1)})}), array({text("1"), text("x")}),
        array({integer(1), array({})})};
    for (const auto& reply : bad)
        CHECK_FALSE(read_tenants(reply).has_value());
}
