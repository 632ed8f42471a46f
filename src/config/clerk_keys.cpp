// Where the instance's signing keys come from: a PEM text, or the nearest key set.

#include "config/sections.hpp"
#include "config/text.hpp"

#include "orggate/token/key_set.hpp"

namespace orggate::config {

namespace {

// It goes into a header field: letters, digits and few others, nothing that ends a line.
bool is_secret_key(std::string_view text)
{
    const bool has_prefix = text.starts_with("sk_live_") || text.starts_with("sk_test_") ||
                            text.starts_with("live_") || text.starts_with("test_");
    return has_prefix &&
           text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "_-+/=.~") == std::string_view::npos;
}

void read_secret_key(Reader& reader, const Map& clerk, Clerk& out)
{
    const auto secret = read_secret(reader, clerk, "secret_key", "secret_key_file", "a key");
    if (!secret) return;
    if (!is_secret_key(secret->text))
        return reader.error(
            secret->where, "expected Clerk's secret key, which starts with sk_live_ or sk_test_");
    out.secret_key = secret->text;
    const bool is_test = secret->text.starts_with("sk_test_") || secret->text.starts_with("test_");
    const bool wants_test = out.instance.type == clerk::InstanceType::development;
    if (is_test != wants_test && !out.publishable_key.empty())
        reader.warn(secret->where,
            "one of the keys is for production and the other for development; expected both of one "
            "instance");
}

void read_jwt_key(Reader& reader, const Map& clerk, Clerk& out)
{
    const auto key = read_secret(reader, clerk, "jwt_key", "jwt_key_file", "a key");
    if (!key) return;
    const auto parsed = token::KeySet::parse_pem(key->text);
    if (!parsed)
        return reader.error(key->where, "expected a PEM public key of RSA: " + parsed.error());
    out.jwt_key_pem = key->text;
}

// A base that keys are fetched from. Whoever can change these bytes can sign tokens.
std::optional<std::string> read_base(Reader& reader, const Value& at)
{
    const auto text = reader.text(at, "a URL such as https://api.clerk.com");
    if (!text) return std::nullopt;
    const auto url = parse_url(*text);
    if (!url || url->has_query) {
        reader.expected(at, "a URL such as https://api.clerk.com");
        return std::nullopt;
    }
    if (!url->is_https && !is_loopback(url->host)) {
        reader.error(at, "https is needed: clear text is accepted for loopback addresses only");
        return std::nullopt;
    }
    auto base = url->text;
    while (base.ends_with('/'))
        base.pop_back();
    return base;
}

}  // namespace

void read_clerk_keys(Reader& reader, const Map& clerk, Clerk& out)
{
    read_secret_key(reader, clerk, out);
    read_jwt_key(reader, clerk, out);
    const auto api = read_base(reader, clerk["api_url"]).value_or("https://api.clerk.com");
    const auto frontend = read_base(reader, clerk["frontend_api_url"])
                              .value_or("https://" + out.instance.frontend_host);
    const auto jwks = read_base(reader, clerk["jwks_url"]);
    if (reader.file(clerk["jwks_ca_file"])) out.jwks_ca_file = *reader.text(clerk["jwks_ca_file"]);
    if (!out.jwt_key_pem.empty()) return;
    if (jwks) {
        out.jwks_url = *jwks;
    } else if (!out.secret_key.empty()) {
        out.jwks_url = api + "/v1/jwks";
        out.jwks_needs_secret = true;
    } else {
        out.jwks_url = frontend + "/.well-known/jwks.json";
    }
}

}  // namespace orggate::config
