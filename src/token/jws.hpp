// A compact JWS taken apart, nothing of it believed.
// Pure; the views point into the text. Source: RFC 7515 sections 3.1, 5.2 and 7.1.

#pragma once

#include "token/json.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace orggate::token {

inline constexpr std::size_t max_compact_size = 16 * 1024;
inline constexpr std::size_t max_header_size = 2 * 1024;  // encoded; Clerk writes about 140

// Three parts of canonical base64url, decoded.
struct Jws {
    std::string_view signing_input;  // the first two parts as they were sent
    std::string header, payload, signature;
};

// Nothing unless there are exactly three parts within the size limits.
std::optional<Jws> split_compact(std::string_view compact);

// Header and payload as objects.
struct Claims {
    json::Object header, payload;
};
std::optional<Claims> read_claims(const Jws& jws);

// The text of a member; null if it is absent or something else.
const std::string* find_text(const json::Object& object, std::string_view name);

}  // namespace orggate::token
