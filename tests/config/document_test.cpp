#include "config/document.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace orggate::config;

namespace {

std::string first_problem(const std::string& text)
{
    const auto document = parse_document(text);
    return document.problems.empty() ? "" : to_text(document.problems.front());
}

std::string place(const Place& at)
{
    return std::to_string(at.line) + ":" + std::to_string(at.column);
}

}  // namespace

TEST_CASE("every node remembers where it stands, from 1")
{
    const auto document = parse_document("a: plain\n"
                                         "b: \"quoted\"\n"
                                         "c: 'single'\n"
                                         "d:   |\n"
                                         "  block\n"
                                         "e: [x,  y]\n"
                                         "f: { g: h }\n"
                                         "i:\n"
                                         "  - j\n"
                                         "  - k: l\n"
                                         "empty:\n"
                                         "m: ~\n"
                                         "é: n\n");
    REQUIRE(document.problems.empty());
    const auto& map = document.root->entries;
    CHECK(place(map[0].place) == "1:1");
    CHECK(place(map[0].value->place) == "1:4");
    CHECK(place(map[1].value->place) == "2:4");
    CHECK(place(map[2].value->place) == "3:4");
    CHECK(place(map[3].value->place) == "4:6");
    CHECK(map[3].value->text == "block\n");
    CHECK(place(map[4].value->place) == "6:4");
    CHECK(place(map[4].value->items[1]->place) == "6:9");
    CHECK(place(map[5].value->entries[0].place) == "7:6");
    CHECK(place(map[5].value->entries[0].value->place) == "7:9");
    CHECK(place(map[6].value->items[1]->entries[0].value->place) == "10:8");
    // A value that is not there stands where its key stands.
    CHECK(map[7].value->kind == Node::Kind::null);
    CHECK(place(map[7].value->place) == "11:1");
    CHECK(map[8].value->kind == Node::Kind::null);
}

TEST_CASE("an alias is its anchor's value")
{
    const auto document = parse_document("a: &x [1, 2]\nb: *x\n");
    REQUIRE(document.problems.empty());
    CHECK(document.root->entries[1].value->items.size() == 2);
    CHECK(document.root->entries[1].value == document.root->entries[0].value);
}

TEST_CASE("a byte-order mark and CRLF are nothing to complain of")
{
    const auto document = parse_document("\xEF\xBB\xBF"
                                         "a: b\r\nc: d\r\n");
    REQUIRE(document.problems.empty());
    CHECK(document.root->entries[0].key == "a");
    CHECK(document.root->entries[0].value->text == "b");
    CHECK(place(document.root->entries[1].place) == "2:1");
}

TEST_CASE("what two readers could take differently is refused")
{
    struct Row {
        std::string name, text, wanted;
    };
    for (const auto& row :
        std::vector<Row>{
            {"repeated key", "a: 1\na: 2\n", "2:1: repeated key \"a\", first given in line 1"},
            {"repeated, quoted", "a: 1\n\"a\": 2\n",
                "2:1: repeated key \"a\", first given in line 1"},
            {"merge key", "a: &x {b: 1}\nc:\n  <<: *x\n", "3:3: merge keys (<<) are not supported"},
            {"tag on a scalar", "a: !!str 1\n", "1:4: YAML tags are not supported"},
            {"tag on a list", "a: !x [1]\n", "1:4: YAML tags are not supported"},
            {"tag on a mapping", "a: !x {b: 1}\n", "1:4: YAML tags are not supported"},
            {"list as key", "? [a]\n: b\n", "1:3: expected a key that is plain text"},
            {"empty key", "~: b\n", "1:1: expected a key that is plain text"},
            {"two documents", "a: 1\n---\nb: 2\n", "3:1: expected one YAML document, found more"},
            {"alias inside itself", "a: &x {b: *x}\n",
                "1:11: an alias cannot stand inside the value it names"},
            {"nothing", "", "the file is empty"},
            {"blank lines", "\n\n", "the file is empty"},
            {"broken", "a: [1\n", "2:1: not YAML: end of sequence flow not found"},
            {"NUL", std::string("a: \0", 4), "1:4: expected text in UTF-8, found another byte"},
            {"binary", "a: b\nc: \xFF\n", "2:4: expected text in UTF-8, found another byte"},
        }) {
        CAPTURE(row.name);
        CHECK(first_problem(row.text) == row.wanted);
    }
}

TEST_CASE("a repeated key keeps its first value")
{
    const auto document = parse_document("a: 1\na: 2\n");
    REQUIRE(document.root->entries.size() == 1);
    CHECK(document.root->entries[0].value->text == "1");
}

TEST_CASE("a file has a largest size and a greatest depth")
{
    const std::string comment = "a: b\n#";
    const auto full = comment + std::string(max_file_size - comment.size(), 'x');
    CHECK(first_problem(full) == "");
    CHECK(first_problem(full + "x") == "the file is larger than 1 MiB");
    const auto deep = "a: " + std::string(100'000, '[');
    CHECK(first_problem(deep).find("not YAML") != std::string::npos);
    CHECK(parse_document(deep).root == nullptr);
}
