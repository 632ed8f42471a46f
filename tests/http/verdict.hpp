// Results as words, so that a failed comparison says what happened instead.

#pragma once

#include "orggate/denial.hpp"

#include <string>
#include <string_view>

namespace orggate::http {

inline constexpr Denial accepted{};

inline std::string word(Denial denial)
{
    return denial == accepted ? "accepted" : std::string(name(denial));
}

template <class T>
Denial denial_of(const Result<T>& result)
{
    return result ? accepted : result.error();
}

template <class T>
std::string word(const Result<T>& result)
{
    return word(denial_of(result));
}

inline std::string repeat(std::string_view text, std::size_t times)
{
    std::string out;
    for (std::size_t i = 0; i < times; ++i)
        out += text;
    return out;
}

}  // namespace orggate::http
