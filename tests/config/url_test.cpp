#include "config/url.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace orggate::config;

TEST_CASE("URLs are absolute, http or https, with a host and nothing secret")
{
    struct Row {
        std::string_view text, origin, path;
    };
    for (const auto& row : std::vector<Row>{
             {"https://app.example.com", "https://app.example.com", ""},
             {"HTTPS://App.Example.com/A", "https://app.example.com", "/A"},
             {"https://app.example.com:443", "https://app.example.com", ""},
             {"http://app.example.com:80/", "http://app.example.com", "/"},
             {"https://app.example.com:8443/x?y", "https://app.example.com:8443", "/x"},
             {"http://127.0.0.1:3000", "http://127.0.0.1:3000", ""},
             {"http://[::1]:3000", "http://[::1]:3000", ""},
             {"http://[::1]", "http://[::1]", ""},
             {"http://10.0.0.1.nip.io/x", "http://10.0.0.1.nip.io", "/x"},
             {"https://a?x=/y", "https://a", ""},
         }) {
        CAPTURE(std::string(row.text));
        const auto url = parse_url(row.text);
        REQUIRE(url.has_value());
        CHECK(url->origin() == row.origin);
        CHECK(url->path == row.path);
        CHECK(url->text == row.text);
    }
    for (const std::string_view text : {"", "app.example.com", "/path", "//app.example.com",
             "ftp://a", "https://", "https:///x", "https://u@a", "https://u:p@a", "https://@a",
             "https://a#b", "https://a b", "https://a:0", "https://a:65536", "https://a:x",
             "https://a_b .c", "https://a..b", "https://-a", "https://a%41", "https://1.2.3",
             "javascript:alert(1)", "https://a\nb", "https://::1", "https://[::1", "https://::1]",
             "https://[a]", "https://[127.0.0.1]", "https://a:", "https://a:1:2", "https://a/%zz",
             "https://a/b\\c", "https://a\\b", "https://a/\xC3\xA9", "https://a/b#"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(parse_url(text).has_value());
    }
}

TEST_CASE("loopback is 127.0.0.0/8, ::1 and localhost, and nothing that looks like it")
{
    for (const std::string_view host : {"127.0.0.1", "127.255.0.3", "::1", "localhost"}) {
        CAPTURE(std::string(host));
        CHECK(is_loopback(host));
    }
    for (const std::string_view host : {"127.0.0.1.example.com", "localhost.example.com",
             "10.0.0.1", "0.0.0.0", "::", "127.1", "", "xlocalhost"}) {
        CAPTURE(std::string(host));
        CHECK_FALSE(is_loopback(host));
    }
}

TEST_CASE("listen addresses are an IP with port, or a socket's path")
{
    struct Row {
        std::string_view text, host;
        int port;
        std::string_view path;
    };
    for (const auto& row : std::vector<Row>{
             {"0.0.0.0:8080", "0.0.0.0", 8080, ""},
             {"[::]:8080", "::", 8080, ""},
             {"[::1]:1", "::1", 1, ""},
             {"localhost:80", "127.0.0.1", 80, ""},
             {"127.0.0.1:0", "127.0.0.1", 0, ""},
             {"127.0.0.1:65535", "127.0.0.1", 65535, ""},
             {"unix:/run/a.sock", "", 0, "/run/a.sock"},
         }) {
        CAPTURE(std::string(row.text));
        const auto address = parse_listen_address(row.text);
        REQUIRE(address.has_value());
        CHECK(address->host == row.host);
        CHECK(address->port == row.port);
        CHECK(address->unix_path == row.path);
        CHECK(address->is_unix() == !row.path.empty());
    }
    const auto at_the_limit = "unix:/" + std::string(106, 'a');
    CHECK(parse_listen_address(at_the_limit).has_value());
    CHECK_FALSE(parse_listen_address(at_the_limit + "a").has_value());
    for (const std::string_view text : {"", ":8080", "8080", "0.0.0.0", "0.0.0.0:", "0.0.0.0:65536",
             "0.0.0.0:x", "0.0.0.0:-1", "::1:8080", "app.example.com:80", "256.0.0.1:80",
             "unix:", "unix:/", "unix:a", "[::1]", "0.0.0.0:080808"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(parse_listen_address(text).has_value());
    }
}

TEST_CASE("a host and its port, where a default may stand in for the port")
{
    struct Row {
        std::string_view text, host;
        int port;
    };
    for (const auto& row : std::vector<Row>{
             {"redis.example.com:1", "redis.example.com", 1},
             {"H:65535", "h", 65535},
             {"h", "h", 6379},
             {"[::1]:7000", "::1", 7000},
             {"[::1]", "::1", 6379},
             {"10.0.0.1", "10.0.0.1", 6379},
         }) {
        CAPTURE(std::string(row.text));
        const auto address = parse_host_port(row.text, 6379);
        REQUIRE(address.has_value());
        CHECK(address->host == row.host);
        CHECK(address->port == row.port);
        CHECK_FALSE(address->is_unix());
    }
    CHECK(parse_host_port("h:1").has_value());
    CHECK_FALSE(parse_host_port("h").has_value());
    for (const std::string_view text : {"", ":1", "h:", "h:0", "h:65536", "h:x", "::1", "[::1",
             "::1]", "[h]:1", "u@h:1", "h/0", "h:1/0", "unix:/run/a", "h h"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(parse_host_port(text, 6379).has_value());
    }
}

TEST_CASE("two addresses that cannot both be bound are the same")
{
    const auto same = [](std::string_view a, std::string_view b) {
        return is_same(*parse_listen_address(a), *parse_listen_address(b));
    };
    CHECK(same("127.0.0.1:1", "127.0.0.1:1"));
    CHECK_FALSE(same("127.0.0.1:1", "127.0.0.1:2"));
    CHECK_FALSE(same("127.0.0.1:1", "127.0.0.2:1"));
    CHECK_FALSE(same("127.0.0.1:0", "127.0.0.1:0"));
    CHECK(same("unix:/a", "unix:/a"));
    CHECK_FALSE(same("unix:/a", "unix:/b"));
    CHECK_FALSE(same("unix:/a", "127.0.0.1:1"));
}

TEST_CASE("host names are labels of letters, digits and hyphens")
{
    for (const std::string_view text : {"a", "app.example.com", "xn--e1afmkfd.example", "127.0.0.1",
             "::1", "my_app.default.svc", "1a.2"}) {
        CAPTURE(std::string(text));
        CHECK(is_host_name(text) == (text != "1a.2"));
    }
    for (const std::string_view text :
        {"", ".", "a.", ".a", "a..b", "-a", "a-", "a b", "a:80", "*.a", "256.1.1.1", "a/b", "é"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(is_host_name(text));
    }
}
