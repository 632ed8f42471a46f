#include "pages.hpp"

#include <algorithm>
#include <array>

namespace clerk_sim {
namespace {

constexpr std::array<Organization, 2> organizations = {{
    {"org_acme", "Acme", "o:pro", "o:dashboard,o:exports", "read,manage", "3,1"},
    {"org_globex", "Globex", "o:free_org", "o:dashboard", "read,manage", "1"},
}};

int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string decode(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_escape = text[i] == '%' && i + 2 < text.size() &&
                               hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
        if (is_escape) {
            out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

std::string page(std::string_view title, std::string_view body)
{
    return "<!doctype html><html lang=en><meta charset=utf-8><title>" + std::string(title) +
           "</title><style>body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem "
           "auto;"
           "padding:0 1rem}button{font:inherit;padding:.5rem 1rem;margin:.25rem 0;min-width:16rem}"
           "small{color:#666}</style><h1>" +
           std::string(title) + "</h1>" + std::string(body) +
           "<p><small>A simulated Clerk instance on this machine. Nothing here is secret.</small>";
}

std::string button(std::string_view action, std::string_view query, std::string_view label)
{
    return "<form method=post action=\"" + std::string(action) + std::string(query) +
           "\"><button>" + std::string(label) + "</button></form>";
}

}  // namespace

Query parse_query(std::string_view target)
{
    Query query;
    const auto start = target.find('?');
    if (start == target.npos) return query;
    for (std::string_view rest = target.substr(start + 1); !rest.empty();) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        if (pair.empty()) continue;
        const auto equals = std::min(pair.find('='), pair.size());
        const std::string_view value = pair.substr(std::min(pair.size(), equals + 1));
        query.insert_or_assign(decode(pair.substr(0, equals)), decode(value));
    }
    return query;
}

std::string path_of(std::string_view target)
{
    return std::string(target.substr(0, target.find('?')));
}

std::string encode(std::string_view text)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view plain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string out;
    for (char c : text) {
        if (plain.find(c) != plain.npos) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}

std::string find_cookie(std::string_view header, std::string_view name)
{
    while (!header.empty()) {
        std::string_view pair = header.substr(0, header.find(';'));
        header.remove_prefix(std::min(header.size(), pair.size() + 1));
        pair.remove_prefix(std::min(pair.size(), pair.find_first_not_of(' ')));
        if (pair.starts_with(name) && pair.substr(name.size()).starts_with('='))
            return std::string(pair.substr(name.size() + 1));
    }
    return {};
}

std::string loopback_origin(std::string_view url)
{
    // A browser reads a backslash as a slash and drops tabs: neither belongs in an address.
    const bool is_clean =
        std::ranges::all_of(url, [](char c) { return c > ' ' && c < 127 && c != '\\'; });
    const std::string_view scheme = url.starts_with("http://")    ? "http://"
                                    : url.starts_with("https://") ? "https://"
                                                                  : "";
    if (!is_clean || scheme.empty()) return {};
    std::string_view authority = url.substr(scheme.size());
    authority = authority.substr(0, authority.find_first_of("/?#"));
    std::string_view host = authority;
    if (const auto colon = authority.rfind(':'); colon != host.npos && !authority.ends_with(']')) {
        host = authority.substr(0, colon);
        if (authority.find_first_not_of("0123456789", colon + 1) != authority.npos) return {};
    }
    if (host != "127.0.0.1" && host != "localhost" && host != "[::1]") return {};
    return std::string(scheme) + std::string(authority);
}

const Organization* find_organization(std::string_view id)
{
    const auto found = std::ranges::find(organizations, id, &Organization::id);
    return found == organizations.end() ? nullptr : &*found;
}

std::string index_page()
{
    return page("Clerk, simulated",
        "<p><a href=/sign-in>Sign in</a> · <a href=/choose-organization>choose an organisation</a> "
        "· "
        "<a href=/sign-out>sign out</a> · <a href=/.well-known/jwks.json>public keys</a> · "
        "<a href=/keys>key life</a> · <a href=/counters>counters</a></p>");
}

std::string sign_in_page(std::string_view query)
{
    return page(
        "Sign in", button("/sign-in/do", query, "Sign in as Ada") +
                       button("/sign-in/do",
                           std::string(query) + (query.empty() ? "?" : "&amp;") + "pending=true",
                           "Sign in with a task left to do"));
}

std::string choose_organization_page(std::string_view query, bool is_task)
{
    std::string body = is_task ? "<p>One task is left: choose the organisation to work in.</p>"
                               : "<p>Choose the organisation to work in.</p>";
    for (const Organization& organization : organizations)
        body += button("/choose-organization/do",
            std::string(query) + (query.empty() ? "?" : "&amp;") +
                "org=" + std::string(organization.id),
            organization.name);
    return page("Choose an organisation", body);
}

std::string message_page(std::string_view title, std::string_view text)
{
    return page(title, "<p>" + std::string(text) + "</p>");
}

}  // namespace clerk_sim
