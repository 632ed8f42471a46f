// The packed lists of a session token of version 2: features and plans by scope,
// permissions as one bitmap per feature.
// Pure. Source: Clerk session token reference, version 2.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::token {

// One claim's text that will stand in a header field, alone or in a comma list: 1 to 256
// visible ASCII characters without a comma. Two readers of the field see the same.
bool is_word(std::string_view text);

// The pieces between commas, trimmed; none for an empty text.
std::vector<std::string_view> split_list(std::string_view text);

struct Scoped {
    std::vector<std::string> org, user;
};

// From `o:reports,u:beta,ou:exports`; elements of other scopes are left out.
// Nothing if an element has no colon or its name is not a word.
std::optional<Scoped> parse_scoped(std::string_view text);

// `org:<feature>:<name>` for each bit set: bitmap i belongs to feature i, bit j to name
// j. Bitmaps are decimals of any length; one that is not has no bits, and bits
// beyond the names mean nothing. Nothing if a name is not a word.
std::optional<std::vector<std::string>> unpack_permissions(
    const std::vector<std::string>& features, std::string_view names, std::string_view bitmaps);

}  // namespace orggate::token
