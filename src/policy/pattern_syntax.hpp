// A pattern's text as its pieces, with everything refused that is not in the language.

#pragma once

#include <boost/system/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::policy {

struct Piece {
    enum class Kind {
        text,          // canonical literal text, slashes included
        segment,       // "/:name": the slash belongs to the piece
        optional,      // "/:name?"
        repeated,      // "/:name*"
        wildcard,      // "(.*)"
        alternatives,  // "(a|b)"
    };
    Kind kind = Kind::text;
    std::string text;                       // of a text piece; the name of a parameter
    std::vector<std::string> alternatives;  // canonical literal texts, none empty
};

// The pieces in order; a slash at the end is left out. The error text names the
// character it is about, counted from 1.
boost::system::result<std::vector<Piece>, std::string> parse_pattern(std::string_view text);

}  // namespace orggate::policy
