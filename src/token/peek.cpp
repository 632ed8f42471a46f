#include "orggate/token/verify.hpp"
#include "token/jws.hpp"
#include "token/times.hpp"
#include "token/token_header.hpp"

#include <algorithm>

namespace orggate::token {

namespace {

std::optional<Claims> decode(std::string_view compact)
{
    const auto jws = split_compact(compact);
    return jws ? read_claims(*jws) : std::nullopt;
}

// Only what a key server could have written is worth a question to it.
bool is_plausible_id(std::string_view id)
{
    constexpr std::size_t longest = 256;
    if (id.size() > longest) return false;
    return std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

std::optional<std::int64_t> peek_time(const json::Object& payload, std::string_view name)
{
    const auto time = read_time(payload, name);
    return time ? *time : std::nullopt;
}

}  // namespace

std::string unverified_key_id(std::string_view compact)
{
    const auto claims = decode(compact);
    if (!claims || !check_category(*claims)) return {};
    auto header = read_token_header(claims->header);
    if (!header || !is_plausible_id(header->key_id)) return {};
    return header->key_id;
}

Unverified peek(std::string_view compact)
{
    Unverified seen;
    const auto claims = decode(compact);
    if (!claims) return seen;
    seen.decodes = true;
    const auto* issuer = claims->payload.find("iss");
    if (issuer != nullptr && !issuer->is_null()) {
        const auto* text = issuer->as<std::string>();
        if (text != nullptr) seen.issuer = *text;
        seen.issuer_is_other = text == nullptr;
    }
    seen.issued_at = peek_time(claims->payload, "iat");
    seen.expires = peek_time(claims->payload, "exp");
    return seen;
}

}  // namespace orggate::token
