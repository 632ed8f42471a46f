// JSON from strangers as plain values, read once and strictly: one text has one
// meaning, or it is refused.
// Pure. Source: RFC 8259; RFC 8725 section 2.4 (duplicate names).

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace orggate::token::json {

struct Value;
struct Member;
using Array = std::vector<Value>;

// Members sorted by name, each name once.
class Object {
public:
    // Takes the members in any order. Nothing if a name occurs twice.
    static std::optional<Object> make(std::vector<Member> members);

    // The member of this name, or null.
    const Value* find(std::string_view name) const;

    const std::vector<Member>& members() const;

private:
    std::vector<Member> members_;
};

// Whole numbers within 64 signed bits stay exact; fractions are doubles of less than 2^63.
struct Value {
    std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object> is;

    template <class T>
    const T* as() const
    {
        return std::get_if<T>(&is);
    }
    bool is_null() const { return as<std::nullptr_t>() != nullptr; }
};

struct Member {
    std::string name;
    Value value;
};

struct Limits {
    std::size_t bytes = 16 * 1024;
    std::size_t depth = 8;
};

// The one object the text consists of. Nothing if it is anything else, is longer or
// deeper than the limits, has a byte order mark, bytes after the end, bad UTF-8, a name twice
// in one object (escapes resolved), or a number outside 64 signed bits.
std::optional<Object> parse_object(std::string_view text, const Limits& limits = {});

}  // namespace orggate::token::json
