#include "token/token_header.hpp"

#include <algorithm>
#include <array>

namespace orggate::token {

namespace {

constexpr std::string_view session_category = "cl_B7d4PD111AAA";
constexpr std::string_view neutral_category = "cl_I7d4PD111III";

bool starts_with(const std::string* text, std::string_view prefix)
{
    return text != nullptr && text->compare(0, prefix.size(), prefix) == 0;
}

bool is_session_category(const json::Object& header)
{
    if (header.find("cat") == nullptr) return true;
    const auto* category = find_text(header, "cat");
    return category != nullptr && (*category == session_category || *category == neutral_category);
}

bool is_access_token(const json::Object& header)
{
    const auto* type = find_text(header, "typ");
    return type != nullptr && (*type == "at+jwt" || *type == "application/at+jwt");
}

bool is_jwt(const json::Object& header)
{
    if (header.find("typ") == nullptr) return true;
    const auto* type = find_text(header, "typ");
    return type != nullptr && *type == "JWT";
}

// Each of these changes how the rest is to be read, and we know none.
bool changes_meaning(const json::Object& header)
{
    constexpr std::array names{"crit", "b64", "zip", "cty"};
    return std::any_of(names.begin(), names.end(),
        [&header](const char* name) { return header.find(name) != nullptr; });
}

}  // namespace

Result<void> check_category(const Claims& claims)
{
    if (!is_session_category(claims.header)) return Denial::token_category;
    if (is_access_token(claims.header)) return Denial::token_category;
    if (starts_with(find_text(claims.payload, "sub"), "mch_")) return Denial::token_category;
    // A handshake carries the session category.
    if (claims.payload.find("handshake") != nullptr) return Denial::token_category;
    return {};
}

Result<TokenHeader> read_token_header(const json::Object& header)
{
    if (!is_jwt(header) || changes_meaning(header)) return Denial::token_malformed;
    const auto* id = find_text(header, "kid");
    if (id == nullptr && header.find("kid") != nullptr) return Denial::token_malformed;
    const auto* name = find_text(header, "alg");
    const auto algorithm = name == nullptr ? std::nullopt : parse_algorithm(*name);
    if (!algorithm) return Denial::token_algorithm;
    return TokenHeader{*algorithm, id == nullptr ? std::string() : *id};
}

}  // namespace orggate::token
