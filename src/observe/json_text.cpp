#include "orggate/observe/json_text.hpp"

#include "observe/utf8.hpp"

namespace orggate::observe {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

bool is_plain(char c)
{
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

// Room for one escaped character.
struct Piece {
    char text[8];
    std::size_t size = 0;
};

Piece escaped(unsigned char code)
{
    constexpr char hex[] = "0123456789abcdef";
    const auto two = [](char c) { return Piece{{'\\', c}, 2}; };
    switch (code) {
        case '"': return two('"');
        case '\\': return two('\\');
        case '\n': return two('n');
        case '\r': return two('r');
        case '\t': return two('t');
        default: return Piece{{'\\', 'u', '0', '0', hex[code >> 4], hex[code & 15]}, 6};
    }
}

// The character at the front of `text` that is not plain ASCII, and its length there.
std::string_view written(std::string_view text, Piece& piece, std::size_t& length)
{
    length = utf8_length(text);
    if (length == 0) {
        length = 1;
        return replacement;
    }
    const auto last = static_cast<unsigned char>(text[length - 1]);
    // ASCII controls, DEL and C1 (C2 80 to C2 9F): a terminal would obey them.
    if (length == 1 || (length == 2 && text[0] == '\xC2' && last < 0xA0)) {
        piece = escaped(last);
        return {piece.text, piece.size};
    }
    return text.substr(0, length);
}

}  // namespace

void append_json_string(std::string& out, std::string_view text, std::size_t limit)
{
    out.push_back('"');
    while (!text.empty()) {
        std::size_t plain = 0;
        while (plain < text.size() && is_plain(text[plain]))
            ++plain;
        if (plain > limit) plain = limit;
        out.append(text.substr(0, plain));
        text.remove_prefix(plain);
        limit -= plain;
        if (text.empty() || is_plain(text.front())) break;
        Piece piece;
        std::size_t length = 0;
        const std::string_view next = written(text, piece, length);
        if (next.size() > limit) break;
        out.append(next);
        text.remove_prefix(length);
        limit -= next.size();
    }
    out.push_back('"');
}

}  // namespace orggate::observe
