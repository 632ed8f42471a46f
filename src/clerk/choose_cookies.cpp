#include "clerk/choose_cookies.hpp"

#include "clerk/percent.hpp"
#include "orggate/token/verify.hpp"

#include <limits>
#include <utility>

namespace orggate::clerk {

namespace {

using Text = std::optional<std::string>;

struct Texts {
    Text plain_session, suffixed_session, plain_uat, suffixed_uat;
};

// One of the cookies we look for, in one pass over the field.
struct Wanted {
    std::string_view base;
    bool suffixed;
    std::optional<std::string_view> value{};

    bool matches(std::string_view name, std::string_view suffix) const
    {
        if (!suffixed) return name == base;
        return name.size() == base.size() + 1 + suffix.size() &&
               name.substr(0, base.size()) == base && name[base.size()] == '_' &&
               name.substr(base.size() + 1) == suffix;
    }
    Text text() const
    {
        if (!value || value->empty()) return std::nullopt;
        return percent_decoded(*value);
    }
};

Result<Texts> find_texts(const Instance& instance, std::string_view header)
{
    Wanted wanted[] = {
        {"__session", false}, {"__session", true}, {"__client_uat", false}, {"__client_uat", true}};
    while (const auto cookie = next_cookie(header)) {
        for (auto& one : wanted) {
            if (!one.matches(cookie->name, instance.cookie_suffix)) continue;
            if (one.value && *one.value != cookie->value) return Denial::token_ambiguous;
            one.value = cookie->value;
        }
    }
    return Texts{wanted[0].text(), wanted[1].text(), wanted[2].text(), wanted[3].text()};
}

// What the token says of itself. A token verified before need not be decoded again.
token::Unverified look_at(const token::Verifier* known, const std::string& compact)
{
    const auto session = known == nullptr ? nullptr : known->recall(compact);
    if (session == nullptr) return token::peek(compact);
    const auto issuer = session->claims.find("iss");
    if (issuer == session->claims.end()) return token::peek(compact);
    token::Unverified seen;
    seen.decodes = true;
    seen.issuer = issuer->second;
    seen.issued_at = session->issued_at;
    seen.expires = session->expires;
    return seen;
}

char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool begins_with(std::string_view text, std::string_view scheme)
{
    if (text.size() < scheme.size()) return false;
    for (std::size_t i = 0; i < scheme.size(); ++i)
        if (lower(text[i]) != scheme[i]) return false;
    return true;
}

// Whether the issuer without its schemes is the host. Clerk's SDK takes every scheme
// out, not only a leading one.
bool names_host(std::string_view issuer, std::string_view host)
{
    std::string bare;
    while (!issuer.empty()) {
        const std::size_t scheme = begins_with(issuer, "https://")  ? 8
                                   : begins_with(issuer, "http://") ? 7
                                                                    : 0;
        if (scheme == 0) bare += issuer.front();
        issuer.remove_prefix(scheme == 0 ? 1 : scheme);
    }
    return bare == host;
}

bool is(const Text& text, std::string_view wanted)
{
    return text && *text == wanted;
}

enum class Set { plain, suffixed };

// The rules in the SDK's order; the first that holds decides.
Set choose_set(
    const token::Verifier* known, const Instance& instance, const Texts& texts, Instant now)
{
    token::Unverified plain, suffixed;
    if (texts.plain_session) {
        plain = look_at(known, *texts.plain_session);
        const bool has_issuer = plain.issuer_is_other || !plain.issuer.empty();
        if (!plain.decodes || !has_issuer) return Set::plain;
        if (!names_host(plain.issuer, instance.frontend_host)) return Set::suffixed;
    }
    if (!texts.suffixed_uat && !texts.suffixed_session) return Set::plain;
    if (texts.suffixed_session) suffixed = look_at(known, *texts.suffixed_session);
    const bool plain_out = is(texts.plain_uat, "0"), suffixed_out = is(texts.suffixed_uat, "0");
    if (!suffixed_out && !plain_out && plain.issued_at.value_or(0) > suffixed.issued_at.value_or(0))
        return Set::plain;
    if (suffixed_out && !plain_out) return Set::plain;
    const bool is_over = suffixed.expires && *suffixed.expires <= now.unix_seconds();
    if (instance.type == InstanceType::development && !suffixed_out && plain_out && is_over)
        return Set::plain;
    if (!texts.suffixed_uat && texts.suffixed_session) return Set::plain;
    return Set::suffixed;
}

// JavaScript's parseInt: leading white space, a sign, digits; the rest is ignored.
std::int64_t leading_integer(const Text& text)
{
    if (!text) return 0;
    auto at = text->find_first_not_of(" \t\r\n\f\v");
    if (at == std::string::npos) return 0;
    const bool negative = (*text)[at] == '-';
    if (negative || (*text)[at] == '+') ++at;
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    std::int64_t number = 0;
    for (; at < text->size() && (*text)[at] >= '0' && (*text)[at] <= '9'; ++at) {
        const int digit = (*text)[at] - '0';
        number = number > (most - digit) / 10 ? most : number * 10 + digit;
    }
    return negative ? -number : number;
}

}  // namespace

Result<SessionCookies> choose_cookies_with(
    const token::Verifier* known, const Instance& instance, std::string_view header, Instant now)
{
    auto texts = find_texts(instance, header);
    if (!texts) return texts.error();
    // Where both sets say the same there is nothing to choose, nor to decode.
    const bool same =
        texts->plain_session == texts->suffixed_session && texts->plain_uat == texts->suffixed_uat;
    const bool suffixed = same ? texts->suffixed_uat.has_value()
                               : choose_set(known, instance, *texts, now) == Set::suffixed;
    SessionCookies chosen;
    chosen.suffixed = suffixed;
    chosen.session = std::move(suffixed ? texts->suffixed_session : texts->plain_session);
    chosen.client_uat = leading_integer(suffixed ? texts->suffixed_uat : texts->plain_uat);
    return chosen;
}

Result<SessionCookies> choose_cookies(
    const Instance& instance, std::string_view header, Instant now)
{
    return choose_cookies_with(nullptr, instance, header, now);
}

}  // namespace orggate::clerk
