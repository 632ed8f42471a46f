#include "orggate/http/target.hpp"

#include "http/verdict.hpp"

#include <doctest/doctest.h>

#include <string>

namespace orggate::http {

TEST_CASE("a path has one canonical form")
{
    struct {
        const char* name;
        std::string text, path;
    } const rows[] = {
        {"root", "/", "/"},
        {"plain", "/a/b-c_d.e~f", "/a/b-c_d.e~f"},
        {"trailing slash", "/a/", "/a/"},
        {"case stays", "/Admin", "/Admin"},
        {"unreserved escapes are decoded", "/%61%5A%30%2d%2E%5f%7e", "/aZ0-._~"},
        {"other escapes stay, in capitals", "/%c3%a9%20%3f%23%25", "/%C3%A9%20%3F%23%25"},
        {"double encoding stays", "/pub/%252e%252e/admin", "/pub/%252e%252e/admin"},
        {"decoded once only", "/%2541", "/%2541"},
        {"sub-delimiters", "/!$&'()*+,;=:@", "/!$&'()*+,;=:@"},
        {"sub-delimiters escaped", "/%21%24%3b", "/%21%24%3B"},
        {"sloppy characters", "/a\"<>[]^`{|}", "/a\"<>[]^`{|}"},
        {"parameters", "/a;x=1/b;y", "/a;x=1/b;y"},
        {"dots in names", "/.well-known/..a/a../...", "/.well-known/..a/a../..."},
        {"dot before an escape", "/.%20", "/.%20"},
        {"two-byte bounds", "/%C2%80%DF%BF", "/%C2%80%DF%BF"},
        {"three-byte bounds", "/%E0%A0%80%ED%9F%BF%EE%80%80%EF%BF%BF",
            "/%E0%A0%80%ED%9F%BF%EE%80%80%EF%BF%BF"},
        {"four-byte bounds", "/%F0%90%80%80%F4%8F%BF%BF", "/%F0%90%80%80%F4%8F%BF%BF"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto target = parse_target("GET", row.text, "a");
        REQUIRE(word(target) == "accepted");
        CHECK(target->path == row.path);
        CHECK_FALSE(target->has_query);
        CHECK_FALSE(target->is_asterisk);
        // Canonical: a second pass changes nothing.
        const auto again = parse_target("GET", target->path, "a");
        REQUIRE(word(again) == "accepted");
        CHECK(again->path == row.path);
    }
}

TEST_CASE("a path that could be read in two ways is refused")
{
    struct {
        const char* name;
        std::string text;
        Denial expected;
    } const rows[] = {
        {"empty", "", Denial::bad_target},
        {"relative", "foo", Denial::bad_target},
        {"authority", "host:80", Denial::bad_target},
        {"asterisk", "*", Denial::bad_target},
        {"asterisk and more", "*/", Denial::bad_target},
        {"fragment", "/pub#/../admin", Denial::bad_target},
        {"fragment in the query", "/pub?a#b", Denial::bad_target},
        {"blank", "/a b", Denial::bad_target},
        {"control byte", "/a\x01", Denial::bad_target},
        {"DEL", "/a\x7f", Denial::bad_target},
        {"raw UTF-8", "/\xc3\xa9", Denial::bad_target},
        {"raw UTF-8 in the query", "/?\xc3\xa9", Denial::bad_target},
        {"bad escape", "/%zz", Denial::bad_target},
        {"half an escape", "/%4", Denial::bad_target},
        {"percent at the end", "/%", Denial::bad_target},
        {"escape cut by the query", "/%?41", Denial::bad_target},
        {"second digit bad", "/%4g", Denial::bad_target},
        {"overlong slash", "/%c0%af", Denial::bad_target},
        {"overlong dot", "/%c0%ae%c0%ae/", Denial::bad_target},
        {"C1", "/%c1%bf", Denial::bad_target},
        {"overlong in three bytes", "/%e0%9f%bf", Denial::bad_target},
        {"overlong in four bytes", "/%f0%8f%bf%bf", Denial::bad_target},
        {"surrogate", "/%ed%a0%80", Denial::bad_target},
        {"above the last", "/%f4%90%80%80", Denial::bad_target},
        {"F5", "/%f5%80%80%80", Denial::bad_target},
        {"continuation alone", "/%80", Denial::bad_target},
        {"unfinished character", "/%c3", Denial::bad_target},
        {"unfinished before a letter", "/%c3a", Denial::bad_target},
        {"a letter inside a character", "/%c3a%a9", Denial::bad_target},
        {"unfinished before a slash", "/%e2%82/a", Denial::bad_target},
        {"unfinished before an ASCII escape", "/%c3%41", Denial::bad_target},
        {"dot dot", "/pub/../admin", Denial::dot_segment},
        {"dot", "/pub/./admin", Denial::dot_segment},
        {"dot dot at the end", "/pub/..", Denial::dot_segment},
        {"dot at the end", "/.", Denial::dot_segment},
        {"escaped dots", "/pub/%2e%2e/admin", Denial::dot_segment},
        {"mixed dots", "/pub/.%2E/admin", Denial::dot_segment},
        {"escaped dot", "/%2e/", Denial::dot_segment},
        {"dot dot with a parameter", "/pub/..;/admin", Denial::dot_segment},
        {"dot with a parameter", "/pub/.;x=1/admin", Denial::dot_segment},
        {"escaped dots with a parameter", "/%2e.;x", Denial::dot_segment},
        {"escaped semicolon", "/pub/..%3bx/admin", Denial::dot_segment},
        {"escaped semicolon in capitals", "/pub/.%3B", Denial::dot_segment},
        {"dots behind a parameter", "/pub;/../admin", Denial::dot_segment},
        {"dots before a query", "/..?a", Denial::dot_segment},
        {"backslash", "/pub\\..\\admin", Denial::encoded_separator},
        {"escaped backslash", "/pub%5c..%5cadmin", Denial::encoded_separator},
        {"escaped slash", "/a%2fb", Denial::encoded_separator},
        {"escaped slash in capitals", "/a%2Fb", Denial::encoded_separator},
        {"escaped NUL", "/a%00", Denial::encoded_separator},
        {"escaped tab", "/a%09", Denial::encoded_separator},
        {"escaped line end", "/a%0d%0aX-Org-Id:%20e", Denial::encoded_separator},
        {"last control", "/a%1f", Denial::encoded_separator},
        {"escaped DEL", "/a%7F", Denial::encoded_separator},
        {"two slashes first", "//evil.example/x", Denial::empty_segment},
        {"two slashes inside", "/a//b", Denial::empty_segment},
        {"two slashes last", "/a//", Denial::empty_segment},
        {"only slashes", "//", Denial::empty_segment},
        {"parameter without a name", "/;x/admin", Denial::empty_segment},
        {"parameter without a name, last", "/a/;x", Denial::empty_segment},
        {"escaped parameter without a name", "/%3bx/admin", Denial::empty_segment},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(word(parse_target("GET", row.text, "a")) == word(row.expected));
    }
}

TEST_CASE("every escape of one byte is decoded, kept or refused by its kind")
{
    for (unsigned code = 0; code < 0x80; ++code) {
        CAPTURE(code);
        constexpr std::string_view digits = "0123456789ABCDEF";
        const char byte = static_cast<char>(code);
        const std::string escape = {'%', digits[code >> 4], digits[code & 15]};
        const auto target = parse_target("GET", "/a" + escape + "b", "a");
        const bool is_alphanumeric = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                                     (byte >= 'A' && byte <= 'Z');
        const bool is_refused = code < 0x20 || byte == '/' || byte == '\\' || code == 0x7f;
        CHECK(word(target) == (is_refused ? "encoded_separator" : "accepted"));
        if (is_refused) continue;
        const bool is_decoded =
            is_alphanumeric || byte == '-' || byte == '.' || byte == '_' || byte == '~';
        CHECK(target->path == "/a" + (is_decoded ? std::string(1, byte) : escape) + "b");
    }
}

TEST_CASE("an absolute-form target names the host of the Host field")
{
    struct {
        const char* name;
        std::string text, host;
        Denial expected = accepted;
        std::string path = "", query = "";
    } const rows[] = {
        {"http", "http://a/x?y", "a", accepted, "/x", "y"},
        {"https", "https://a/x", "a", accepted, "/x"},
        {"other case", "HTTP://A.b:80/X", "a.B:80", accepted, "/X"},
        {"no path", "http://a", "a", accepted, "/"},
        {"no path but a query", "http://a?q", "a", accepted, "/", "q"},
        {"IPv6", "http://[::1]:8080/x", "[::1]:8080", accepted, "/x"},
        {"another host", "http://evil.example/x", "a", Denial::host_unknown},
        {"another port", "http://a:81/x", "a", Denial::host_unknown},
        {"host as prefix", "http://a.evil.example/", "a", Denial::host_unknown},
        {"user information", "http://u@a/", "a", Denial::bad_target},
        {"host as user", "http://a@evil.example/", "a", Denial::bad_target},
        {"fragment", "http://a#b", "a", Denial::bad_target},
        {"no authority", "http:///x", "a", Denial::bad_target},
        {"no authority, no path", "http://", "a", Denial::bad_target},
        {"another scheme", "ftp://a/x", "a", Denial::bad_target},
        {"one slash", "http:/a/x", "a", Denial::bad_target},
        {"no scheme", "://a/x", "a", Denial::bad_target},
        {"dots behind it", "http://a/../x", "a", Denial::dot_segment},
        {"two slashes behind it", "http://a//x", "a", Denial::empty_segment},
        {"backslash in the authority", "http://a\\@evil/x", "a", Denial::bad_target},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto target = parse_target("GET", row.text, row.host);
        REQUIRE(word(target) == word(row.expected));
        if (!target) continue;
        CHECK(target->path == row.path);
        CHECK(target->query == row.query);
    }
}

TEST_CASE("the asterisk is for OPTIONS alone")
{
    for (const std::string_view text : {"*", "http://a"}) {
        CAPTURE(text);
        const auto target = parse_target("OPTIONS", text, "a");
        REQUIRE(word(target) == "accepted");
        CHECK(target->is_asterisk);
        CHECK(target->path == "*");
    }
    const auto root = parse_target("OPTIONS", "/", "a");
    REQUIRE(word(root) == "accepted");
    CHECK_FALSE(root->is_asterisk);
    CHECK(word(parse_target("OPTIONS", "**", "a")) == "bad_target");
}

TEST_CASE("the query goes on as sent, without Clerk's parameters")
{
    struct {
        const char* name;
        std::string sent, query;
        bool has_query = true;
    } const rows[] = {
        {"plain", "a=b&c=d", "a=b&c=d"},
        {"empty", "", ""},
        {"odd but ours to keep", "&&=&a&a=%zz%&%2f%00/../?\"\\", "&&=&a&a=%zz%&%2f%00/../?\"\\"},
        {"a query that looks like a path", "x=/public/status", "x=/public/status"},
        {"one of Clerk's alone", "__clerk_handshake=x", "", false},
        {"two of Clerk's alone", "__clerk_a=x&__clerk_b", "", false},
        {"first", "__clerk_db_jwt=x&a=b", "a=b"},
        {"in the middle", "a=b&__clerk_db_jwt=x&c=d", "a=b&c=d"},
        {"last", "a=b&__clerk_db_jwt=x", "a=b"},
        {"without a value", "a&__clerk_x", "a"},
        {"name alone", "a&__clerk_&b", "a&b"},
        {"escaped name", "a&%5f%5Fclerk_handshake=x", "a"},
        {"wholly escaped name", "%5f%5f%63%6c%65%72%6b%5f%78=1&a", "a"},
        {"a value is not a name", "a=__clerk_x", "a=__clerk_x"},
        {"inside a name", "a__clerk_x=1", "a__clerk_x=1"},
        {"another case is another name", "__Clerk_x=1", "__Clerk_x=1"},
        {"shorter", "__clerk=1&__cler", "__clerk=1&__cler"},
        {"half an escape", "%5&%5f%5", "%5&%5f%5"},
        {"empty ones stay", "&__clerk_a=1&", "&"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto target = parse_target("GET", "/p?" + row.sent, "a");
        REQUIRE(word(target) == "accepted");
        CHECK(target->path == "/p");
        CHECK(target->query == row.query);
        CHECK(target->has_query == row.has_query);
    }
}

}  // namespace orggate::http
