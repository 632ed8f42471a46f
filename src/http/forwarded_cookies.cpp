#include "http/forwarded_cookies.hpp"

#include "orggate/clerk/cookies.hpp"

namespace orggate::http {

namespace {

bool is_withheld(std::string_view name, Credentials credentials)
{
    if (name == loop_cookie) return true;
    if (credentials == Credentials::all) return false;
    switch (clerk::cookie_kind(name)) {
        case clerk::CookieKind::other: return false;
        case clerk::CookieKind::refresh:
        case clerk::CookieKind::handshake: return true;
        case clerk::CookieKind::session:
        case clerk::CookieKind::state: return credentials == Credentials::none;
    }
    return true;
}

// Takes one pair from the front of `rest`, as it stands between two semicolons.
std::string_view take_pair(std::string_view& rest)
{
    const auto end = rest.find(';');
    const std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    return pair;
}

bool is_pair_withheld(std::string_view pair, Credentials credentials)
{
    const auto cookie = clerk::next_cookie(pair);
    return cookie && is_withheld(cookie->name, credentials);
}

bool is_any_withheld(std::string_view cookies, Credentials credentials)
{
    while (!cookies.empty())
        if (is_pair_withheld(take_pair(cookies), credentials)) return true;
    return false;
}

std::string_view without_leading_blanks(std::string_view pair)
{
    const auto first = pair.find_first_not_of(" \t");
    return first == std::string_view::npos ? std::string_view() : pair.substr(first);
}

}  // namespace

void append_cookies(std::string& out, std::string_view cookies, Credentials credentials)
{
    if (cookies.empty()) return;
    const std::size_t start = out.size();
    out.append("Cookie: ");
    if (!is_any_withheld(cookies, credentials)) {
        out.append(cookies).append("\r\n");
        return;
    }
    const std::size_t first = out.size();
    while (!cookies.empty()) {
        const std::string_view pair = without_leading_blanks(take_pair(cookies));
        if (pair.empty() || is_pair_withheld(pair, credentials)) continue;
        if (out.size() > first) out.append("; ");
        out.append(pair);
    }
    if (out.size() == first)
        out.resize(start);
    else
        out.append("\r\n");
}

}  // namespace orggate::http
