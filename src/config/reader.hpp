// Reads values out of the tree and keeps the list of what is wrong with them.
//
// Every reading function gives nothing for a key that is absent, and nothing plus a
// problem for a value that is wrong, so that one pass finds all mistakes. Messages show
// what stands in the file, `${VAR}` as `${VAR}`: never what it expanded to.

#pragma once

#include "config/document.hpp"
#include "orggate/config/load.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orggate::config {

// A place in the file that may hold a value.
struct Value {
    const Node* node = nullptr;  // null: the key is absent
    std::string key;             // `routes[0].paths`
    explicit operator bool() const { return node != nullptr; }
    Place place() const { return node != nullptr ? node->place : Place{}; }
};

struct NamedValue {
    std::string name;  // as written; the operator's own word
    Place place;       // of the name
    Value value;
};

// A scalar after `${VAR}` was replaced.
struct Text {
    Value where;
    std::string text;
};

struct DurationRange {
    Milliseconds least, most;
};
struct IntegerRange {
    std::int64_t least, most;
};
struct SizeRange {
    std::uint64_t least, most;
};

class Reader {
public:
    explicit Reader(const Surroundings& world) : world_(world) {}

    // Problems: `KEY: message`.
    void error(const Value& at, std::string_view message);
    void error(Place place, std::string_view key, std::string_view message);
    void warn(const Value& at, std::string_view message);
    void warn(Place place, std::string_view key, std::string_view message);
    // `KEY: found "x", expected …`
    void expected(const Value& at, std::string_view what);
    void take(std::vector<Problem> problems);
    std::vector<Problem>& problems() { return problems_; }
    const std::vector<Problem>& problems() const { return problems_; }
    bool has_errors() const;

    // Scalars.
    std::optional<std::string> text(const Value& at, std::string_view what = "text");
    std::optional<bool> boolean(const Value& at);
    std::optional<std::int64_t> integer(const Value& at, IntegerRange range);
    std::optional<Milliseconds> duration(const Value& at, DurationRange range);
    std::optional<std::uint64_t> size(const Value& at, SizeRange range);
    // The content of the file a scalar names, or a problem that names the file.
    std::optional<std::string> file(const Value& at);

    template <class T>
    std::optional<T> choice(
        const Value& at, std::initializer_list<std::pair<std::string_view, T>> choices)
    {
        std::vector<std::string_view> words;
        for (const auto& [word, value] : choices)
            words.push_back(word);
        const auto found = choose(at, words);
        return found ? std::optional((choices.begin() + *found)->second) : std::nullopt;
    }

    // Lists of scalars; one scalar counts as a list of one.
    std::vector<Text> texts(const Value& at, std::string_view what = "text or a list of texts");
    std::vector<Value> items(const Value& at, std::string_view what);
    // A problem if the list is there and holds nothing.
    void refuse_empty(const Value& at, std::string_view what);

    // The entries of a mapping whose keys the operator chose.
    std::vector<NamedValue> entries(const Value& at, std::string_view what);

    const Surroundings& world() const { return world_; }

private:
    std::optional<std::size_t> choose(const Value& at, const std::vector<std::string_view>& words);
    std::optional<std::string> expand(const Value& at, std::string_view raw);
    std::optional<std::string> variable(const Value& at, std::string_view inside);

    const Surroundings& world_;
    std::vector<Problem> problems_;
};

// A mapping with known keys. Unknown ones are reported as it is made.
class Map {
public:
    // `section` is the mapping's path in schema.hpp.
    Map(Reader& reader, const Value& at, std::string_view section);
    // `key` must be in the schema.
    Value operator[](std::string_view key) const;
    const Value& where() const { return at_; }
    explicit operator bool() const { return is_map_; }

private:
    Value at_;
    std::string_view section_;
    bool is_map_ = false;
};

// Takes what was read, or leaves the default.
template <class T, class U>
void set(T& target, std::optional<U> value)
{
    if (value) target = std::move(*value);
}

}  // namespace orggate::config
