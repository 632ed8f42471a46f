#include "orggate/http/client_address.hpp"

#include "http/trust_support.hpp"

#include <doctest/doctest.h>

namespace orggate::http {

namespace {

std::vector<Network> networks(std::initializer_list<std::string_view> texts)
{
    std::vector<Network> list;
    for (const auto text : texts) {
        const auto network = parse_network(text);
        REQUIRE(network.has_value());
        list.push_back(*network);
    }
    return list;
}

const std::vector<Network>& cluster()
{
    static const std::vector<Network> list = networks({"10.0.0.0/8", "fd00::/8"});
    return list;
}

}  // namespace

TEST_CASE("a network is an address or a CIDR, and nothing that only looks like one")
{
    struct Row {
        std::string_view text;
        int prefix;  // -1: refused
    };
    for (const Row& row : std::initializer_list<Row>{{"10.0.0.0/8", 104}, {"10.1.2.3", 128},
             {"0.0.0.0/0", 96}, {"1.2.3.4/32", 128}, {"::1", 128}, {"fd00::/8", 8}, {"::/0", 0},
             {"::ffff:10.0.0.0/104", 104}, {"::1/128", 128}, {"", -1}, {"10.0.0.0/33", -1},
             {"::/129", -1}, {"10.0.0.0/", -1}, {"10.0.0.0/-1", -1}, {"10.0.0.0/8x", -1},
             {"10.0.0.0/ 8", -1}, {"10.0.0/8", -1}, {"010.0.0.0/8", -1}, {"10.0.0.0/0008", -1},
             {"example.com", -1}, {"[::1]", -1}, {"::1%eth0", -1}, {"10.0.0.0/8/8", -1},
             {" 10.0.0.1", -1}, {std::string_view("10.0.0.1\0", 9), -1},
             {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", -1}}) {
        CAPTURE(row.text);
        const auto network = parse_network(row.text);
        CHECK((network ? network->prefix : -1) == row.prefix);
    }
}

TEST_CASE("an address is in a network when its leading bits are")
{
    struct Row {
        std::string_view network, address;
        bool inside;
    };
    for (const Row& row : std::initializer_list<Row>{{"10.0.0.0/8", "10.255.255.255", true},
             {"10.0.0.0/8", "11.0.0.0", false}, {"10.0.0.0/8", "::ffff:10.1.1.1", true},
             {"10.0.0.7/8", "10.9.9.9", true}, {"192.168.4.0/22", "192.168.7.255", true},
             {"192.168.4.0/22", "192.168.8.0", false}, {"1.2.3.4", "1.2.3.4", true},
             {"1.2.3.4", "1.2.3.5", false}, {"0.0.0.0/0", "8.8.8.8", true},
             {"0.0.0.0/0", "::1", false}, {"::/0", "2001:db8::1", true}, {"::/0", "8.8.8.8", false},
             {"fd00::/7", "fc00::1", true}, {"fd00::/8", "fd12::1%eth0", true},
             {"fe80::/10", "febf::1", true}, {"fe80::/10", "fec0::1", false},
             {"10.0.0.0/8", "", false}, {"10.0.0.0/8", "nonsense", false}}) {
        CAPTURE(row.network);
        CAPTURE(row.address);
        CHECK(contains(networks({row.network}), row.address) == row.inside);
    }
    CHECK_FALSE(contains({}, "10.0.0.1"));
}

TEST_CASE("only what a trusted peer says about the client counts")
{
    struct Row {
        std::string_view name, peer, forwarded_for;
        std::string_view client, chain;
    };
    for (const Row& row :
        std::initializer_list<Row>{
            {"a stranger's list is gone", "203.0.113.9", "1.1.1.1", "203.0.113.9", "203.0.113.9"},
            {"a trusted peer without one", "10.0.0.1", "", "10.0.0.1", "10.0.0.1"},
            {"one client", "10.0.0.1", "203.0.113.9", "203.0.113.9", "203.0.113.9, 10.0.0.1"},
            {"what stands left of the client is a claim of his", "10.0.0.1", "6.6.6.6, 203.0.113.9",
                "203.0.113.9", "203.0.113.9, 10.0.0.1"},
            {"trusted hops are passed over", "10.0.0.1", "203.0.113.9, 10.0.0.3 ,\t10.0.0.2",
                "203.0.113.9", "203.0.113.9, 10.0.0.3, 10.0.0.2, 10.0.0.1"},
            {"all of them trusted", "10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3",
                "10.0.0.3, 10.0.0.2, 10.0.0.1"},
            {"a port", "10.0.0.1", "203.0.113.9:4711", "203.0.113.9", "203.0.113.9, 10.0.0.1"},
            {"brackets and a port", "10.0.0.1", "[2001:db8::1]:443", "2001:db8::1",
                "2001:db8::1, 10.0.0.1"},
            {"brackets alone", "10.0.0.1", "[2001:db8::1]", "2001:db8::1", "2001:db8::1, 10.0.0.1"},
            {"IPv6 bare", "fd00::1", "2001:DB8:0:0::1", "2001:db8::1", "2001:db8::1, fd00::1"},
            {"mapped addresses are written plainly", "::ffff:10.0.0.1", "::ffff:203.0.113.9",
                "203.0.113.9", "203.0.113.9, 10.0.0.1"},
            {"unknown ends the walk", "10.0.0.1", "203.0.113.9, unknown", "10.0.0.1", "10.0.0.1"},
            {"behind unknown there is still a hop", "10.0.0.1", "unknown, 10.0.0.2", "10.0.0.2",
                "10.0.0.2, 10.0.0.1"},
            {"obfuscated", "10.0.0.1", "_hidden", "10.0.0.1", "10.0.0.1"},
            {"a bad port", "10.0.0.1", "203.0.113.9:http", "10.0.0.1", "10.0.0.1"},
            {"an open bracket", "10.0.0.1", "[::1", "10.0.0.1", "10.0.0.1"},
            {"rubbish behind a bracket", "10.0.0.1", "[::1]x", "10.0.0.1", "10.0.0.1"},
            {"leading zeros", "10.0.0.1", "203.0.113.009", "10.0.0.1", "10.0.0.1"},
            {"empty members", "10.0.0.1", ",, 203.0.113.9 ,,", "203.0.113.9",
                "203.0.113.9, 10.0.0.1"},
            {"line breaks", "10.0.0.1", "203.0.113.9\r\nX: y", "10.0.0.1", "10.0.0.1"}}) {
        CAPTURE(row.name);
        const auto head = test::head_with({{"X-Forwarded-For", row.forwarded_for}});
        const auto client = identify_client(head, {row.peer, false}, cluster());
        CHECK(client.address == row.client);
        CHECK(client.forwarded_for == row.chain);
    }
}

TEST_CASE("several lines of one list are one list")
{
    const auto head = test::head_with(
        {{"X-Forwarded-For", "6.6.6.6, 203.0.113.9"}, {"x-forwarded-for", "10.0.0.2"}});
    const auto client = identify_client(head, {"10.0.0.1", false}, cluster());
    CHECK(client.address == "203.0.113.9");
    CHECK(client.forwarded_for == "203.0.113.9, 10.0.0.2, 10.0.0.1");
}

TEST_CASE("a list of a thousand trusted hops is read no further than thirty-two")
{
    std::string list;
    for (int i = 0; i < 1000; ++i)
        list += "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ",";
    const auto head = test::head_with({{"X-Forwarded-For", list}});
    const auto client = identify_client(head, {"10.0.0.1", false}, cluster());
    CHECK(client.address == "10.1.3.218");
    CHECK(client.forwarded_for.starts_with("10.1.3.218, 10.1.3.219, "));
    CHECK(client.forwarded_for.ends_with(", 10.1.3.249, 10.0.0.1"));
}

TEST_CASE("a peer on a unix socket is trusted where anybody is")
{
    const auto head = test::head_with({{"X-Forwarded-For", "203.0.113.9"}});
    const auto trusted = identify_client(head, {"", false}, cluster());
    CHECK(trusted.peer_is_trusted);
    CHECK(trusted.address == "203.0.113.9");
    CHECK(trusted.forwarded_for == "203.0.113.9");
    const auto other = identify_client(head, {"", false}, {});
    CHECK_FALSE(other.peer_is_trusted);
    CHECK(other.address == "unix");
    CHECK(other.forwarded_for.empty());
}

TEST_CASE("scheme and host are the connection's unless a trusted peer says otherwise")
{
    struct Row {
        std::string_view name, peer;
        bool is_tls;
        std::string_view said_proto, said_host, proto, host;
    };
    for (const Row& row :
        std::initializer_list<Row>{{"a stranger on TCP", "203.0.113.9", false, "https",
                                       "evil.example", "http", "app.example.com"},
            {"a stranger on TLS", "203.0.113.9", true, "http", "evil.example", "https",
                "app.example.com"},
            {"a trusted peer", "10.0.0.1", false, "https", "shop.example.com", "https",
                "shop.example.com"},
            {"a trusted peer, any case", "10.0.0.1", true, "HTTP", "shop.example.com:8080", "http",
                "shop.example.com:8080"},
            {"the nearest value", "10.0.0.1", false, "http, https", "evil.example, good.example",
                "https", "good.example"},
            {"no such scheme", "10.0.0.1", false, "gopher", "[::1]:80", "http", "[::1]:80"},
            {"no such host", "10.0.0.1", true, "", "a b", "https", "app.example.com"},
            {"user information", "10.0.0.1", false, "", "a@b", "http", "app.example.com"},
            {"a path", "10.0.0.1", false, "", "a/b", "http", "app.example.com"},
            {"a line break", "10.0.0.1", false, "https\r\n", "a\r\nb", "http", "app.example.com"},
            {"nothing said", "10.0.0.1", false, "", "", "http", "app.example.com"}}) {
        CAPTURE(row.name);
        const auto head = test::head_with(
            {{"X-Forwarded-Proto", row.said_proto}, {"X-Forwarded-Host", row.said_host}});
        const auto client = identify_client(head, {row.peer, row.is_tls}, cluster());
        CHECK(client.proto == row.proto);
        CHECK(client.host == row.host);
    }
}

TEST_CASE("a request id is kept when it is well formed and from a trusted peer")
{
    const std::string longest(64, 'a'), too_long(65, 'a');
    struct Row {
        std::string_view name, sent;
        bool trusted, kept;
    };
    for (const Row& row :
        std::initializer_list<Row>{{"a UUID", "0b6f1c1e-8a52-4b4e-9a3e-2f8d3c1b0a99", true, true},
            {"from a stranger", "abc", false, false}, {"one character", "a", true, true},
            {"the longest", longest, true, true}, {"too long", too_long, true, false},
            {"empty", "", true, false}, {"a blank", "a b", true, false},
            {"a line break", "a\r\nb", true, false}, {"a quote", "a\"b", true, false},
            {"not ASCII", "\xc3\xa4", true, false}, {"both dashes", "a_b-c", true, true}}) {
        CAPTURE(row.name);
        const auto head = test::head_with({{"X-Request-Id", row.sent}});
        const auto trace = make_trace(head, row.trusted, 0x0123456789abcdefu, 0xfedcba9876543210u);
        CHECK(trace.request_id ==
              (row.kept ? std::string(row.sent) : "0123456789abcdeffedcba9876543210"));
    }
    const auto twice = test::head_with({{"X-Request-Id", "a"}, {"X-Request-Id", "b"}});
    CHECK(make_trace(twice, true, 1, 2).request_id == "00000000000000010000000000000002");
}

TEST_CASE("a traceparent is kept when W3C would, and from a trusted peer")
{
    const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    struct Row {
        std::string_view name;
        std::string sent;
        bool trusted, kept;
    };
    for (const Row& row : std::initializer_list<Row>{{"well formed", good, true, true},
             {"from a stranger", good, false, false},
             {"not sampled", good.substr(0, 53) + "00", true, true},
             {"a later version", "01" + good.substr(2), true, true},
             {"a later version that says more", "cc" + good.substr(2) + "-what", true, true},
             {"a later version, badly continued", "cc" + good.substr(2) + "x", true, false},
             {"version 0 that says more", good + "-what", true, false},
             {"version ff", "ff" + good.substr(2), true, false},
             {"upper case", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", true, false},
             {"no trace id", "00-" + std::string(32, '0') + "-00f067aa0ba902b7-01", true, false},
             {"no parent id", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", true,
                 false},
             {"not hexadecimal", "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01", true,
                 false},
             {"bad flags", good.substr(0, 53) + "0x", true, false},
             {"short", good.substr(0, 54), true, false}, {"empty", "", true, false},
             {"other separators", "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01", true,
                 false},
             {"a line break", "cc" + good.substr(2) + "-\r\nX", true, false}}) {
        CAPTURE(row.name);
        const auto head = test::head_with({{"traceparent", row.sent}});
        const auto trace = make_trace(head, row.trusted, 1, 2);
        CHECK((trace.traceparent == row.sent) == row.kept);
        CHECK(trace.traceparent.substr(3, 32) == trace.trace_id);
    }
}

TEST_CASE("new trace ids are well formed, whatever the random numbers")
{
    for (const std::uint64_t high : {0ull, 1ull, ~0ull}) {
        for (const std::uint64_t low : {0ull, 7ull, ~0ull}) {
            const auto made = make_trace(test::head_with({}), false, high, low);
            CAPTURE(made.traceparent);
            CHECK(made.traceparent.size() == 55);
            const auto again = test::head_with({{"traceparent", made.traceparent}});
            CHECK(make_trace(again, true, 5, 6).traceparent == made.traceparent);
        }
    }
}

TEST_CASE("a limit counts an IPv4 address, and a /64 of IPv6")
{
    struct Row {
        std::string_view address, counted;
    };
    for (const Row& row : std::initializer_list<Row>{{"203.0.113.7", "203.0.113.7"},
             {"::ffff:203.0.113.7", "203.0.113.7"}, {"::ffff:cb00:7107", "203.0.113.7"},
             {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"}, {"2001:db8:1:2::", "2001:db8:1:2::"},
             {"2001:DB8:1:2::9", "2001:db8:1:2::"}, {"2001:db8:1:3::9", "2001:db8:1:3::"},
             {"fe80::1%eth0", "fe80::"}, {"::1", "::"}, {"unix", "unix"}, {"", ""},
             {"1:2", "1:2"}}) {
        CAPTURE(row.address);
        CHECK(limited_address(row.address) == row.counted);
    }
}

TEST_CASE("private addresses are known, at their borders too")
{
    for (const std::string_view address :
        {"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.1", "127.0.0.1",
            "169.254.1.1", "100.64.0.0", "100.127.255.255", "::1", "fc00::", "fdff::1", "fe80::1",
            "febf::1", "::ffff:10.0.0.1"}) {
        CAPTURE(address);
        CHECK(is_private_address(address));
    }
    for (const std::string_view address : {"9.255.255.255", "11.0.0.0", "172.15.255.255",
             "172.32.0.0", "192.167.255.255", "192.169.0.0", "100.63.255.255", "100.128.0.0",
             "203.0.113.7", "::2", "2001:db8::1", "fec0::1", "fe00::1", "unix", ""}) {
        CAPTURE(address);
        CHECK_FALSE(is_private_address(address));
    }
}

}  // namespace orggate::http
