// The names of the fields the app trusts.

#include "config/sections.hpp"
#include "config/text.hpp"

#include "orggate/http/assertion.hpp"

#include <algorithm>
#include <set>

namespace orggate::config {

namespace {

using namespace std::chrono_literals;

// Names that mean something to every HTTP server or to us: nobody's claim goes there.
constexpr std::string_view reserved[] = {
    // Framing and the connection.
    "content-length", "transfer-encoding", "content-encoding", "content-type", "content-range",
    "connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "expect", "host",
    "range", "via", "forwarded", "origin", "referer", "accept", "http2-settings",
    // Credentials.
    "authorization", "proxy-authorization", "proxy-authenticate", "www-authenticate", "cookie",
    "set-cookie",
    // What we write from the connection.
    "x-request-id", "traceparent", "tracestate", "x-forwarded-for", "x-forwarded-proto",
    "x-forwarded-host", "x-forwarded-port", "x-expected-org", "next-action"};

bool is_field_name(std::string_view text)
{
    return !text.empty() && text.size() <= 64 &&
           text.find_first_not_of(
               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") ==
               std::string_view::npos &&
           text.front() != '-' && text.back() != '-';
}

bool is_reserved(std::string_view name)
{
    const auto lower = to_lower(name);
    if (std::find(std::begin(reserved), std::end(reserved), lower) != std::end(reserved))
        return true;
    if (lower.starts_with("sec-")) return true;
    using enum http::FieldFate;
    const auto fate = http::request_field_fate(lower, http::default_header_names());
    return fate == hop || fate == remove || fate == refuse;
}

std::optional<http::Identity> find_identity(std::string_view name)
{
    for (std::size_t i = 0; i < http::identities; ++i) {
        const auto identity = static_cast<http::Identity>(i);
        if (http::same_name(name, http::default_field_name(identity))) return identity;
    }
    return std::nullopt;
}

// Keeps two values from ending up in one field.
class FieldNames {
public:
    explicit FieldNames(Reader& reader) : reader_(reader) {}

    // `raw` is the name as it stands in the file.
    void check(Place place, const std::string& key, std::string_view raw, const std::string& name)
    {
        if (!is_field_name(name))
            reader_.error(place, key,
                "found " + shown(raw) + ", expected a field name of letters, digits and hyphens");
        else if (is_reserved(name))
            reader_.error(place, key,
                shown(raw) + " is a framing, credential or proxy field; expected another name");
        else if (find_identity(name) || !taken_.insert(to_lower(name)).second)
            reader_.error(place, key, shown(raw) + " already carries another value");
    }

private:
    Reader& reader_;
    std::set<std::string> taken_;
};

void read_rename(Reader& reader, const Value& at, FieldNames& names, http::HeaderNames& out)
{
    for (const auto& entry : reader.entries(at, "a mapping of our names to others")) {
        const auto identity = find_identity(entry.name);
        if (!identity) {
            reader.error(entry.place, at.key,
                "found " + shown(entry.name) + ", expected one of our names such as X-Org-Id");
            continue;
        }
        const auto name = reader.text(entry.value, "a field name");
        if (!name) continue;
        if (http::same_name(*name, entry.name)) continue;
        names.check(entry.value.place(), entry.value.key, entry.value.node->text, *name);
        if (!out.renamed.emplace(*identity, *name).second)
            reader.error(entry.place, at.key, shown(entry.name) + " is renamed twice");
    }
}

bool is_claim_path(std::string_view path)
{
    const std::string probe = std::string(path) + "=";
    const auto* claim = policy::find_requirement("claim");
    return path.find('=') == std::string_view::npos &&
           !claim->accepts(std::span<const std::string>(&probe, 1));
}

void read_claims(Reader& reader, const Value& at, FieldNames& names, http::HeaderNames& out)
{
    for (const auto& entry : reader.entries(at, "a mapping of field name to claim")) {
        names.check(entry.place, at.key, entry.name, entry.name);
        const auto path = reader.text(entry.value, "a claim's dotted path");
        if (!path) continue;
        if (!is_claim_path(*path))
            reader.expected(entry.value, "a claim's dotted path, never through unsafe_metadata");
        out.claims.emplace(entry.name, *path);
    }
}

void read_key(Reader& reader, const Map& map, Assertion& out)
{
    const auto at = map["key"], file = map["key_file"];
    if (at && file) return reader.error(file, "key is given as well; expected one of the two");
    if (!at && !file) return reader.error(map.where(), "key_file is missing");
    const auto pem = at ? reader.text(at) : reader.file(file);
    if (!pem) return;
    out.key_pem = *pem;
    const auto signer =
        http::AssertionSigner::make({.audience = "app", .key_pem = *pem, .lifetime = 60s});
    if (!signer)
        reader.error(
            at ? at : file, "expected a PEM private key of EC P-256 or Ed25519: " + signer.error());
}

void read_assertion(Reader& reader, const Value& at, FieldNames& names, Config& config)
{
    if (!at) return;
    const Map map(reader, at, "assertion");
    if (!map) return;
    Assertion out;
    config.headers.assertion = "X-Org-Assertion";
    const auto header = map["header"];
    set(config.headers.assertion, reader.text(header, "a field name"));
    // The default's name may be taken as well, by a claim.
    names.check((header ? header : at).place(), header.key,
        header ? std::string_view(header.node->text) : "X-Org-Assertion", config.headers.assertion);
    if (!map["audience"]) reader.error(at, "audience is missing: who the assertion is for");
    set(out.audience, reader.text(map["audience"]));
    if (map["audience"] && out.audience.empty() && map["audience"].node->kind == Node::Kind::scalar)
        reader.expected(map["audience"], "who the assertion is for");
    read_key(reader, map, out);
    set(out.lifetime, reader.duration(map["lifetime"], {1s, 10min}));
    config.assertion = out;
}

}  // namespace

void read_headers(Reader& reader, const Map& root, Draft& draft)
{
    auto& out = draft.config.headers;
    FieldNames names(reader);
    const Map map(reader, root["headers"], "headers");
    read_rename(reader, map["rename"], names, out);
    read_claims(reader, map["claims"], names, out);
    using enum http::HeaderNames::OddNames;
    set(out.odd_names, reader.choice<http::HeaderNames::OddNames>(
                           map["odd_names"], {{"drop", drop}, {"refuse", refuse}}));
    read_assertion(reader, root["assertion"], names, draft.config);
}

}  // namespace orggate::config
