// From a pattern's pieces to its automaton. States are laid out in the order of the
// text, so that most of them simply go on at their neighbour.

#include "orggate/policy/pattern.hpp"
#include "policy/ascii.hpp"
#include "policy/pattern_syntax.hpp"

#include <algorithm>
#include <utility>

namespace orggate::policy {

class PatternBuilder {
public:
    PatternBuilder(std::string_view text, PatternOptions options)
    {
        pattern_.text_ = text;
        pattern_.options_ = options;
    }

    Pattern build(const std::vector<Piece>& pieces)
    {
        using enum Piece::Kind;
        note_names(pieces);
        auto next = pieces.begin();
        if (next != pieces.end() && next->kind == text) pattern_.prefix_ = folded((next++)->text);
        if (next == pieces.end()) return std::move(pattern_);
        if (next->kind == wildcard && next + 1 == pieces.end() && next != pieces.begin()) {
            pattern_.shape_ = Pattern::Shape::prefix;
            return std::move(pattern_);
        }
        pattern_.shape_ = Pattern::Shape::general;
        for (; next != pieces.end(); ++next)
            emit(*next, next == pieces.begin() ? nullptr : &*(next - 1), next + 1 == pieces.end());
        emit_end();
        return std::move(pattern_);
    }

private:
    using State = Pattern::State;
    using Kind = State::Kind;

    std::string folded(std::string_view text) const
    {
        std::string out(text);
        if (pattern_.options_.ignore_case)
            std::transform(out.begin(), out.end(), out.begin(), lower);
        return out;
    }

    // Where each name's segment stands, as long as that is the same for every path.
    void note_names(const std::vector<Piece>& pieces)
    {
        std::size_t slashes = 0;
        bool is_fixed = true;
        for (const auto& piece : pieces) {
            const bool is_last = &piece == &pieces.back();
            switch (piece.kind) {
                case Piece::Kind::text:
                    slashes += static_cast<std::size_t>(
                        std::count(piece.text.begin(), piece.text.end(), '/'));
                    break;
                case Piece::Kind::segment:
                    pattern_.names_.push_back({piece.text, slashes++, is_fixed, true});
                    break;
                case Piece::Kind::optional:
                case Piece::Kind::repeated:
                    // With text behind it, an absent segment looks like that text.
                    pattern_.names_.push_back({piece.text, slashes, is_fixed && is_last, false});
                    is_fixed = false;
                    break;
                case Piece::Kind::wildcard: is_fixed = false; break;
                case Piece::Kind::alternatives: break;
            }
        }
    }

    int here() const { return static_cast<int>(pattern_.states_.size()); }

    void add(Kind kind, char byte, int next, int other)
    {
        pattern_.states_.push_back(
            {kind, byte, static_cast<std::uint16_t>(next), static_cast<std::uint16_t>(other)});
    }
    void take(Kind kind, char byte = 0) { add(kind, byte, here() + 1, 0); }
    void split(int next, int other) { add(Kind::split, 0, next, other); }

    void emit(const Piece& piece, const Piece* before, bool is_last)
    {
        switch (piece.kind) {
            case Piece::Kind::text:
                for (const char c : folded(piece.text))
                    take(Kind::byte, c);
                break;
            case Piece::Kind::segment: emit_segment(); break;
            case Piece::Kind::optional:
                split(here() + 1, here() + 4);
                emit_segment();
                break;
            case Piece::Kind::repeated:
                split(here() + 1, here() + 5);
                emit_segment();
                split(here() - 3, here() + 1);
                break;
            case Piece::Kind::wildcard: emit_wildcard(before, is_last); break;
            case Piece::Kind::alternatives: emit_alternatives(piece.alternatives); break;
        }
    }

    // Three states: a slash, then one byte or more up to the next one.
    void emit_segment()
    {
        take(Kind::byte, '/');
        take(Kind::segment_byte);
        split(here() - 1, here() + 1);
    }

    void emit_wildcard(const Piece* before, bool is_last)
    {
        if (needs_border(before)) {
            // Nothing, or a slash and anything.
            split(here() + 1, here() + (is_last ? 3 : 4));
            take(Kind::byte, '/');
        }
        if (is_last) return take(Kind::rest);
        split(here() + 1, here() + 2);
        add(Kind::any_byte, 0, here() - 1, 0);
    }

    // Behind a :name it changes nothing: the name can always grow to the end of its segment.
    bool needs_border(const Piece* before) const
    {
        if (!pattern_.options_.segment_border) return false;
        return before == nullptr || before->kind != Piece::Kind::text || before->text.back() != '/';
    }

    void emit_alternatives(const std::vector<std::string>& alternatives)
    {
        std::vector<std::size_t> last_bytes;
        for (const auto& alternative : alternatives) {
            const bool is_last = &alternative == &alternatives.back();
            if (!is_last) split(here() + 1, here() + 1 + static_cast<int>(alternative.size()));
            for (const char c : folded(alternative))
                take(Kind::byte, c);
            last_bytes.push_back(pattern_.states_.size() - 1);
        }
        for (const auto at : last_bytes)
            pattern_.states_[at].next = static_cast<std::uint16_t>(here());
    }

    void emit_end()
    {
        split(here() + 1, here() + 2);
        take(Kind::byte, '/');
        take(Kind::accept);
    }

    Pattern pattern_;
};

boost::system::result<Pattern, std::string> Pattern::compile(
    std::string_view text, PatternOptions options)
{
    auto pieces = parse_pattern(text);
    if (!pieces) return pieces.error();
    return PatternBuilder(text, options).build(*pieces);
}

}  // namespace orggate::policy
