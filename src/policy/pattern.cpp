#include "orggate/policy/pattern.hpp"

#include "policy/ascii.hpp"

#include <algorithm>
#include <array>

namespace orggate::policy {

namespace {

// A pattern of max_length characters needs fewer: each character makes at most one
// state and a quarter (":a*" with its slash: five), and the end three.
constexpr std::size_t max_states = Pattern::max_length + Pattern::max_length / 4 + 16;

// The states alive between two bytes, each once.
class StateSet {
public:
    bool insert(std::size_t state)
    {
        auto& word = marks_[state / 64];
        const auto bit = std::uint64_t{1} << (state % 64);
        if ((word & bit) != 0) return false;
        word |= bit;
        return true;
    }
    void push(std::size_t state) { states_[size_++] = static_cast<std::uint16_t>(state); }
    void clear()
    {
        marks_.fill(0);
        size_ = 0;
    }
    bool empty() const { return size_ == 0; }
    const std::uint16_t* begin() const { return states_.data(); }
    const std::uint16_t* end() const { return states_.data() + size_; }

private:
    std::array<std::uint64_t, max_states / 64 + 1> marks_{};
    std::array<std::uint16_t, max_states> states_;  // the first size_ are meant
    std::size_t size_ = 0;
};

// Enters `state` and all that its splits lead to.
template <class States>
void enter(const States& states, std::size_t state, StateSet& set)
{
    using Kind = typename States::value_type::Kind;
    while (set.insert(state)) {
        if (states[state].kind != Kind::split) return set.push(state);
        enter(states, states[state].next, set);
        state = states[state].other;
    }
}

}  // namespace

bool Pattern::has_prefix(std::string_view path) const
{
    if (path.size() < prefix_.size()) return false;
    if (!options_.ignore_case) return path.starts_with(prefix_);
    for (std::size_t i = 0; i < prefix_.size(); ++i)
        if (lower(path[i]) != prefix_[i]) return false;
    return true;
}

bool Pattern::matches(std::string_view path) const
{
    if (!has_prefix(path)) return false;
    const auto rest = path.substr(prefix_.size());
    switch (shape_) {
        case Shape::literal: return rest.empty() || rest == "/";
        case Shape::prefix:
            return !options_.segment_border || prefix_.ends_with('/') || rest.empty() ||
                   rest.front() == '/';
        case Shape::general: return run(rest);
    }
    return false;
}

bool Pattern::run(std::string_view rest) const
{
    using Kind = State::Kind;
    StateSet sets[2];
    auto* now = &sets[0];
    auto* then = &sets[1];
    enter(states_, 0, *now);
    for (const char raw : rest) {
        const char c = options_.ignore_case ? lower(raw) : raw;
        for (const auto at : *now) {
            const auto& state = states_[at];
            if (state.kind == Kind::rest) return true;
            const bool takes = state.kind == Kind::any_byte ||
                               (state.kind == Kind::segment_byte && c != '/') ||
                               (state.kind == Kind::byte && c == state.byte);
            if (takes) enter(states_, state.next, *then);
        }
        if (then->empty()) return false;
        std::swap(now, then);
        then->clear();
    }
    return std::any_of(now->begin(), now->end(), [&](std::uint16_t at) {
        return states_[at].kind == Kind::accept || states_[at].kind == Kind::rest;
    });
}

std::optional<std::string_view> Pattern::bound(std::string_view name, std::string_view path) const
{
    const auto found = std::find_if(
        names_.begin(), names_.end(), [&](const Name& entry) { return entry.name == name; });
    if (found == names_.end() || !found->is_fixed || path.empty()) return std::nullopt;
    path.remove_prefix(1);
    for (std::size_t i = 0; i < found->segment; ++i) {
        const auto slash = path.find('/');
        if (slash == std::string_view::npos) return std::nullopt;
        path.remove_prefix(slash + 1);
    }
    path = path.substr(0, path.find('/'));
    return path.empty() ? std::nullopt : std::optional(path);
}

bool Pattern::binds_always(std::string_view name) const
{
    return std::any_of(names_.begin(), names_.end(), [&](const Name& entry) {
        return entry.name == name && entry.is_fixed && entry.is_mandatory;
    });
}

bool Pattern::covers(const Pattern& narrower) const
{
    // One that minds the case never covers one that does not.
    if (narrower.options_.ignore_case && !options_.ignore_case) return false;
    const bool border_is_no_narrower = !options_.segment_border || narrower.options_.segment_border;
    if (text_ == narrower.text_ && border_is_no_narrower) return true;
    if (shape_ == Shape::literal)
        return narrower.shape_ == Shape::literal && narrower.prefix_.size() == prefix_.size() &&
               has_prefix(narrower.prefix_);
    return shape_ == Shape::prefix && covers_by_prefix(narrower);
}

bool Pattern::covers_by_prefix(const Pattern& narrower) const
{
    if (prefix_ == "/") return true;
    if (!has_prefix(narrower.prefix_)) return false;
    if (!options_.segment_border || prefix_.ends_with('/')) return true;
    if (narrower.prefix_.size() > prefix_.size()) return narrower.prefix_[prefix_.size()] == '/';
    return narrower.shape_ == Shape::literal;
}

}  // namespace orggate::policy
