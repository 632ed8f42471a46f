// Who is behind us.

#include "config/sections.hpp"
#include "config/text.hpp"

#include <algorithm>

namespace orggate::config {

namespace {

constexpr std::string_view url_form =
    "http://host:port, https://host:port or unix:/path, with nothing behind it";

std::optional<Upstream> parse_upstream(std::string_view text)
{
    Upstream out;
    if (text.starts_with("unix:")) {
        const auto address = parse_listen_address(text);
        if (!address) return std::nullopt;
        out.address = *address;
        out.authority = "localhost";
        return out;
    }
    const auto url = parse_url(text);
    if (!url || (!url->path.empty() && url->path != "/") || url->has_query) return std::nullopt;
    out.is_tls = url->is_https;
    out.address = {url->host, url->port, {}};
    out.authority = url->authority();
    return out;
}

bool is_any_address(std::string_view host)
{
    return host == "0.0.0.0" || host == "::";
}

// Whether connecting to `upstream` could reach our own listener.
bool reaches(const Address& upstream, const Address& listener)
{
    if (upstream.is_unix() || listener.is_unix()) return upstream.unix_path == listener.unix_path;
    if (upstream.port != listener.port) return false;
    const bool is_local = is_loopback(upstream.host) || is_any_address(upstream.host);
    if (is_any_address(listener.host)) return is_local;
    return upstream.host == listener.host ||
           (upstream.host == "localhost" && is_loopback(listener.host)) ||
           (is_any_address(upstream.host) && is_loopback(listener.host));
}

void check_no_loop(Reader& reader, const Value& at, const Address& upstream, const Config& config)
{
    for (const auto& listener : config.listen)
        if (reaches(upstream, listener))
            return reader.error(at, "this is our own listener; requests would go round in circles");
    if (config.telemetry && reaches(upstream, *config.telemetry))
        return reader.error(at, "this is our own telemetry listener");
    if (config.admin && reaches(upstream, config.admin->address))
        reader.error(at, "this is our own admin listener");
}

std::optional<Upstream> read_url(Reader& reader, const Value& at, const Config& config)
{
    const auto text = reader.text(at, url_form);
    if (!text) return std::nullopt;
    auto upstream = parse_upstream(*text);
    if (!upstream && text->find('@') != std::string::npos)
        reader.error(at, "expected " + std::string(url_form) + "; no user and no password");
    else if (!upstream)
        reader.expected(at, url_form);
    else
        check_no_loop(reader, at, upstream->address, config);
    return upstream;
}

void read_status(Reader& reader, const Value& at, Upstream::Health& health)
{
    constexpr std::string_view form = "a status such as 204, or a range such as 200-399";
    const auto text = reader.text(at, form);
    if (!text) return;
    const auto dash = text->find('-');
    const auto from = parse_integer(std::string_view(*text).substr(0, dash));
    const auto to =
        dash == std::string::npos ? from : parse_integer(std::string_view(*text).substr(dash + 1));
    if (!from || !to || *from < 100 || *to > 599 || *from > *to) return reader.expected(at, form);
    health.status_from = static_cast<int>(*from);
    health.status_to = static_cast<int>(*to);
}

void read_health(Reader& reader, const Value& at, Upstream::Health& health)
{
    const Map map(reader, at, "upstreams.*.health");
    if (auto path = reader.text(map["path"], "a path such as /healthz")) {
        const bool is_path =
            path->starts_with('/') &&
            std::all_of(path->begin(), path->end(), [](char c) { return c > ' ' && c < 0x7F; });
        if (!is_path) reader.expected(map["path"], "a path such as /healthz");
        health.path = std::move(*path);
    }
    read_status(reader, map["status"], health);
    using namespace std::chrono_literals;
    set(health.interval, reader.duration(map["interval"], {100ms, 1h}));
}

void read_upstream_tls(Reader& reader, const Value& at, Upstream& upstream)
{
    upstream.tls = read_client_tls(reader, at, "upstreams.*.tls");
    if (at && !upstream.is_tls) reader.error(at, "only an https URL uses TLS");
}

std::optional<Upstream> read_upstream(Reader& reader, const NamedValue& entry, const Config& config)
{
    const Map map(reader, entry.value, "upstreams.*");
    if (map && !map["url"]) reader.error(entry.place, entry.value.key, "url is missing");
    auto upstream = read_url(reader, map["url"], config);
    if (!upstream) return std::nullopt;
    read_health(reader, map["health"], upstream->health);
    upstream->credentials = read_credentials(reader, map["credentials"]);
    read_upstream_tls(reader, map["tls"], *upstream);
    return upstream;
}

void read_named(Reader& reader, const Map& root, Config& config)
{
    for (const auto& entry : reader.entries(root["upstreams"], "a mapping of name to upstream")) {
        if (!is_plain_name(entry.name)) {
            reader.error(entry.place, "upstreams",
                "found the name " + shown(entry.name) + ", expected a name of a-z 0-9 _ -");
            continue;
        }
        auto upstream = read_upstream(reader, entry, config);
        if (!upstream) continue;
        upstream->name = entry.name;
        if (entry.name == "default" && root["upstream"])
            reader.error(entry.place, entry.value.key, "upstream already gives the default");
        // The default stands first, wherever it was written.
        const auto at = entry.name == "default" ? config.upstreams.begin() : config.upstreams.end();
        config.upstreams.insert(at, std::move(*upstream));
    }
}

}  // namespace

ClientTls read_client_tls(Reader& reader, const Value& at, std::string_view section)
{
    ClientTls tls;
    const Map map(reader, at, section);
    const auto file = [&](std::string_view key, std::string& path) {
        if (reader.file(map[key])) path = *reader.text(map[key]);
    };
    file("ca_file", tls.ca_file);
    file("cert_file", tls.cert_file);
    file("key_file", tls.key_file);
    if (map && bool(map["cert_file"]) != bool(map["key_file"]))
        reader.error(at, "cert_file and key_file go together");
    if (const auto name = reader.text(map["server_name"], "a host name")) {
        if (!is_host_name(*name)) reader.expected(map["server_name"], "a host name");
        tls.server_name = *name;
    }
    return tls;
}

std::optional<http::Credentials> read_credentials(Reader& reader, const Value& at)
{
    return reader.choice<http::Credentials>(
        at, {{"session", http::Credentials::session}, {"none", http::Credentials::none},
                {"all", http::Credentials::all}});
}

std::optional<std::size_t> find_upstream(Reader& reader, const Value& at, const Config& config)
{
    const auto name = reader.text(at, "the name of an upstream");
    if (!name) return std::nullopt;
    const auto found = std::find_if(config.upstreams.begin(), config.upstreams.end(),
        [&](const Upstream& upstream) { return upstream.name == *name; });
    if (found != config.upstreams.end())
        return static_cast<std::size_t>(found - config.upstreams.begin());
    reader.expected(at, "the name of an upstream");
    return std::nullopt;
}

void read_upstreams(Reader& reader, const Map& root, Draft& draft)
{
    auto& config = draft.config;
    set(config.credentials, read_credentials(reader, root["credentials"]));
    if (auto upstream = read_url(reader, root["upstream"], config)) {
        upstream->name = "default";
        config.upstreams.push_back(std::move(*upstream));
    }
    read_named(reader, root, config);
    if (!root["upstream"] && !root["upstreams"])
        return reader.error(
            Place{}, "upstream", "missing: where requests go, such as http://127.0.0.1:3000");
    const auto at = root["upstreams"];
    if (at && at.node->kind == Node::Kind::map && at.node->entries.empty() && !root["upstream"])
        reader.error(at, "found no upstream, expected at least one");
    // Which of several is meant must not depend on their order in the file.
    const bool is_clear = config.upstreams.size() < 2 || config.upstreams.front().name == "default";
    const auto fallback = root["default"];
    const bool is_said = fallback && fallback.node->kind == Node::Kind::map &&
                         std::any_of(fallback.node->entries.begin(), fallback.node->entries.end(),
                             [](const Entry& entry) { return entry.key == "upstream"; });
    if (!is_clear && !is_said)
        reader.error(at, "name one of them default, or say default: { upstream: NAME }");
}

}  // namespace orggate::config
