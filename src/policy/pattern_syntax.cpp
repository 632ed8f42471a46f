#include "policy/pattern_syntax.hpp"

#include "orggate/policy/pattern.hpp"
#include "policy/pattern_characters.hpp"

#include <algorithm>
#include <optional>

namespace orggate::policy {

namespace {

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    boost::system::result<std::vector<Piece>, std::string> parse()
    {
        if (text_.empty() || text_.front() != '/') fail(0, "a pattern starts with \"/\"");
        if (text_.size() > Pattern::max_length)
            fail(Pattern::max_length,
                "a pattern has at most " + std::to_string(Pattern::max_length) + " characters");
        while (!error_ && position_ < text_.size())
            read_piece();
        if (!error_) check_segments();
        if (error_) return *error_;
        drop_final_slash();
        return std::move(pieces_);
    }

private:
    void fail(std::size_t position, std::string_view why)
    {
        if (!error_)
            error_ = "at character " + std::to_string(position + 1) + ": " + std::string(why);
    }

    bool follows(std::string_view wanted) const
    {
        return text_.substr(position_, wanted.size()) == wanted;
    }
    bool at(char c) const { return position_ < text_.size() && text_[position_] == c; }
    bool at_segment_end() const { return position_ == text_.size() || at('/'); }

    // The pattern as one string for the rules about whole segments; \1 stands for
    // whatever is not literal.
    void flatten(std::string_view text, std::size_t position)
    {
        flat_ += text;
        flat_positions_.resize(flat_.size(), position);
    }

    Piece& add(Piece::Kind kind)
    {
        pieces_.push_back({kind, {}, {}});
        return pieces_.back();
    }

    void read_piece()
    {
        if (follows("/:")) return read_parameter();
        switch (text_[position_]) {
            case ':': return fail(position_, ":name must be a whole segment, right behind \"/\"");
            case '(': return read_group();
            default: return read_literal();
        }
    }

    void read_literal()
    {
        const auto start = position_;
        std::string literal;
        if (at('/')) {
            literal = "/";
            ++position_;
        } else {
            read_character(literal);
        }
        if (error_) return;
        flatten(literal, start);
        if (pieces_.empty() || pieces_.back().kind != Piece::Kind::text) add(Piece::Kind::text);
        pieces_.back().text += literal;
    }

    void read_character(std::string& out)
    {
        const char c = text_[position_];
        if (c == '%') return read_escape(out);
        if (c == '$' && position_ + 1 == text_.size())
            return fail(
                position_, "a pattern always matches to the end of the path; drop the \"$\"");
        if (!is_literal(c)) return fail(position_, why_not(c));
        out += c;
        ++position_;
    }

    void read_escape(std::string& out)
    {
        const auto high = position_ + 1 < text_.size() ? hex_value(text_[position_ + 1]) : -1;
        const auto low = position_ + 2 < text_.size() ? hex_value(text_[position_ + 2]) : -1;
        if (high < 0 || low < 0)
            return fail(position_, "\"%\" must be followed by two hexadecimal digits");
        const auto byte = static_cast<unsigned char>(high * 16 + low);
        if (byte < 0x20 || byte == 0x7F || byte == '/' || byte == '\\')
            return fail(position_, "paths with this escape are always refused");
        constexpr std::string_view digits = "0123456789ABCDEF";
        if (is_unreserved(byte))
            out += static_cast<char>(byte);
        else
            out.append({'%', digits[static_cast<std::size_t>(high)],
                digits[static_cast<std::size_t>(low)]});
        position_ += 3;
    }

    void read_parameter()
    {
        const auto colon = position_ + 1;
        position_ += 2;
        const auto start = position_;
        while (position_ < text_.size() && is_name_character(text_[position_]))
            ++position_;
        const auto name = text_.substr(start, position_ - start);
        if (name.empty()) return fail(colon, "\":\" must be followed by a name of A-Z a-z 0-9 _");
        if (is_taken(name))
            return fail(colon, "the name \"" + std::string(name) + "\" is used twice");
        add(read_modifier()).text = name;
        flatten("/", colon - 1);
        flatten("\1", colon);
        check_parameter_end(colon);
    }

    bool is_taken(std::string_view name) const
    {
        return std::any_of(pieces_.begin(), pieces_.end(), [&](const Piece& piece) {
            return piece.kind != Piece::Kind::text && piece.text == name;
        });
    }

    Piece::Kind read_modifier()
    {
        if (!at('?') && !at('*')) return Piece::Kind::segment;
        return text_[position_++] == '?' ? Piece::Kind::optional : Piece::Kind::repeated;
    }

    void check_parameter_end(std::size_t colon)
    {
        const auto kind = pieces_.back().kind;
        if (kind == Piece::Kind::repeated) count_wildcard(colon);
        if (at_segment_end()) return;
        if (at('+')) return fail(position_, why_not('+'));
        if (at(':')) return fail(position_, "two parameters side by side");
        if (!at('(')) return fail(position_, ":name must be a whole segment");
        if (kind != Piece::Kind::segment || !follows("(.*)"))
            fail(position_, "only \"(.*)\" may follow a :name");
    }

    void read_group()
    {
        const bool follows_group =
            !pieces_.empty() && (pieces_.back().kind == Piece::Kind::wildcard ||
                                    pieces_.back().kind == Piece::Kind::alternatives);
        const auto open = position_;
        const bool is_wildcard = follows("(.*)");
        const bool may_follow =
            is_wildcard && follows_group && pieces_.back().kind == Piece::Kind::alternatives;
        if (follows_group && !may_follow) return fail(open, "two groups side by side");
        if (is_wildcard)
            read_wildcard();
        else
            read_alternatives();
        if (error_) return;
        if (at('?') || at('*') || at('+'))
            fail(position_, "a group cannot be optional or repeated");
    }

    void read_wildcard()
    {
        count_wildcard(position_);
        add(Piece::Kind::wildcard);
        flatten("\1", position_);
        position_ += 4;
    }

    void count_wildcard(std::size_t position)
    {
        if (++wildcards_ > Pattern::max_wildcards)
            fail(position,
                "a pattern has at most " + std::to_string(Pattern::max_wildcards) + " wildcards");
    }

    void read_alternatives()
    {
        const auto open = position_++;
        std::vector<std::string> alternatives(1);
        while (!error_ && position_ < text_.size() && !at(')'))
            read_alternative(alternatives);
        if (error_) return;
        if (!at(')')) return fail(open, "\"(\" without its \")\"");
        for (const auto& alternative : alternatives)
            if (alternative.empty() || alternative == "." || alternative == "..")
                return fail(open, "(a|b) needs literal text for each alternative");
        ++position_;
        add(Piece::Kind::alternatives).alternatives = std::move(alternatives);
        flatten("\1", open);
    }

    void read_alternative(std::vector<std::string>& alternatives)
    {
        if (at('|')) {
            alternatives.emplace_back();
            ++position_;
            return;
        }
        const char c = text_[position_];
        if (c != '%' && !is_literal(c))
            return fail(position_, "a group is \"(.*)\" or literal alternatives as in (a|b)");
        read_character(alternatives.back());
    }

    // A canonical path has no empty and no dot segments, so such a pattern is a mistake.
    void check_segments()
    {
        for (std::size_t start = 1; start <= flat_.size();) {
            const auto end = std::min(flat_.find('/', start), flat_.size());
            const auto segment = std::string_view(flat_).substr(start, end - start);
            const auto position = flat_positions_[std::min(start, flat_.size() - 1)];
            if (segment == "." || segment == "..")
                return fail(position, "paths with dot segments are always refused");
            if (segment.empty() && end < flat_.size())
                return fail(position, "paths with empty segments are always refused");
            start = end + 1;
        }
    }

    void drop_final_slash()
    {
        if (pieces_.empty() || pieces_.back().kind != Piece::Kind::text) return;
        auto& text = pieces_.back().text;
        if (text.back() == '/') text.pop_back();
        if (text.empty()) pieces_.pop_back();
    }

    std::string_view text_;
    std::size_t position_ = 0;
    std::size_t wildcards_ = 0;
    std::vector<Piece> pieces_;
    std::string flat_;
    std::vector<std::size_t> flat_positions_;
    std::optional<std::string> error_;
};

}  // namespace

boost::system::result<std::vector<Piece>, std::string> parse_pattern(std::string_view text)
{
    return Parser(text).parse();
}

}  // namespace orggate::policy
