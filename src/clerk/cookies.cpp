#include "orggate/clerk/cookies.hpp"

#include "clerk/percent.hpp"

#include <algorithm>

namespace orggate::clerk {

namespace {

std::string_view trimmed(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// `base` itself, or with a suffix as long as every instance's: 8 base64url digits.
bool is_named(std::string_view name, std::string_view base)
{
    if (name.substr(0, base.size()) != base) return false;
    const auto rest = name.substr(base.size());
    if (rest.empty()) return true;
    return rest.size() == 9 && rest.front() == '_' &&
           std::all_of(rest.begin() + 1, rest.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
           });
}

}  // namespace

std::optional<Cookie> next_cookie(std::string_view& rest)
{
    while (!rest.empty()) {
        const auto end = std::min(rest.find(';'), rest.size());
        const auto pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos) continue;
        return Cookie{trimmed(pair.substr(0, equals)), trimmed(pair.substr(equals + 1))};
    }
    return std::nullopt;
}

Result<std::optional<std::string>> find_cookie(std::string_view header, std::string_view name)
{
    std::optional<std::string_view> found;
    while (const auto cookie = next_cookie(header)) {
        if (cookie->name != name) continue;
        if (found && *found != cookie->value) return Denial::token_ambiguous;
        found = cookie->value;
    }
    std::optional<std::string> value;
    if (found && !found->empty()) value = percent_decoded(*found);
    return value;
}

CookieKind cookie_kind(std::string_view name)
{
    if (is_named(name, "__session")) return CookieKind::session;
    if (is_named(name, "__refresh")) return CookieKind::refresh;
    if (name == "__clerk_handshake" || name == "__clerk_handshake_nonce")
        return CookieKind::handshake;
    // The token of a development browser stands for the client at Clerk's frontend.
    if (is_named(name, "__clerk_db_jwt")) return CookieKind::handshake;
    if (is_named(name, "__client_uat")) return CookieKind::state;
    if (name == "__clerk_redirect_count" || name == "__clerk_test_etld") return CookieKind::state;
    if (name == "clerk_active_context") return CookieKind::state;
    return CookieKind::other;
}

}  // namespace orggate::clerk
