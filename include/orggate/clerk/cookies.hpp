// Reads a Cookie header the way Clerk's SDK does, and chooses between the plain
// and the suffixed set.
// Pure; the views point into the header. Source: cookie parsing and suffix rules of Clerk's server SDK.

#pragma once

#include "orggate/clerk/instance.hpp"
#include "orggate/denial.hpp"
#include "orggate/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace orggate::clerk {

struct Cookie {
    std::string_view name;   // trimmed
    std::string_view value;  // trimmed, not decoded
};

// Takes the next pair from the front of `rest`; nothing when it is used up.
// Pairs without `=` are skipped.
std::optional<Cookie> next_cookie(std::string_view& rest);

// The value of a cookie, percent-decoded; the first occurrence wins, an empty
// value is as absent. Refuses token_ambiguous when a second one differs.
Result<std::optional<std::string>> find_cookie(std::string_view header, std::string_view name);

struct SessionCookies {
    std::optional<std::string> session;
    std::int64_t client_uat = 0;  // 0: absent, not a number, or signed out
    bool suffixed = false;        // which set; where both say the same, the suffixed if it is there
};

// The suffixed set or the plain one, by the SDK's ordered rules. Reads the tokens
// without verifying them.
// Refuses token_ambiguous: two different cookies of one name.
Result<SessionCookies> choose_cookies(
    const Instance& instance, std::string_view header, Instant now);

// Whether a cookie of this name carries Clerk credentials, and of which kind; plain or
// with any instance's suffix. The development browser's token counts as handshake.
enum class CookieKind { other, session, refresh, handshake, state };
CookieKind cookie_kind(std::string_view name);

}  // namespace orggate::clerk
