// A path pattern as Clerk users write it in createRouteMatcher: literals, `:name` (one
// whole segment), `:name?`, `:name*`, `(a|b)`, `(.*)`; `:name(.*)` binds the first
// segment and then matches the rest. Matching is linear: it never backtracks.
// Pure; immutable after compilation. Any thread.

#pragma once

#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::policy {

struct PatternOptions {
    bool ignore_case = true;
    // `(.*)` only at a segment border: /account(.*) is /account and below, never
    // /accounting. For routes that demand less than the default.
    bool segment_border = false;
};

class Pattern {
public:
    // The error text says what was expected, and at which character.
    static boost::system::result<Pattern, std::string> compile(
        std::string_view text, PatternOptions options);

    // `path` is canonical (http::parse_target). One trailing slash is ignored.
    bool matches(std::string_view path) const;

    // The segment a `:name` binds in a path that matches. Nothing if optional and absent.
    std::optional<std::string_view> bound(std::string_view name, std::string_view path) const;

    // Whether `bound(name, …)` can be relied on: exactly one mandatory whole segment
    // at a fixed place.
    bool binds_always(std::string_view name) const;

    std::string_view text() const { return text_; }

private:
    struct State;
    Pattern() = default;
    std::string text_;
    PatternOptions options_;
    std::vector<State> states_;
    std::vector<std::pair<std::string, std::size_t>> names_;  // name, segment index
    std::string literal_prefix_;
};

}  // namespace orggate::policy
