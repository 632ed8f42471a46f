#include "orggate/policy/pattern.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

using namespace std::string_literals;
using orggate::policy::Pattern;
using orggate::policy::PatternOptions;

namespace {

// What a route that demands no less than the default uses, and what an open one uses.
constexpr PatternOptions guarded{.ignore_case = true, .segment_border = false};
constexpr PatternOptions open{.ignore_case = false, .segment_border = true};

Pattern compiled(std::string_view text, PatternOptions options = guarded)
{
    auto pattern = Pattern::compile(text, options);
    REQUIRE_MESSAGE(pattern.has_value(), std::string(text), ": ", pattern ? "" : pattern.error());
    return *pattern;
}

struct Match {
    std::string_view pattern, path;
    bool wanted;
};

void check_all(const std::vector<Match>& rows, PatternOptions options)
{
    for (const auto& row : rows) {
        CAPTURE(std::string(row.pattern));
        CAPTURE(std::string(row.path));
        CHECK(compiled(row.pattern, options).matches(row.path) == row.wanted);
    }
}

}  // namespace

TEST_CASE("patterns match what createRouteMatcher would")
{
    check_all(
        {
            {"/", "/", true},
            {"/", "/x", false},
            {"/foo", "/foo", true},
            {"/foo", "/foo/", true},
            {"/foo", "/foo/x", false},
            {"/foo", "/fo", false},
            {"/foo", "/foobar", false},
            {"/foo", "/FOO", true},
            {"/foo/", "/foo", true},
            {"/foo/", "/foo/", true},
            {"/foo(.*)", "/foo", true},
            {"/foo(.*)", "/foobar", true},
            {"/foo(.*)", "/foo/bar/baz", true},
            {"/foo(.*)", "/fo", false},
            {"/(.*)", "/", true},
            {"/(.*)", "/anything/at/all", true},
            {"/api/(.*)", "/api", false},
            {"/api/(.*)", "/api/", true},
            {"/api/(.*)", "/api/x", true},
            {"/dashboard/:path*", "/dashboard", true},
            {"/dashboard/:path*", "/dashboard/", true},
            {"/dashboard/:path*", "/dashboard/a", true},
            {"/dashboard/:path*", "/dashboard/a/b/c/", true},
            {"/dashboard/:path*", "/dashboards", false},
            {"/:path*", "/", true},
            {"/:path*", "/a/b", true},
            {"/a/:x?", "/a", true},
            {"/a/:x?", "/a/", true},
            {"/a/:x?", "/a/b", true},
            {"/a/:x?", "/a/b/", true},
            {"/a/:x?", "/a/b/c", false},
            {"/a/:x?", "/ab", false},
            {"/a/:x?/c", "/a/c", true},
            {"/a/:x?/c", "/a/b/c", true},
            {"/a/:x?/c", "/a/b/d/c", false},
            {"/a/:x*/c", "/a/c", true},
            {"/a/:x*/c", "/a/b/c/c", true},
            {"/a/:x*/c", "/a/b", false},
            {"/:a", "/x", true},
            {"/:a", "/", false},
            {"/:a", "/x/y", false},
            {"/orgs/:slug/(.*)", "/orgs/acme", false},
            {"/orgs/:slug/(.*)", "/orgs/acme/", true},
            {"/orgs/:slug/(.*)", "/orgs/acme/a/b", true},
            {"/orgs/:slug/(.*)", "/orgs//a", false},
            {"/orgs/:slug(.*)", "/orgs/acme", true},
            {"/orgs/:slug(.*)", "/orgs/acme/a/b", true},
            {"/orgs/:slug(.*)", "/orgs/", false},
            {"/orgs/:slug(.*)", "/orgs", false},
            {"/:a(.*)/end", "/x/end", true},
            {"/:a(.*)/end", "/x/y/end", true},
            {"/:a(.*)/end", "/end", false},
            {"/(api|trpc)(.*)", "/api", true},
            {"/(api|trpc)(.*)", "/trpc/x", true},
            {"/(api|trpc)(.*)", "/apis", true},
            {"/(api|trpc)(.*)", "/ap", false},
            {"/(en|de)/about", "/de/about", true},
            {"/(en|de)/about", "/fr/about", false},
            {"/(en|de)/about", "/DE/about", true},
            {"/v(1|2|10)/x", "/v10/x", true},
            {"/v(1|2|10)/x", "/v1/x", true},
            {"/v(1|2|10)/x", "/v11/x", false},
            {"/(only)/x", "/only/x", true},
            {"/a(.*)z", "/az", true},
            {"/a(.*)z", "/a/b/z", true},
            {"/a(.*)z", "/azb", false},
            {"/a(.*)b(.*)c", "/axbxbxc", true},
            {"/a(.*)b(.*)c", "/axbxbx", false},
            {"/favicon.ico", "/favicon.ico", true},
            {"/favicon.ico", "/faviconxico", false},
            {"/a$b", "/a$b", true},
        },
        guarded);
}

TEST_CASE("the table of Clerk's own results holds, with a dot that matches every character")
{
    // Paths with an escaped slash, NUL, CR or LF, a backslash or an empty segment never
    // reach a pattern here; the others are Clerk's rows. `%0A` stands for any byte.
    check_all(
        {
            {"/admin(.*)", "/admin", true},
            {"/admin(.*)", "/admin/", true},
            {"/admin(.*)", "/admin/x", true},
            {"/admin(.*)", "/ADMIN/x", true},
            {"/admin(.*)", "/adminx", true},
            {"/admin(.*)", "/admin;x=1", true},
            {"/admin(.*)", "/admin%3Bx", true},
            {"/admin(.*)", "/admin\n", true},
            {"/admin(.*)", "/admin/\nx", true},
            {"/admin(.*)", "/admin/%E2%80%A8", true},
            {"/admin(.*)", "/%2561dmin", false},
            {"/admin/:path*", "/admin", true},
            {"/admin/:path*", "/admin/", true},
            {"/admin/:path*", "/admin/x", true},
            {"/admin/:path*", "/ADMIN/x", true},
            {"/admin/:path*", "/adminx", false},
            {"/admin/:path*", "/admin;x=1", false},
            {"/admin/:path*", "/admin%3Bx", false},
            {"/admin/:path*", "/admin/%E2%80%A8", true},
            {"/admin/:path*", "/%2561dmin", false},
        },
        guarded);
}

TEST_CASE("an open route minds the case, and its (.*) starts at a segment border")
{
    check_all(
        {
            {"/account(.*)", "/account", true},
            {"/account(.*)", "/account/", true},
            {"/account(.*)", "/account/x/y", true},
            {"/account(.*)", "/accounting", false},
            {"/account(.*)", "/account;x", false},
            {"/account(.*)", "/account%20x", false},
            {"/account(.*)", "/Account", false},
            {"/account(.*)", "/account.json", false},
            {"/pub/(.*)", "/pub/x", true},
            {"/pub/(.*)", "/pub", false},
            {"/(.*)", "/x", true},
            {"/foo", "/FOO", false},
            {"/foo", "/foo/", true},
            {"/(a|b)(.*)", "/a", true},
            {"/(a|b)(.*)", "/b/x", true},
            {"/(a|b)(.*)", "/bx", false},
            {"/(a|b)(.*)", "/A", false},
            {"/:x/pub(.*)", "/1/pub", true},
            {"/:x/pub(.*)", "/1/pub/2", true},
            {"/:x/pub(.*)", "/1/public", false},
            {"/orgs/:slug(.*)", "/orgs/acme/x", true},
            {"/a(.*)/z", "/a/z", true},
            {"/a(.*)/z", "/a/b/z", true},
            {"/a(.*)/z", "/ab/z", false},
            {"/x/:p(.*)", "/x/1/2", true},
        },
        open);
}

TEST_CASE("literals are compared in canonical form")
{
    check_all(
        {
            {"/%61dmin", "/admin", true},
            {"/caf%c3%a9", "/caf%C3%A9", true},
            {"/a%20b", "/a%20b", true},
            {"/a%7Eb", "/a~b", true},
            {"/a%3bb", "/a%3Bb", true},
            {"/a%3bb", "/a;b", false},
            {"/(%61|b)", "/a", true},
        },
        open);
}

TEST_CASE("only ASCII letters are folded")
{
    CHECK(compiled("/k").matches("/K"));
    CHECK_FALSE(compiled("/%C3%A4").matches("/%C3%84"));
    CHECK(compiled("/i").matches("/I"));
}

TEST_CASE("what is not in the language is refused with the place and the reason")
{
    struct Row {
        std::string name, pattern, error;
    };
    const std::vector<Row> rows{
        {"empty", "", "at character 1: a pattern starts with \"/\""},
        {"no leading slash", "admin", "at character 1: a pattern starts with \"/\""},
        {"a wildcard alone", "(.*)", "at character 1: a pattern starts with \"/\""},
        {"star in a literal", "/files/*.pdf",
            "at character 8: \"*\" can only end a :name or stand in \"(.*)\""},
        {"star behind a slash", "/a/*",
            "at character 4: \"*\" can only end a :name or stand in \"(.*)\""},
        {"plus", "/x+", "at character 3: \"+\" is not in the pattern language; use :name* or (.*)"},
        {"plus behind a name", "/:x+",
            "at character 4: \"+\" is not in the pattern language; use :name* or (.*)"},
        {"question mark", "/a?",
            "at character 3: \"?\" can only end a :name; a path is matched without its query"},
        {"query", "/a?b=c",
            "at character 3: \"?\" can only end a :name; a path is matched without its query"},
        {"fragment", "/a#b", "at character 3: a path has no fragment"},
        {"backslash", "/a\\.b",
            "at character 3: a backslash is never part of a path, and nothing needs escaping"},
        {"braces", "/a{/:b}?",
            "at character 3: braces are not in the pattern language; use :name?"},
        {"character class", "/[a-z]",
            "at character 2: regular expressions are not in the pattern language"},
        {"caret", "/^a", "at character 2: regular expressions are not in the pattern language"},
        {"end anchor", "/a$",
            "at character 3: a pattern always matches to the end of the path; drop the \"$\""},
        {"bar outside", "/a|b", "at character 3: \"|\" can only stand inside (a|b)"},
        {"closing only", "/a)", "at character 3: \")\" without its \"(\""},
        {"opening only", "/a(b", "at character 3: \"(\" without its \")\""},
        {"look-ahead", "/(?!a)",
            "at character 3: a group is \"(.*)\" or literal alternatives as in (a|b)"},
        {"nested groups", "/((a)|b)",
            "at character 3: a group is \"(.*)\" or literal alternatives as in (a|b)"},
        {"slash in a group", "/(a/b|c)",
            "at character 4: a group is \"(.*)\" or literal alternatives as in (a|b)"},
        {"regex in a group", "/(.+)",
            "at character 4: a group is \"(.*)\" or literal alternatives as in (a|b)"},
        {"empty group", "/()", "at character 2: (a|b) needs literal text for each alternative"},
        {"empty alternative", "/(a|)",
            "at character 2: (a|b) needs literal text for each alternative"},
        {"dot alternative", "/(..|a)",
            "at character 2: (a|b) needs literal text for each alternative"},
        {"optional group", "/(a|b)?", "at character 7: a group cannot be optional or repeated"},
        {"optional wildcard", "/(.*)?", "at character 6: a group cannot be optional or repeated"},
        {"wildcards side by side", "/(.*)(.*)", "at character 6: two groups side by side"},
        {"groups side by side", "/(a|b)(c|d)", "at character 7: two groups side by side"},
        {"group behind a wildcard", "/(.*)(a|b)", "at character 6: two groups side by side"},
        {"empty name", "/:", "at character 2: \":\" must be followed by a name of A-Z a-z 0-9 _"},
        {"empty name before a slash", "/:/a",
            "at character 2: \":\" must be followed by a name of A-Z a-z 0-9 _"},
        {"part of a segment, front", "/user-:id",
            "at character 7: :name must be a whole segment, right behind \"/\""},
        {"part of a segment, back", "/a/:id.json", "at character 7: :name must be a whole segment"},
        {"names side by side", "/:a:b", "at character 4: two parameters side by side"},
        {"names in one segment", "/:a-:b", "at character 4: :name must be a whole segment"},
        {"name behind a group", "/(a|b):c",
            "at character 7: :name must be a whole segment, right behind \"/\""},
        {"custom group", "/:a(b|c)", "at character 4: only \"(.*)\" may follow a :name"},
        {"number group", "/:a(\\d+)", "at character 4: only \"(.*)\" may follow a :name"},
        {"wildcard behind an optional", "/:a?(.*)",
            "at character 5: only \"(.*)\" may follow a :name"},
        {"name twice", "/:a/:a", "at character 5: the name \"a\" is used twice"},
        {"dot segment", "/a/../b", "at character 4: paths with dot segments are always refused"},
        {"dot segment at the end", "/a/.",
            "at character 4: paths with dot segments are always refused"},
        {"dot segment escaped", "/%2e%2E/b",
            "at character 2: paths with dot segments are always refused"},
        {"empty segment", "/a//b", "at character 4: paths with empty segments are always refused"},
        {"empty segment in front", "//a",
            "at character 2: paths with empty segments are always refused"},
        {"empty segment before a name", "/a//:b",
            "at character 4: paths with empty segments are always refused"},
        {"escaped slash", "/a%2fb", "at character 3: paths with this escape are always refused"},
        {"escaped backslash", "/a%5Cb",
            "at character 3: paths with this escape are always refused"},
        {"escaped NUL", "/a%00", "at character 3: paths with this escape are always refused"},
        {"escaped control", "/a%1F", "at character 3: paths with this escape are always refused"},
        {"escaped DEL", "/a%7f", "at character 3: paths with this escape are always refused"},
        {"half an escape", "/a%2",
            "at character 3: \"%\" must be followed by two hexadecimal digits"},
        {"bad escape", "/a%zz", "at character 3: \"%\" must be followed by two hexadecimal digits"},
        {"blank", "/a b", "at character 3: a blank must be written %20"},
        {"not ASCII", "/caf\xC3\xA9",
            "at character 5: letters outside ASCII must be percent-encoded, as in %C3%A9"},
        {"control", "/a\tb", "at character 3: this character cannot stand in a path"},
        {"quote", "/a\"b", "at character 3: this character cannot stand in a path"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto pattern = Pattern::compile(row.pattern, guarded);
        REQUIRE_FALSE(pattern.has_value());
        CHECK(pattern.error() == row.error);
    }
}

TEST_CASE("a pattern has a longest length and a greatest number of wildcards")
{
    CHECK(Pattern::compile("/" + std::string(Pattern::max_length - 1, 'a'), guarded).has_value());
    CHECK_FALSE(Pattern::compile("/" + std::string(Pattern::max_length, 'a'), guarded).has_value());
    std::string wild = "/";
    for (std::size_t i = 0; i < Pattern::max_wildcards; ++i)
        wild += "x(.*)";
    CHECK(Pattern::compile(wild, guarded).has_value());
    CHECK_FALSE(Pattern::compile(wild + "x(.*)", guarded).has_value());
    CHECK_FALSE(Pattern::compile(wild + "/:rest*", guarded).has_value());
}

TEST_CASE("the largest automaton and the longest path end in time and within bounds")
{
    std::string wild;
    for (std::size_t i = 0; i < Pattern::max_wildcards; ++i)
        wild += "/a(.*)";
    const std::string many(8000, 'a');
    CHECK_FALSE(compiled(wild + "/b").matches("/" + many));
    CHECK_FALSE(compiled("/a(.*)a(.*)a(.*)a(.*)a(.*)a(.*)a(.*)a(.*)b").matches("/" + many + "c"));
    std::string group = "/(";
    while (group.size() < Pattern::max_length - 4)
        group += "a|";
    CHECK(compiled(group + "b)").matches("/b"));
    std::string optional;
    for (char name = 'a'; name <= 'z'; ++name)
        optional += "/:"s + name + "?";
    CHECK(compiled(optional + "/z").matches("/z"));
    CHECK_FALSE(compiled(optional + "/z").matches("/" + many));
}

namespace {

// Numbers that are the same in every run.
class Dice {
public:
    std::size_t roll(std::size_t sides)
    {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return static_cast<std::size_t>(state_ >> 33) % sides;
    }

private:
    std::uint64_t state_ = 42;
};

// One piece of a pattern, and the same as a regular expression. `*` in front of the
// expression: the form where a border is needed.
struct Part {
    std::string_view pattern, expression;
};

// A pattern of random parts and the expression that path-to-regexp would make of it.
std::pair<std::string, std::string> random_pattern(Dice& dice, bool border)
{
    constexpr Part parts[] = {{"/a", "/a"}, {"/b", "/b"}, {"/ab", "/ab"}, {"/:", "/[^/]+"},
        {"/:?", "(?:/[^/]+)?"}, {"/:*", "(?:/[^/]+)*"}, {"/(a|ab|ba)", "/(?:a|ab|ba)"}};
    constexpr std::string_view rest = "[\\s\\S]*", below = "(?:/[\\s\\S]*)?";
    std::string pattern, expression;
    const auto count = 1 + dice.roll(4);
    for (std::size_t i = 0; i < count; ++i) {
        const auto& part = parts[dice.roll(std::size(parts))];
        pattern += part.pattern;
        if (const auto colon = pattern.rfind(':'); part.pattern.starts_with("/:"))
            pattern.insert(colon + 1, 1, static_cast<char>('p' + i));
        expression += part.expression;
        const bool takes_rest = part.pattern != "/:?" && part.pattern != "/:*";
        if (!takes_rest || dice.roll(3) != 0) continue;
        pattern += "(.*)";
        expression += border || part.pattern == "/:" ? below : rest;
    }
    return {pattern, "^" + expression + "/?$"};
}

std::string random_path(Dice& dice)
{
    std::string path;
    const auto count = dice.roll(5);
    for (std::size_t i = 0; i < count; ++i) {
        path += '/';
        for (auto letters = 1 + dice.roll(3); letters > 0; --letters)
            path += "abA"[dice.roll(3)];
    }
    return path.empty() || dice.roll(5) == 0 ? path + "/" : path;
}

}  // namespace

TEST_CASE("random patterns and paths match as a backtracking engine says")
{
    Dice dice;
    int matches = 0, rounds = 0;
    for (int i = 0; i < 400; ++i) {
        const auto options = i % 2 == 0 ? guarded : open;
        const auto [text, expression] = random_pattern(dice, options.segment_border);
        const auto pattern = compiled(text, options);
        const std::regex wanted(
            expression, options.ignore_case ? std::regex::icase : std::regex::ECMAScript);
        for (int j = 0; j < 40; ++j) {
            const auto path = random_path(dice);
            const bool expected = std::regex_match(path, wanted);
            matches += expected ? 1 : 0;
            ++rounds;
            if (pattern.matches(path) == expected) continue;
            CAPTURE(text);
            CAPTURE(path);
            CHECK(pattern.matches(path) == expected);
        }
    }
    // Both answers were put to the test.
    CHECK(matches > 1000);
    CHECK(rounds - matches > 1000);
}

TEST_CASE("a name binds the segment in its place")
{
    struct Row {
        std::string_view pattern, name, path;
        std::optional<std::string_view> wanted;
        bool always;
    };
    const std::vector<Row> rows{
        {"/orgs/:slug(.*)", "slug", "/orgs/acme", "acme", true},
        {"/orgs/:slug(.*)", "slug", "/orgs/acme/", "acme", true},
        {"/orgs/:slug(.*)", "slug", "/orgs/acme/x/y", "acme", true},
        {"/orgs/:slug/x", "slug", "/orgs/AcMe/x", "AcMe", true},
        {"/:org", "org", "/acme", "acme", true},
        {"/:a/:b", "b", "/1/2", "2", true},
        {"/(en|de)/:b", "b", "/en/2", "2", true},
        {"/a/:x?", "x", "/a/1", "1", false},
        {"/a/:x?", "x", "/a", std::nullopt, false},
        {"/a/:x?", "x", "/a/", std::nullopt, false},
        {"/a/:x*", "x", "/a/1/2", "1", false},
        {"/a/:x?/:y", "x", "/a/1", std::nullopt, false},
        {"/a/:x?/:y", "y", "/a/1", std::nullopt, false},
        {"/a(.*)/:y", "y", "/a/b/c", std::nullopt, false},
        {"/a/:x", "y", "/a/b", std::nullopt, false},
    };
    for (const auto& row : rows) {
        CAPTURE(std::string(row.pattern));
        CAPTURE(std::string(row.path));
        const auto pattern = compiled(row.pattern);
        REQUIRE(pattern.matches(row.path));
        CHECK(pattern.bound(row.name, row.path) == row.wanted);
        CHECK(pattern.binds_always(row.name) == row.always);
    }
}

TEST_CASE("a pattern covers another only where that is certain")
{
    struct Row {
        std::string_view wider;
        PatternOptions wider_options;
        std::string_view narrower;
        PatternOptions narrower_options;
        bool wanted;
    };
    const std::vector<Row> rows{
        {"/a", guarded, "/a", guarded, true},
        {"/a", guarded, "/A", guarded, true},
        {"/a", guarded, "/a/", guarded, true},
        {"/a", open, "/a", guarded, false},
        {"/a", guarded, "/a", open, true},
        {"/a", open, "/A", open, false},
        {"/a", guarded, "/b", guarded, false},
        {"/(.*)", guarded, "/x/:y*", guarded, true},
        {"/(.*)", open, "/:y*", open, true},
        {"/a(.*)", guarded, "/a/b", guarded, true},
        {"/a(.*)", guarded, "/ab", guarded, true},
        {"/a(.*)", guarded, "/a/:x", guarded, true},
        {"/a(.*)", open, "/ab", open, false},
        {"/a(.*)", open, "/a", open, true},
        {"/a(.*)", open, "/a/b(.*)", open, true},
        {"/a(.*)", open, "/a(.*)", open, true},
        {"/a(.*)", open, "/a(x|y)", open, false},
        {"/a/(.*)", guarded, "/a", guarded, false},
        {"/a/b", guarded, "/a(.*)", guarded, false},
        {"/a/:x", guarded, "/a/:x", guarded, true},
        {"/a/:x", guarded, "/a/:y", guarded, false},
        {"/a(.*)", {.ignore_case = false, .segment_border = true}, "/a(.*)",
            {.ignore_case = false, .segment_border = false}, false},
    };
    for (const auto& row : rows) {
        CAPTURE(std::string(row.wider));
        CAPTURE(std::string(row.narrower));
        const auto wider = compiled(row.wider, row.wider_options);
        CHECK(wider.covers(compiled(row.narrower, row.narrower_options)) == row.wanted);
    }
}
