// A path pattern as Clerk users write it in createRouteMatcher: literals, `:name` (one
// whole segment), `:name?`, `:name*`, `(a|b)`, `(.*)`; `:name(.*)` binds the first
// segment and then matches the rest. `(.*)` matches every character. Nothing else is a
// pattern: what a regular expression would do with the rest is nobody's guess.
// Matching takes time linear in the path, never backtracks and never allocates.
// Pure; immutable after compilation. Any thread.

#pragma once

#include <boost/system/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::policy {

struct PatternOptions {
    bool ignore_case = true;  // ASCII letters only, whatever the locale
    // `(.*)` only at a segment border: /account(.*) is /account and below, never
    // /accounting. For routes that demand less than the default.
    bool segment_border = false;
};

class Pattern {
public:
    static constexpr std::size_t max_length = 512;   // characters of a pattern
    static constexpr std::size_t max_wildcards = 8;  // `(.*)` and `:name*` in one pattern

    // Literals become canonical as paths do: escapes of unreserved characters decoded,
    // hex upper-case. The error text says what was expected, and at which character.
    static boost::system::result<Pattern, std::string> compile(
        std::string_view text, PatternOptions options);

    // `path` is canonical (http::parse_target). One trailing slash is ignored, in the
    // path and in the pattern.
    bool matches(std::string_view path) const;

    // The segment a `:name` binds in a path that matches. Nothing if it is optional and
    // absent, or if its place depends on what stands before or behind it.
    std::optional<std::string_view> bound(std::string_view name, std::string_view path) const;

    // Whether `bound(name, …)` can be relied on: exactly one mandatory whole segment
    // at a fixed place.
    bool binds_always(std::string_view name) const;

    // True only if every path that matches `narrower` certainly matches this one.
    bool covers(const Pattern& narrower) const;

    std::string_view text() const { return text_; }

private:
    // Most patterns need no automaton: `/a/b`, and `/a(.*)`.
    enum class Shape { literal, prefix, general };

    // One state of a nondeterministic automaton, run as a set of states.
    struct State {
        enum class Kind : unsigned char {
            byte,          // takes `byte`
            segment_byte,  // takes anything but a slash
            any_byte,      // takes anything
            split,         // goes on at `next` and at `other`, taking nothing
            rest,          // accepts whatever follows
            accept,        // accepts the end
        };
        Kind kind = Kind::accept;
        char byte = 0;
        std::uint16_t next = 0, other = 0;
    };

    struct Name {
        std::string name;
        std::size_t segment = 0;  // counted from 0
        bool is_fixed = false;    // `segment` holds for every path that matches
        bool is_mandatory = false;
    };

    friend class PatternBuilder;  // pattern_builder.cpp
    Pattern() = default;
    bool has_prefix(std::string_view path) const;
    bool run(std::string_view rest) const;
    bool covers_by_prefix(const Pattern& narrower) const;

    std::string text_;
    PatternOptions options_;
    Shape shape_ = Shape::literal;
    std::string prefix_;         // the literal text in front; lower case if ignore_case
    std::vector<State> states_;  // what follows it; general shape only
    std::vector<Name> names_;
};

}  // namespace orggate::policy
