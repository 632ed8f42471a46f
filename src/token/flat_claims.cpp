#include "token/flat_claims.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <string_view>

namespace orggate::token {

namespace {

using Claims = std::map<std::string, std::string, std::less<>>;

// Plain digits as in JSON without an exponent: `42`, `0.5`.
template <class Number, class... Form>
std::string number_text(Number number, Form... form)
{
    std::array<char, 512> text{};  // the longest double has 343 characters
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number, form...).ptr;
    return {text.data(), end};
}

std::optional<std::string> scalar_text(const json::Value& value)
{
    if (const auto* text = value.as<std::string>()) return *text;
    if (const auto* truth = value.as<bool>()) return *truth ? "true" : "false";
    if (const auto* whole = value.as<std::int64_t>()) return number_text(*whole);
    if (const auto* number = value.as<double>())
        return number_text(*number, std::chars_format::fixed);
    return std::nullopt;
}

// The reader's depth limit bounds the recursion.
void write_claims(Claims& out, const json::Object& object, const std::string& prefix)
{
    for (const auto& [name, value] : object.members()) {
        if (name.empty() || name == "unsafe_metadata") continue;
        if (name.find('.') != std::string::npos) continue;
        if (const auto* inner = value.as<json::Object>())
            write_claims(out, *inner, prefix + name + ".");
        else if (auto text = scalar_text(value))
            out.emplace(prefix + name, std::move(*text));
    }
}

}  // namespace

std::map<std::string, std::string, std::less<>> flatten_claims(const json::Object& payload)
{
    Claims claims;
    write_claims(claims, payload, {});
    return claims;
}

}  // namespace orggate::token
