#include "http/host_syntax.hpp"

#include "http/verdict.hpp"

#include <doctest/doctest.h>

namespace orggate::http {

TEST_CASE("a host is one name or address and maybe a port")
{
    const std::string longest = repeat("a.", 126) + "a";
    REQUIRE(longest.size() == 253);
    struct {
        const char* name;
        std::string host;
        bool is_valid;
    } const rows[] = {
        {"one letter", "a", true},
        {"name", "app.example-1.com", true},
        {"name and port", "a:1", true},
        {"highest port", "a:65535", true},
        {"IPv4", "127.0.0.1:8080", true},
        {"IPv6", "[::1]", true},
        {"IPv6 and port", "[2001:DB8::8a2e:370:7334]:443", true},
        {"IPv4 in IPv6", "[::ffff:10.0.0.1]", true},
        {"longest name", longest, true},
        {"longer", longest + "a", false},
        {"empty", "", false},
        {"port alone", ":80", false},
        {"empty port", "a:", false},
        {"port 0", "a:0", false},
        {"port 65536", "a:65536", false},
        {"six digits", "a:000080", false},
        {"signed port", "a:+80", false},
        {"two ports", "a:80:80", false},
        {"user information", "u@a", false},
        {"user and password", "u:p@a", false},
        {"path", "a/", false},
        {"query", "a?b", false},
        {"fragment", "a#b", false},
        {"backslash", "a\\b", false},
        {"percent", "a%2eb", false},
        {"underscore", "a_b", false},
        {"trailing dot", "a.", false},
        {"trailing dot and port", "a.:80", false},
        {"leading dot", ".a", false},
        {"empty label", "a..b", false},
        {"blank inside", "a b", false},
        {"list", "a,b", false},
        {"obs-text", "\xc3\xa9", false},
        {"IPv6 without brackets", "::1", false},
        {"unclosed bracket", "[::1", false},
        {"empty brackets", "[]", false},
        {"name in brackets", "[a.b]", false},
        {"IPv4 in brackets", "[127.0.0.1]", false},
        {"zone", "[fe80::1%25eth0]", false},
        {"future version", "[v1.a]", false},
        {"behind the bracket", "[::1]a", false},
        {"bad port behind the bracket", "[::1]:", false},
        {"too long for an address", "[" + repeat("0", 60) + "]", false},
        {"NUL in brackets", std::string("[::1\0]", 6), false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(is_valid_host(row.host) == row.is_valid);
    }
}

}  // namespace orggate::http
