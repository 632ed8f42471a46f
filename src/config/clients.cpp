// How much one client address may do before anybody knows who it is.

#include "config/sections.hpp"
#include "config/text.hpp"

#include <string>
#include <utility>

namespace orggate::config {

namespace {

// Not a name of a limit: those have no dot.
constexpr std::string_view unauthenticated_name = "clients.unauthenticated";
constexpr std::string_view refused_name = "clients.refused";

limit::Quota per_minute(std::int64_t units, std::string_view name)
{
    return {.units = units, .window = std::chrono::minutes(1), .name = std::string(name)};
}

void read_client_rate(Reader& reader, const Value& at, std::optional<limit::Quota>& quota)
{
    constexpr std::string_view form = "a rate such as 300/1m, or off";
    const auto text = reader.text(at, form);
    if (!text) return;
    if (*text == "off") return quota.reset();
    auto read = read_rate(reader, {at, *text}, form, {});
    if (!read) return;
    read->name = std::move(quota->name);
    quota = std::move(*read);
}

void read_connections(Reader& reader, const Value& at, std::optional<std::size_t>& most)
{
    constexpr std::string_view form = "a whole number from 1 to 1000000, or off";
    const auto text = reader.text(at, form);
    if (!text) return;
    if (*text == "off") return most.reset();
    const auto number = parse_integer(*text);
    if (!number || *number < 1 || *number > 1'000'000) return reader.expected(at, form);
    most = static_cast<std::size_t>(*number);
}

}  // namespace

void read_clients(Reader& reader, const Map& root, Config& config)
{
    auto& clients = config.clients;
    clients.unauthenticated = per_minute(300, unauthenticated_name);
    clients.refused = per_minute(600, refused_name);
    clients.connections = 512;
    clients.spares_private = !root["clients"] && config.trusted_proxies.empty();
    const auto at = root["clients"];
    if (at && at.node->text == "off")
        return reader.error(at, "found \"off\", expected a mapping; to turn it all off: "
                                "{ unauthenticated: off, refused: off, connections: off }");
    const Map map(reader, at, "clients");
    read_client_rate(reader, map["unauthenticated"], clients.unauthenticated);
    read_client_rate(reader, map["refused"], clients.refused);
    read_connections(reader, map["connections"], clients.connections);
}

}  // namespace orggate::config
