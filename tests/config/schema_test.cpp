#include "config/schema.hpp"

#include "config/document.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

using namespace orggate::config;

namespace {

// conf/orggate.yaml with its settings at rest woken up: `#word` at the start of a line
// becomes `word`.
std::string woken_reference()
{
    std::ifstream file(std::string(ORGGATE_SOURCE_DIR) + "/conf/orggate.yaml");
    std::string all, line;
    while (std::getline(file, line)) {
        const auto hash = line.find_first_not_of(' ');
        if (hash != std::string::npos && line[hash] == '#' && hash + 1 < line.size() &&
            line[hash + 1] != ' ')
            line.erase(hash, 1);
        all += line + "\n";
    }
    return all;
}

std::string dotted(const std::string& path, const std::string& key)
{
    return path.empty() ? key : path + "." + key;
}

void collect(const Node& node, const std::string& path, std::set<std::string>& keys)
{
    for (const auto& item : node.items)
        collect(*item, path, keys);
    for (const auto& entry : node.entries) {
        if (has_free_keys(path)) {
            collect(*entry.value, dotted(path, "*"), keys);
        } else {
            keys.insert(dotted(path, entry.key));
            collect(*entry.value, dotted(path, entry.key), keys);
        }
    }
}

}  // namespace

TEST_CASE("the reference names every key of the schema, and the schema every key of the reference")
{
    const auto document = parse_document(woken_reference());
    for (const auto& problem : document.problems)
        MESSAGE(to_text(problem));
    REQUIRE(document.problems.empty());
    std::set<std::string> documented;
    collect(*document.root, "", documented);
    std::set<std::string> known;
    for (const auto& path : all_key_paths())
        known.insert(path);
    for (const auto& key : known) {
        CAPTURE(key);
        CHECK(documented.contains(key));
    }
    for (const auto& key : documented) {
        CAPTURE(key);
        CHECK(known.contains(key));
    }
}

TEST_CASE("keys are found by section")
{
    CHECK(keys_of("drain").size() == 3);
    CHECK(keys_of("nowhere").empty());
    CHECK(has_free_keys("limits"));
    CHECK_FALSE(has_free_keys("drain"));
    CHECK_FALSE(has_free_keys(""));
}
