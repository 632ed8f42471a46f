#include "http/refusal_redirect.hpp"

#include "http/denial_facts.hpp"
#include "http/forwarded_cookies.hpp"
#include "http/octets.hpp"
#include "orggate/clerk/cookies.hpp"

#include <algorithm>

namespace orggate::http {

namespace {

constexpr std::string_view return_parameter = "redirect_url=";

void append_escaped(std::string& out, char c)
{
    constexpr std::string_view hex = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += hex[byte >> 4];
    out += hex[byte & 15];
}

void append_component(std::string& out, std::string_view text)
{
    for (const char c : text) {
        if (is(c, Octet::unreserved))
            out += c;
        else
            append_escaped(out, c);
    }
}

// What the operator wrote, made safe for a field.
void append_url(std::string& out, std::string_view text)
{
    for (const char c : text) {
        if (is(c, Octet::target))
            out += c;
        else
            append_escaped(out, c);
    }
}

// A query without its old return parameters.
std::string other_parameters(std::string_view query)
{
    std::string kept;
    while (!query.empty()) {
        const auto end = query.find('&');
        const std::string_view parameter = query.substr(0, end);
        query = end == query.npos ? std::string_view() : query.substr(end + 1);
        if (parameter.empty() || parameter.starts_with(return_parameter)) continue;
        append_url(kept, parameter);
        kept += '&';
    }
    return kept;
}

int read_count(std::string_view text)
{
    if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return 0;
    // More digits than one are more than enough.
    return text.size() > 1 ? max_redirects : text.front() - '0';
}

}  // namespace

std::string_view page_for(Denial denial, const Pages& pages)
{
    switch (facts_of(denial).page) {
        case HelpPage::none: return {};
        case HelpPage::sign_in: return pages.sign_in;
        case HelpPage::tasks: return pages.tasks;
        case HelpPage::choose_org: return pages.choose_org;
        case HelpPage::forbidden: return pages.forbidden;
    }
    return {};
}

bool may_redirect(const Refusal& refusal)
{
    if (refusal.head == nullptr) return false;
    const auto wish = refusal.rule ? refusal.rule->when_refused : policy::WhenRefused::automatic;
    switch (wish) {
        case policy::WhenRefused::reject: return false;
        case policy::WhenRefused::automatic: return is_document(*refusal.head);
        case policy::WhenRefused::redirect:
            return refusal.head->method == "GET" && !refusal.head->is_websocket;
    }
    return false;
}

std::string make_location(std::string_view page, std::string_view return_to)
{
    const auto hash = page.find('#');
    const std::string_view before = page.substr(0, hash);
    const auto question = before.find('?');
    std::string query = other_parameters(
        question == before.npos ? std::string_view() : before.substr(question + 1));
    if (!return_to.empty()) append_component(query.append(return_parameter), return_to);
    if (query.ends_with('&')) query.pop_back();

    std::string location;
    append_url(location, before.substr(0, question));
    if (!query.empty()) location.append("?").append(query);
    if (hash != page.npos) append_url(location, page.substr(hash));
    return location;
}

int count_redirects(std::string_view cookies)
{
    int count = 0;
    while (const auto cookie = clerk::next_cookie(cookies))
        if (cookie->name == loop_cookie) count = std::max(count, read_count(cookie->value));
    return count;
}

std::string make_loop_cookie(int count, const Refusal& refusal)
{
    std::string line("Set-Cookie: ");
    line.append(loop_cookie).append("=").append(std::to_string(count));
    line.append("; Path=/; Max-Age=").append(count > 0 ? "60" : "0");
    line.append("; HttpOnly; SameSite=Lax").append(refusal.is_secure ? "; Secure" : "");
    return line.append("\r\n");
}

}  // namespace orggate::http
