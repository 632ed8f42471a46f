#include "redis/slot_map.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace orggate;
using redis::Reply;
using redis::SlotMap;

namespace {

using Kind = Reply::Kind;

Reply number(std::int64_t value)
{
    Reply reply;
    reply.kind = Kind::integer;
    reply.integer = value;
    return reply;
}

Reply text(std::string value, Kind kind = Kind::text)
{
    Reply reply;
    reply.kind = kind;
    reply.text = std::move(value);
    return reply;
}

Reply list(std::vector<Reply> elements)
{
    Reply reply;
    reply.kind = Kind::array;
    reply.elements = std::move(elements);
    return reply;
}

Reply server(const std::string& host, std::int64_t port)
{
    return list({text(host), number(port), text("id"), list({})});
}

Reply range(std::int64_t first, std::int64_t last, Reply primary)
{
    return list({number(first), number(last), std::move(primary), server("replica", 1)});
}

const config::Address asked{"asked.example", 7000, {}};

std::string owner(const SlotMap& map, std::uint16_t slot)
{
    const std::uint16_t index = map.owner(slot);
    if (index == SlotMap::nobody) return "nobody";
    const config::Address& address = map.servers()[index];
    return address.host + ":" + std::to_string(address.port);
}

}  // namespace

TEST_CASE("slots belong to the primary of their range, at both ends of it")
{
    const auto map =
        SlotMap::read(list({range(0, 99, server("a", 1)), range(100, 100, server("b", 2)),
                          range(101, 16'382, server("a", 1)),
                          range(16'383, 16'383, server("2001:db8::1", 65'535))}),
            asked);
    REQUIRE(map.has_value());
    CHECK(map->servers().size() == 3);
    CHECK(owner(*map, 0) == "a:1");
    CHECK(owner(*map, 99) == "a:1");
    CHECK(owner(*map, 100) == "b:2");
    CHECK(owner(*map, 101) == "a:1");
    CHECK(owner(*map, 16'382) == "a:1");
    CHECK(owner(*map, 16'383) == "2001:db8::1:65535");
    CHECK(owner(*map, 16'384) == "nobody");
    CHECK(owner(*map, 0xffff) == "nobody");
    CHECK(map->is_full());
}

TEST_CASE("slots in no range belong to nobody")
{
    const auto map = SlotMap::read(list({range(5, 6, server("a", 1))}), asked);
    REQUIRE(map.has_value());
    CHECK(owner(*map, 4) == "nobody");
    CHECK(owner(*map, 5) == "a:1");
    CHECK(owner(*map, 7) == "nobody");
    CHECK_FALSE(map->is_full());
}

TEST_CASE("a server without an address of its own is where it was asked")
{
    struct Row {
        std::string name;
        Reply host;
    };
    const Row rows[] = {{"null", Reply()}, {"empty", text("")}};
    for (const Row& row : rows) {
        CAPTURE(row.name);
        const auto map = SlotMap::read(list({range(0, 9, list({row.host, number(7001)}))}), asked);
        REQUIRE(map.has_value());
        CHECK(owner(*map, 9) == "asked.example:7001");
    }
}

TEST_CASE("a server that cannot be reached owns nothing, the others do")
{
    struct Row {
        std::string name;
        Reply server;
    };
    const Row rows[] = {
        {"unknown", server("?", 7001)},
        {"a path", server("/tmp/redis", 7001)},
        {"a line's end", server("a\r\nb", 7001)},
        {"too long", server(std::string(254, 'a'), 7001)},
        {"port zero", server("a", 0)},
        {"port past the last", server("a", 65'536)},
        {"negative port", server("a", -1)},
        {"port as text", list({text("a"), text("7001")})},
        {"host as a number", list({number(1), number(7001)})},
        {"host as an error", list({text("a", Kind::error), number(7001)})},
        {"host as a list", list({list({}), number(7001)})},
        {"no port", list({text("a")})},
        {"nothing", list({})},
        {"null", Reply()},
        {"not a list", text("a:7001")},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        const auto map =
            SlotMap::read(list({range(0, 9, row.server), range(10, 19, server("b", 2))}), asked);
        REQUIRE(map.has_value());
        CHECK(owner(*map, 9) == "nobody");
        CHECK(owner(*map, 10) == "b:2");
    }
}

TEST_CASE("what is no slot map is refused")
{
    struct Row {
        std::string name;
        Reply reply;
    };
    const Reply good = range(0, 9, server("a", 1));
    std::vector<Reply> many, single_slots;
    for (int i = 0; i <= static_cast<int>(SlotMap::max_servers); ++i)
        many.push_back(range(i, i, server("a", i + 1)));
    for (int i = 0; i <= SlotMap::slots; ++i)
        single_slots.push_back(range(7, 7, server("a", 1)));
    const Row rows[] = {
        {"null", Reply()},
        {"an error", text("ERR This instance has cluster support disabled", Kind::error)},
        {"text", text("x")},
        {"a number", number(1)},
        {"nothing in it", list({})},
        {"nobody in it", list({range(0, 9, server("?", 1))})},
        {"a range that is none", list({good, number(1)})},
        {"a short range", list({good, list({number(0), number(9)})})},
        {"backwards", list({range(9, 8, server("a", 1))})},
        {"negative", list({range(-1, 8, server("a", 1))})},
        {"past the last slot", list({range(0, 16'384, server("a", 1))})},
        {"slots as text", list({list({text("0"), text("9"), server("a", 1)})})},
        {"more slots than there are",
            list({range(0, 16'383, server("a", 1)), range(0, 0, server("b", 1))})},
        {"one slot over and over", list(single_slots)},
        {"too many servers", list(many)},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        CHECK_FALSE(SlotMap::read(row.reply, asked).has_value());
    }
    many.pop_back();
    const auto most = SlotMap::read(list(many), asked);
    REQUIRE(most.has_value());
    CHECK(most->servers().size() == SlotMap::max_servers);
}

TEST_CASE("a slot that moved is remembered, a server more only within the bound")
{
    SlotMap map;
    CHECK(map.assign(5, {"a", 1, {}}));
    CHECK(owner(map, 5) == "a:1");
    CHECK(map.assign(5, {"b", 1, {}}));
    CHECK(owner(map, 5) == "b:1");
    CHECK(owner(map, 4) == "nobody");
    CHECK_FALSE(map.assign(16'384, {"a", 1, {}}));
    for (std::uint16_t i = 3; i <= SlotMap::max_servers; ++i)
        CHECK(map.assign(i, {"c", i, {}}));
    CHECK_FALSE(map.assign(6, {"d", 1, {}}));
    CHECK(map.assign(6, {"a", 1, {}}));
    CHECK(owner(map, 6) == "a:1");
}
