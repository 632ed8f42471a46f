#include "token/json.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <cmath>
#include <new>
#include <utility>

namespace orggate::token::json {

namespace {

// Builds values from the parser's events. Boost.JSON's own document keeps the last
// of two equal names without a word, so the objects are made here.
class Builder {
public:
    static constexpr std::size_t max_object_size = std::size_t(-1);
    static constexpr std::size_t max_array_size = std::size_t(-1);
    static constexpr std::size_t max_key_size = std::size_t(-1);
    static constexpr std::size_t max_string_size = std::size_t(-1);

    using Error = boost::json::error_code;
    using Text = boost::json::string_view;

    Value take() { return std::move(root_); }

    bool on_document_begin(Error&) { return true; }
    bool on_document_end(Error&) { return true; }
    bool on_object_begin(Error&) { return open(); }
    bool on_array_begin(Error&) { return open(); }

    bool on_object_end(std::size_t, Error& error)
    {
        auto object = Object::make(std::move(open_.back().members));
        open_.pop_back();
        return object ? add(Value{std::move(*object)}) : refuse(error);
    }
    bool on_array_end(std::size_t, Error&)
    {
        Array array;
        array.reserve(open_.back().members.size());
        for (auto& member : open_.back().members)
            array.push_back(std::move(member.value));
        open_.pop_back();
        return add(Value{std::move(array)});
    }

    bool on_key_part(Text part, std::size_t, Error&) { return append(part); }
    bool on_key(Text part, std::size_t, Error&)
    {
        append(part);
        open_.back().name = std::exchange(text_, {});
        return true;
    }
    bool on_string_part(Text part, std::size_t, Error&) { return append(part); }
    bool on_string(Text part, std::size_t, Error&)
    {
        append(part);
        return add(Value{std::exchange(text_, {})});
    }

    bool on_number_part(Text, Error&) { return true; }
    bool on_int64(std::int64_t number, Text, Error&) { return add(Value{number}); }
    // Only called for what 64 signed bits cannot hold.
    bool on_uint64(std::uint64_t, Text, Error& error) { return refuse(error); }
    bool on_double(double number, Text, Error& error)
    {
        constexpr double limit = 9223372036854775808.0;  // 2^63; also stops infinity
        return std::abs(number) < limit ? add(Value{number}) : refuse(error);
    }
    bool on_bool(bool value, Error&) { return add(Value{value}); }
    bool on_null(Error&) { return add(Value{nullptr}); }
    bool on_comment_part(Text, Error&) { return true; }
    bool on_comment(Text, Error&) { return true; }

private:
    struct Level {
        std::vector<Member> members;  // an array's have no name
        std::string name;
    };

    bool open()
    {
        open_.emplace_back();
        return true;
    }
    bool append(Text part)
    {
        text_.append(part.data(), part.size());
        return true;
    }
    bool add(Value value)
    {
        if (open_.empty())
            root_ = std::move(value);
        else
            open_.back().members.push_back(
                {std::exchange(open_.back().name, {}), std::move(value)});
        return true;
    }
    static bool refuse(Error& error)
    {
        error = boost::json::error::syntax;
        return false;
    }

    std::vector<Level> open_;
    std::string text_;
    Value root_{nullptr};
};

std::optional<Value> parse_value(std::string_view text, const Limits& limits)
{
    boost::json::parse_options options;
    options.max_depth = limits.depth;
    boost::json::basic_parser<Builder> parser(options);
    boost::json::error_code error;
    const auto used = parser.write_some(false, text.data(), text.size(), error);
    if (error || used != text.size() || !parser.done()) return std::nullopt;
    return parser.handler().take();
}

}  // namespace

std::optional<Object> Object::make(std::vector<Member> members)
{
    const auto by_name = [](const Member& a, const Member& b) { return a.name < b.name; };
    const auto same_name = [](const Member& a, const Member& b) { return a.name == b.name; };
    std::sort(members.begin(), members.end(), by_name);
    if (std::adjacent_find(members.begin(), members.end(), same_name) != members.end())
        return std::nullopt;
    Object object;
    object.members_ = std::move(members);
    return object;
}

const Value* Object::find(std::string_view name) const
{
    const auto before = [](const Member& member, std::string_view wanted) {
        return member.name < wanted;
    };
    const auto at = std::lower_bound(members_.begin(), members_.end(), name, before);
    return at != members_.end() && at->name == name ? &at->value : nullptr;
}

const std::vector<Member>& Object::members() const
{
    return members_;
}

std::optional<Object> parse_object(std::string_view text, const Limits& limits)
{
    if (text.size() > limits.bytes) return std::nullopt;
    auto value = parse_value(text, limits);
    if (!value) return std::nullopt;
    auto* object = std::get_if<Object>(&value->is);
    if (object == nullptr) return std::nullopt;
    return std::move(*object);
}

}  // namespace orggate::token::json
