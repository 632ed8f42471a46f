// Who is in front of us, and where we listen.

#include "config/sections.hpp"
#include "config/text.hpp"

#include <algorithm>

namespace orggate::config {

namespace {

constexpr int most_auto_workers = 4;  // without a CPU limit a large node would give every pod 64

std::optional<Address> read_address(Reader& reader, const Text& text)
{
    const auto address = parse_listen_address(text.text);
    if (!address) reader.expected(text.where, "an address such as 0.0.0.0:8080 or unix:/path");
    return address;
}

void read_listen(Reader& reader, const Map& root, Config& config)
{
    for (const auto& text : reader.texts(root["listen"], "an address or a list of addresses")) {
        const auto address = read_address(reader, text);
        if (!address) continue;
        const bool is_repeated = std::any_of(config.listen.begin(), config.listen.end(),
            [&](const Address& other) { return is_same(*address, other); });
        if (is_repeated) reader.error(text.where, "this address is listed twice");
        config.listen.push_back(*address);
    }
    if (!root["listen"]) config.listen.push_back({"0.0.0.0", 8080, {}});
    reader.refuse_empty(root["listen"], "at least one address");
}

void read_telemetry_listener(Reader& reader, const Map& root, Config& config)
{
    config.telemetry = Address{"0.0.0.0", 9090, {}};
    const auto at = root["telemetry"];
    const auto text = reader.text(at, "an address such as 0.0.0.0:9090, or off");
    if (!text) return;
    config.telemetry.reset();
    if (*text == "off") return;
    config.telemetry = parse_listen_address(*text);
    if (!config.telemetry) return reader.expected(at, "an address such as 0.0.0.0:9090, or off");
    for (const auto& other : config.listen)
        if (is_same(*config.telemetry, other))
            reader.error(
                at, "this is also the address of listen; probes and metrics need their own");
}

void read_workers(Reader& reader, const Map& root, Config& config)
{
    config.workers = std::clamp(reader.world().processors, 1, most_auto_workers);
    const auto at = root["workers"];
    const auto text = reader.text(at, "auto, or a number from 1 to 64");
    if (!text || *text == "auto") return;
    const auto number = parse_integer(*text);
    if (!number || *number < 1 || *number > 64)
        return reader.expected(at, "auto, or a number from 1 to 64");
    config.workers = static_cast<int>(*number);
}

void read_server_tls(Reader& reader, const Value& at, Config& config)
{
    if (!at) return;
    const Map tls(reader, at, "tls");
    ServerTls out;
    const auto read = [&](std::string_view key, std::string& path, bool is_needed) {
        if (tls && is_needed && !tls[key])
            reader.error(at, std::string(key) + " is missing: TLS needs cert_file and key_file");
        if (reader.file(tls[key])) path = *reader.text(tls[key]);
    };
    read("cert_file", out.cert_file, true);
    read("key_file", out.key_file, true);
    read("client_ca_file", out.client_ca_file, false);
    config.tls = out;
}

void read_public_origins(Reader& reader, const Map& root, Draft& draft)
{
    for (const auto& text : reader.texts(root["public_origin"], "an origin or a list of origins")) {
        const auto origin = read_origin(reader, text);
        if (!origin) continue;
        draft.config.public_origins.push_back(*origin);
        draft.origin_places.push_back(text.where);
    }
}

void read_hosts(Reader& reader, const Map& root, Config& config)
{
    for (const auto& text : reader.texts(root["hosts"], "a list of host names")) {
        if (!is_host_name(text.text))
            reader.expected(text.where, "a host name without port, such as app.example.com");
        config.hosts.push_back(to_lower(text.text));
    }
    reader.refuse_empty(root["hosts"], "at least one host name");
}

bool is_wide(const http::Network& network)
{
    // IPv4 is kept mapped into IPv6, behind 96 bits.
    const bool is_v4 = network.prefix >= 96 && network.address[10] == 0xFF &&
                       network.address[11] == 0xFF && network.address[0] == 0;
    return network.prefix < (is_v4 ? 96 + 16 : 32);
}

void read_trusted_proxies(Reader& reader, const Map& root, Config& config)
{
    for (const auto& text : reader.texts(root["trusted_proxies"], "a list of networks")) {
        const auto network = http::parse_network(text.text);
        if (!network) {
            reader.expected(text.where, "a network such as 10.0.0.0/24 or fd00::/64");
            continue;
        }
        if (is_wide(*network))
            reader.warn(text.where,
                "wider than a /16 (IPv6: /32): everybody in it can claim any client address");
        config.trusted_proxies.push_back(*network);
    }
}

}  // namespace

std::optional<std::string> read_origin(Reader& reader, const Text& text)
{
    const auto url = parse_url(text.text);
    if (url && url->path.empty() && !url->has_query) return url->origin();
    reader.expected(
        text.where, "an origin such as https://app.example.com, with nothing behind it");
    return std::nullopt;
}

void read_listeners(Reader& reader, const Map& root, Draft& draft)
{
    auto& config = draft.config;
    read_listen(reader, root, config);
    read_telemetry_listener(reader, root, config);
    read_admin(reader, root, config);
    read_workers(reader, root, config);
    set(config.max_connections, reader.integer(root["max_connections"], {1, 1'000'000}));
    read_server_tls(reader, root["tls"], config);
    read_public_origins(reader, root, draft);
    read_hosts(reader, root, config);
    read_trusted_proxies(reader, root, config);
}

}  // namespace orggate::config
