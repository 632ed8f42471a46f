// The Clerk instance, what its tokens must say, and the pages browsers are sent to.

#include "config/sections.hpp"
#include "config/text.hpp"

#include <algorithm>

namespace orggate::config {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view clear_text =
    "https is needed: clear text is accepted for loopback addresses only";

std::optional<Url> read_url(Reader& reader, const Value& at)
{
    const auto text = reader.text(at, "an absolute URL such as https://example.com/page");
    if (!text) return std::nullopt;
    auto url = parse_url(*text);
    if (!url) reader.expected(at, "an absolute URL such as https://example.com/page");
    return url;
}

void read_publishable_key(Reader& reader, const Map& clerk, Draft& draft)
{
    const auto at = clerk["publishable_key"];
    if (!at)
        return reader.error(clerk.where(), "publishable_key is missing: pk_live_… or pk_test_…");
    const auto key = reader.text(at, "a key that starts with pk_live_ or pk_test_");
    if (!key) return;
    const auto instance = clerk::parse_publishable_key(*key);
    if (!instance && key->starts_with("sk_"))
        return reader.error(at, "this is a secret key; expected the one with pk_live_ or pk_test_");
    if (!instance)
        return reader.expected(
            at, "Clerk's publishable key, which starts with pk_live_ or pk_test_");
    draft.config.clerk.publishable_key = *key;
    draft.config.clerk.instance = *instance;
}

struct Satellite {
    bool is_on = false;
    std::string domain;
    std::optional<Url> proxy;
};

Satellite read_satellite(Reader& reader, const Map& clerk)
{
    Satellite out;
    set(out.is_on, reader.boolean(clerk["satellite"]));
    const auto domain = clerk["domain"];
    if (const auto text = reader.text(domain, "a domain such as example.com")) {
        if (!is_host_name(*text)) reader.expected(domain, "a domain such as example.com");
        out.domain = *text;
    }
    out.proxy = read_url(reader, clerk["proxy_url"]);
    if (out.proxy && !out.proxy->is_https && !is_loopback(out.proxy->host))
        reader.error(clerk["proxy_url"], clear_text);
    if (out.is_on && !domain && !clerk["proxy_url"])
        reader.error(clerk["satellite"], "a satellite needs domain or proxy_url");
    if (out.is_on && !clerk["sign_in_url"])
        reader.error(
            clerk["satellite"], "a satellite needs sign_in_url, a page of the primary domain");
    return out;
}

// Clerk writes the issuer without a slash at the end.
std::string as_issuer(const Url& url)
{
    auto text = url.text;
    while (text.ends_with('/'))
        text.pop_back();
    return text;
}

std::vector<std::string> automatic_issuers(const Clerk& clerk, const Satellite& satellite)
{
    std::vector<std::string> issuers;
    // The SDK ignores the domain of a development instance.
    const bool is_own_domain = satellite.is_on && !satellite.domain.empty() &&
                               clerk.instance.type == clerk::InstanceType::production;
    issuers.push_back(
        "https://" + (is_own_domain ? "clerk." + satellite.domain : clerk.instance.frontend_host));
    if (satellite.proxy) issuers.push_back(as_issuer(*satellite.proxy));
    return issuers;
}

void read_issuer(Reader& reader, const Map& clerk, const Satellite& satellite, Clerk& out)
{
    auto& issuers = out.expectations.issuers;
    const auto at = clerk["issuer"];
    const auto texts = reader.texts(at, "auto, unchecked, or a list of URLs");
    const bool is_word = texts.size() == 1 && at.node->kind == Node::Kind::scalar;
    if (!at || (is_word && texts[0].text == "auto")) {
        issuers = automatic_issuers(out, satellite);
        return;
    }
    if (is_word && texts[0].text == "unchecked")
        return reader.warn(at, "tokens of any issuer are accepted, if one of our keys signed them");
    for (const auto& text : texts) {
        const auto url = parse_url(text.text);
        if (!url || url->has_query)
            reader.expected(text.where, "auto, unchecked, or a list of URLs");
        else if (!url->is_https && !is_loopback(url->host))
            reader.error(text.where, clear_text);
        else
            issuers.push_back(text.text);
    }
    // No issuer at all would mean that none is checked.
    reader.refuse_empty(at, "auto, unchecked, or a list of URLs");
}

// `azp` is compared as text; apps outside browsers have schemes of their own.
bool is_party(std::string_view text)
{
    const auto scheme = text.find("://");
    if (scheme == std::string_view::npos || scheme == 0) return false;
    const auto rest = text.substr(scheme + 3);
    return !rest.empty() && rest.find_first_of("/?#@ \t") == std::string_view::npos;
}

void read_authorized_parties(Reader& reader, const Map& clerk, Config& config)
{
    auto& parties = config.clerk.expectations.authorized_parties;
    const auto at = clerk["authorized_parties"];
    for (const auto& text : reader.texts(at, "a list of origins")) {
        if (!is_party(text.text))
            reader.expected(
                text.where, "an origin such as https://app.example.com, with nothing behind it");
        parties.push_back(text.text);
    }
    reader.refuse_empty(at, "at least one origin");
    if (at) return;
    parties = config.public_origins;
    if (parties.empty())
        reader.warn(clerk.where(),
            "tokens made for any web site of this instance are accepted; set public_origin or "
            "authorized_parties");
}

// In front of a query, if the page has one.
std::string with_path(const std::string& url, std::string_view path)
{
    const auto query = std::min(url.find('?'), url.size());
    auto page = url.substr(0, query);
    while (page.ends_with('/'))
        page.pop_back();
    return page + std::string(path) + url.substr(query);
}

void read_pages(Reader& reader, const Map& clerk, Draft& draft)
{
    auto& out = draft.config.clerk;
    const auto page = [&](std::string_view key, PagePlace& place) {
        place.where = clerk[key];
        if (const auto url = read_url(reader, place.where)) place.url = url->text;
    };
    page("sign_in_url", draft.sign_in);
    page("tasks_url", draft.tasks);
    page("choose_org_url", draft.choose_org);
    page("forbidden_url", draft.forbidden);
    if (!draft.sign_in.where) {
        draft.sign_in.url = out.instance.account_portal + "/sign-in";
        const bool has_portal = out.instance.frontend_host.find("clerk.") != std::string::npos;
        if (!has_portal && !out.publishable_key.empty())
            reader.warn(
                clerk.where(), "this instance has no account portal of its own; set sign_in_url");
    }
    if (!draft.tasks.where) {
        draft.tasks.url = with_path(draft.sign_in.url, "/tasks");
        draft.tasks.where.node = draft.sign_in.where.node;
    }
    out.pages = {draft.sign_in.url, draft.tasks.url, draft.choose_org.url, draft.forbidden.url};
}

}  // namespace

void read_clerk(Reader& reader, const Map& root, Draft& draft)
{
    const auto at = root["clerk"];
    if (!at) return reader.error(Place{}, "clerk", "missing: at least publishable_key");
    const Map clerk(reader, at, "clerk");
    if (!clerk) return;
    auto& out = draft.config.clerk;
    read_publishable_key(reader, clerk, draft);
    const auto satellite = read_satellite(reader, clerk);
    read_issuer(reader, clerk, satellite, out);
    read_authorized_parties(reader, clerk, draft.config);
    set(out.expectations.clock_skew, reader.duration(clerk["clock_skew"], {0s, 5min}));
    read_pages(reader, clerk, draft);
    read_clerk_keys(reader, clerk, out);
}

}  // namespace orggate::config
