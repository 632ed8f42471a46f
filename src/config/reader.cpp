#include "config/reader.hpp"

#include "config/schema.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <cassert>

namespace orggate::config {

namespace {

std::string found(const Node& node)
{
    switch (node.kind) {
        case Node::Kind::null: return "nothing";
        case Node::Kind::scalar: return shown(node.text);
        case Node::Kind::list: return "a list";
        case Node::Kind::map: return "a mapping";
    }
    return {};
}

std::string prefixed(std::string_view key, std::string_view message)
{
    return key.empty() ? std::string(message) : std::string(key) + ": " + std::string(message);
}

// A name of the operator's inside a key path; odd ones in quotes.
std::string joined(std::string_view path, std::string_view name)
{
    const bool is_odd =
        name.empty() || name.size() > 64 ||
        name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                               "_-.") != std::string_view::npos ||
        name.find("sk_") != std::string_view::npos;
    const auto last = is_odd ? shown(name) : std::string(name);
    return path.empty() ? last : std::string(path) + "." + last;
}

}  // namespace

void Reader::error(Place place, std::string_view key, std::string_view message)
{
    problems_.push_back(make_problem(place, prefixed(key, message)));
}

void Reader::error(const Value& at, std::string_view message)
{
    error(at.place(), at.key, message);
}

void Reader::warn(Place place, std::string_view key, std::string_view message)
{
    problems_.push_back(make_problem(place, prefixed(key, message), true));
}

void Reader::warn(const Value& at, std::string_view message)
{
    warn(at.place(), at.key, message);
}

void Reader::expected(const Value& at, std::string_view what)
{
    error(at, "found " + found(*at.node) + ", expected " + std::string(what));
}

void Reader::take(std::vector<Problem> problems)
{
    std::move(problems.begin(), problems.end(), std::back_inserter(problems_));
}

bool Reader::has_errors() const
{
    return std::any_of(
        problems_.begin(), problems_.end(), [](const Problem& p) { return !p.is_warning; });
}

std::optional<std::string> Reader::text(const Value& at, std::string_view what)
{
    if (!at) return std::nullopt;
    if (at.node->kind != Node::Kind::scalar) {
        expected(at, what);
        return std::nullopt;
    }
    return expand(at, at.node->text);
}

std::optional<std::string> Reader::expand(const Value& at, std::string_view raw)
{
    std::string out;
    while (true) {
        const auto dollar = raw.find('$');
        out += raw.substr(0, dollar);
        if (dollar == std::string_view::npos) return out;
        raw.remove_prefix(dollar + 1);
        if (raw.starts_with('{')) {
            const auto end = raw.find('}');
            const auto value = variable(at, raw.substr(0, end).substr(1));
            if (!value) return std::nullopt;
            out += *value;
            raw.remove_prefix(std::min(end, raw.size() - 1) + 1);
        } else {
            out += '$';
            if (raw.starts_with('$')) raw.remove_prefix(1);
        }
    }
}

// `inside` is what stands between the braces.
std::optional<std::string> Reader::variable(const Value& at, std::string_view inside)
{
    const auto rule = inside.find(":-");
    const auto name = inside.substr(0, rule);
    const bool is_name =
        !name.empty() && (name[0] < '0' || name[0] > '9') &&
        name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
            std::string_view::npos;
    const bool is_closed = at.node->text.find(std::string(inside) + "}") != std::string::npos;
    if (!is_name || !is_closed) {
        expected(at, "${VARIABLE} or ${VARIABLE:-default}; a dollar is $$");
        return std::nullopt;
    }
    const auto value = world_.environment(std::string(name));
    if (value && !value->empty()) return value;
    if (rule != std::string_view::npos) return std::string(inside.substr(rule + 2));
    if (value) return value;
    error(at, "the environment variable " + std::string(name) + " is not set");
    return std::nullopt;
}

std::optional<std::size_t> Reader::choose(
    const Value& at, const std::vector<std::string_view>& words)
{
    const auto value = text(at, any_of(words));
    if (!value) return std::nullopt;
    const auto word = std::find(words.begin(), words.end(), *value);
    if (word != words.end()) return static_cast<std::size_t>(word - words.begin());
    expected(at, any_of(words));
    return std::nullopt;
}

std::optional<bool> Reader::boolean(const Value& at)
{
    return choice<bool>(at, {{"true", true}, {"false", false}});
}

std::optional<std::int64_t> Reader::integer(const Value& at, IntegerRange range)
{
    const auto what =
        "a whole number from " + std::to_string(range.least) + " to " + std::to_string(range.most);
    const auto value = text(at, what);
    if (!value) return std::nullopt;
    const auto number = parse_integer(*value);
    if (number && *number >= range.least && *number <= range.most) return number;
    expected(at, what);
    return std::nullopt;
}

std::vector<Value> Reader::items(const Value& at, std::string_view what)
{
    std::vector<Value> out;
    if (!at) return out;
    if (at.node->kind != Node::Kind::list) {
        expected(at, what);
        return out;
    }
    for (std::size_t i = 0; i < at.node->items.size(); ++i)
        out.push_back({at.node->items[i].get(), at.key + "[" + std::to_string(i) + "]"});
    return out;
}

void Reader::refuse_empty(const Value& at, std::string_view what)
{
    if (at && at.node->kind == Node::Kind::list && at.node->items.empty())
        error(at, "found an empty list, expected " + std::string(what));
}

std::vector<Text> Reader::texts(const Value& at, std::string_view what)
{
    std::vector<Text> out;
    if (!at) return out;
    const bool is_one = at.node->kind == Node::Kind::scalar;
    for (const auto& item : is_one ? std::vector{at} : items(at, what))
        if (auto value = text(item)) out.push_back({item, std::move(*value)});
    return out;
}

std::vector<NamedValue> Reader::entries(const Value& at, std::string_view what)
{
    std::vector<NamedValue> out;
    if (!at) return out;
    if (at.node->kind != Node::Kind::map) {
        expected(at, what);
        return out;
    }
    for (const auto& entry : at.node->entries)
        out.push_back({entry.key, entry.place, {entry.value.get(), joined(at.key, entry.key)}});
    return out;
}

Map::Map(Reader& reader, const Value& at, std::string_view section) : at_(at), section_(section)
{
    if (!at) return;
    const auto& known = keys_of(section);
    for (const auto& entry : reader.entries(at, "a mapping")) {
        if (std::find(known.begin(), known.end(), entry.name) != known.end()) continue;
        const auto near = nearest(entry.name, known);
        const auto hint =
            near ? "did you mean \"" + std::string(*near) + "\"?" : "expected " + any_of(known);
        reader.error(entry.place, at.key, "unknown key " + shown(entry.name) + ", " + hint);
    }
    is_map_ = at.node->kind == Node::Kind::map;
}

Value Map::operator[](std::string_view key) const
{
    [[maybe_unused]] const auto& known = keys_of(section_);
    assert(std::find(known.begin(), known.end(), key) != known.end());
    Value value{nullptr, joined(at_.key, key)};
    if (!is_map_) return value;
    for (const auto& entry : at_.node->entries)
        if (entry.key == key) value.node = entry.value.get();
    return value;
}

}  // namespace orggate::config
