#include "keys/url.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace orggate;
using keys::parse_url;

TEST_CASE("a URL is taken apart into where to connect and what to ask for")
{
    struct Row {
        std::string url;
        bool is_tls;
        std::string host;
        std::uint16_t port;
        std::string authority, target;
    };
    const Row rows[] = {
        {"https://api.clerk.com/v1/jwks", true, "api.clerk.com", 443, "api.clerk.com", "/v1/jwks"},
        {"https://a.test:443/k", true, "a.test", 443, "a.test", "/k"},
        {"https://a.test:8443/k", true, "a.test", 8443, "a.test:8443", "/k"},
        {"http://127.0.0.1:4199/.well-known/jwks.json", false, "127.0.0.1", 4199, "127.0.0.1:4199",
            "/.well-known/jwks.json"},
        {"http://a.test", false, "a.test", 80, "a.test", "/"},
        {"http://a.test?x=1", false, "a.test", 80, "a.test", "/?x=1"},
        {"http://a.test/k?x=1&y=%20", false, "a.test", 80, "a.test", "/k?x=1&y=%20"},
        {"https://[::1]:8443/k", true, "[::1]", 8443, "[::1]:8443", "/k"},
        {"https://[::1]/k", true, "[::1]", 443, "[::1]", "/k"},
        {"http://a.test:65535/", false, "a.test", 65535, "a.test:65535", "/"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.url);
        const auto url = parse_url(row.url);
        REQUIRE(url.has_value());
        CHECK(url->is_tls == row.is_tls);
        CHECK(url->address.host == row.host);
        CHECK(url->address.port == row.port);
        CHECK(url->authority == row.authority);
        CHECK(url->target == row.target);
    }
}

TEST_CASE("what is no plain web address is refused")
{
    const std::string rows[] = {"", "https://", "https:///k", "ftp://a.test/k",
        "file:///etc/passwd", "HTTPS//a.test", "a.test/k", "https://user@a.test/k",
        "https://user:pw@a.test/k", "https://a.test/k#f", "https://a.test/a b",
        "https://a.test/k\r\nX: y", "https://a.test/\xc3\xa4", "https://a.test:/k",
        "https://a.test:0/k", "https://a.test:65536/k", "https://a.test:8x/k",
        "https://a.test:-1/k", "https://[::1/k", "https://[]/k", "https://[::1]x/k",
        "https://a b/k", "https://a.test\\k", "https://a.test/\\k"};
    for (const std::string& row : rows) {
        CAPTURE(row);
        CHECK_FALSE(parse_url(row).has_value());
    }
}
