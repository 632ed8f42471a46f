#include "token/permissions.hpp"

#include <doctest/doctest.h>

using namespace orggate::token;

namespace {

using Words = std::vector<std::string>;

std::string many_names(int count)
{
    std::string names;
    for (int i = 0; i < count; ++i)
        names += (i == 0 ? "n" : ",n") + std::to_string(i);
    return names;
}

}  // namespace

TEST_CASE("permissions are unpacked as Clerk packs them")
{
    struct Row {
        std::string_view features, names, bitmaps;
        Words permissions;
    };
    const Row rows[] = {
        {"o:impersonation", "read,manage", "3",
            {"org:impersonation:read", "org:impersonation:manage"}},
        {"o:impersonation,o:memberships", "read,manage", "1,3",
            {"org:impersonation:read", "org:memberships:read", "org:memberships:manage"}},
        {"uo:impersonation,o:memberships,uo:feature3", "read,manage", "1,3,1",
            {"org:impersonation:read", "org:memberships:read", "org:memberships:manage",
                "org:feature3:read"}},
        {"ou:memberships,u:impersonation", "read,manage", "3,0",
            {"org:memberships:read", "org:memberships:manage"}},
        {"o:repositories,o:projects", "read,create,update,delete,revoke", "7,21",
            {"org:repositories:read", "org:repositories:create", "org:repositories:update",
                "org:projects:read", "org:projects:update", "org:projects:revoke"}},
        {"o:repositories,o:impersonation,o:billing", "manage,read,update", "6,0,3",
            {"org:repositories:read", "org:repositories:update", "org:billing:manage",
                "org:billing:read"}},
        {"o:billing,u:x,uo:mem", "read, manage", "3,2",
            {"org:billing:read", "org:billing:manage", "org:mem:manage"}},
        // What is missing or unreadable gives nothing away.
        {"o:a", "", "3", {}},
        {"o:a", "read", "", {}},
        {"", "read", "1", {}},
        {"u:a", "read", "1", {}},
        {"o:a,o:b", "read", "1", {"org:a:read"}},
        {"o:a", "read", "1,1", {"org:a:read"}},
        {"o:a", "read", "-1", {}},
        {"o:a", "read", "0x1", {}},
        {"o:a", "read", "1.0", {}},
        {"o:a", "read", "1e0", {}},
        {"o:a,o:b", "read", "x,1", {"org:b:read"}},
        {"o:a,o:b", "read", ",1", {"org:b:read"}},
        {"o:a", "read", " 1 ", {"org:a:read"}},
        {"o:a", "read", "0001", {"org:a:read"}},
        {"o:a", "read", "2", {}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.features);
        CAPTURE(row.bitmaps);
        const auto features = parse_scoped(row.features);
        REQUIRE(features);
        const auto permissions = unpack_permissions(features->org, row.names, row.bitmaps);
        REQUIRE(permissions);
        CHECK(*permissions == row.permissions);
    }
}

TEST_CASE("bitmaps are exact beyond what a double or a word can hold")
{
    const auto unpack = [](int names, std::string_view bitmap) {
        return *unpack_permissions({"f"}, many_names(names), bitmap);
    };
    CHECK(unpack(54, "9007199254740993") == Words{"org:f:n0", "org:f:n53"});
    CHECK(unpack(54, "18014398509481984").empty());  // 2^54
    CHECK(unpack(55, "18014398509481984") == Words{"org:f:n54"});
    CHECK(unpack(32, "4294967296").empty());  // 2^32
    CHECK(unpack(33, "4294967296") == Words{"org:f:n32"});
    CHECK(unpack(65, "18446744073709551616") == Words{"org:f:n64"});
    CHECK(unpack(65, "18446744073709551617") == Words{"org:f:n0", "org:f:n64"});
    CHECK(unpack(128, "340282366920938463463374607431768211455").size() == 128);  // 2^128 - 1
    CHECK(unpack(128, "340282366920938463463374607431768211456").empty());
    // 2^200
    CHECK(unpack(201, "1606938044258990275541962092341162602522202993782792835301376") ==
          Words{"org:f:n200"});
    // A number of 5000 digits ending in an odd one.
    CHECK(unpack(1, std::string(4999, '9') + "7") == Words{"org:f:n0"});
    CHECK(unpack(1, std::string(4999, '9') + "8").empty());
}

TEST_CASE("scoped lists are split by scope")
{
    const auto lists = parse_scoped("o:a,u:b, ou:c ,uo:d,x:e,oo:f,:g");
    REQUIRE(lists);
    CHECK(lists->org == Words{"a", "c", "d"});
    CHECK(lists->user == Words{"b", "c", "d"});
    REQUIRE(parse_scoped(""));
    CHECK(parse_scoped("")->org.empty());
    CHECK(parse_scoped("o:a:b")->org == Words{"a:b"});
}

TEST_CASE("a scoped list with a broken element is refused whole")
{
    for (const std::string_view text : {"pro", "o:a,b", ",", "o:a,", ",o:a", "o:", "o:a b",
             "o:a\x7f", "o:\xC3\xA4", "o:a\r\nX-Org-Id: evil", "o: a"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_scoped(text));
    }
}

TEST_CASE("a permission name that could not stand in a list is refused")
{
    for (const std::string_view names :
        {"read,", ",read", "read,,manage", "re ad", "r\nx", "\xC3\xA4"}) {
        CAPTURE(names);
        CHECK_FALSE(unpack_permissions({"f"}, names, "1"));
    }
}

TEST_CASE("a word is 1 to 256 visible characters without a comma")
{
    CHECK(is_word("a"));
    CHECK(is_word("org:admin"));
    CHECK(is_word("!~"));
    CHECK(is_word(std::string(256, 'x')));
    CHECK_FALSE(is_word(std::string(257, 'x')));
    for (const std::string_view text : {"", " ", "a b", "a,b", "a\tb", "a\n", "\x7f", "\xC3\xA9"}) {
        CAPTURE(text);
        CHECK_FALSE(is_word(text));
    }
    CHECK_FALSE(is_word(std::string_view("a\0b", 3)));
}
