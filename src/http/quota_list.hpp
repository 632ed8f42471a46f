// The values of RateLimit and RateLimit-Policy, as somebody else wrote them.
// Pure; the items are views into the text. Source: RFC 9651 section 4.2;
// draft-ietf-httpapi-ratelimit-headers-10.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::http {

struct QuotaItem {
    std::string_view text;                         // the whole item with its parameters
    std::string name;                              // unescaped
    std::optional<std::int64_t> quota, remaining;  // q and r, if they are integers
};

// A structured-field List whose members are Strings with parameters: at most 32 of them.
// Nothing if it is anything else.
std::optional<std::vector<QuotaItem>> parse_quota_list(std::string_view value);

}  // namespace orggate::http
