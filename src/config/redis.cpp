// Where the fleet shares its counters.

#include "config/sections.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <utility>

namespace orggate::config {

namespace {

using namespace std::chrono_literals;
using Topology = Redis::Topology;

constexpr std::uint16_t redis_port = 6379, sentinel_port = 26379;
constexpr std::int64_t most_databases = 65'536, most_fleet = 100'000;
constexpr std::size_t most_addresses = 64, most_name = 128;
constexpr std::string_view url_form =
    "redis://host:port/0, rediss://host:port/0 or unix:/path?db=0";
constexpr std::string_view name_characters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";

// Credentials do not belong into addresses: those are shown in logs and messages.
bool refuse_credentials(Reader& reader, const Value& at, std::string_view text)
{
    if (text.find('@') == std::string_view::npos) return false;
    reader.error(at, "no user and no password here; expected username and password_file, or "
                     "password: ${VAR}");
    return true;
}

std::optional<int> parse_database(std::string_view text)
{
    const auto number = parse_integer(text);
    if (!number || *number >= most_databases) return std::nullopt;
    return static_cast<int>(*number);
}

// unix:/path, or unix:/path?db=2
bool parse_unix_url(std::string_view text, Redis& redis)
{
    const auto query = std::min(text.find('?'), text.size());
    const auto address = parse_listen_address(text.substr(0, query));
    if (!address) return false;
    redis.addresses = {*address};
    const auto rest = text.substr(query);
    if (rest.empty()) return true;
    const auto database = rest.starts_with("?db=") ? parse_database(rest.substr(4)) : std::nullopt;
    redis.database = database.value_or(0);
    return database.has_value();
}

bool parse_redis_url(std::string_view text, Redis& redis)
{
    if (text.starts_with("unix:")) return parse_unix_url(text, redis);
    redis.is_tls = text.starts_with("rediss://");
    if (!redis.is_tls && !text.starts_with("redis://")) return false;
    text.remove_prefix(text.find("://") + 3);
    const auto slash = std::min(text.find('/'), text.size());
    const auto address = parse_host_port(text.substr(0, slash), redis_port);
    if (!address) return false;
    redis.addresses = {*address};
    const auto rest = text.substr(slash);
    if (rest.empty() || rest == "/") return true;
    const auto database = parse_database(rest.substr(1));
    redis.database = database.value_or(0);
    return database.has_value();
}

void read_url(Reader& reader, const Value& at, Redis& redis)
{
    const auto text = reader.text(at, url_form);
    if (!text || refuse_credentials(reader, at, *text)) return;
    if (parse_redis_url(*text, redis)) return;
    // Not shown: what is no address may be a password, whatever stands around it.
    reader.error(at, "expected " + std::string(url_form));
}

void read_addresses(
    Reader& reader, const Map& map, std::uint16_t default_port, std::vector<Address>& out)
{
    const auto at = map["addresses"];
    if (map && !at) reader.error(map.where(), "addresses is missing: a list of host:port");
    reader.refuse_empty(at, "at least one host:port");
    const auto texts = reader.texts(at, "a list of host:port");
    if (texts.size() > most_addresses) reader.error(at, "expected at most 64 addresses");
    for (const auto& text : texts) {
        if (refuse_credentials(reader, text.where, text.text)) continue;
        const auto address = parse_host_port(text.text, default_port);
        if (!address) {
            reader.expected(text.where, "host:port or [ip]:port");
            continue;
        }
        const bool is_repeated = std::any_of(
            out.begin(), out.end(), [&](const Address& other) { return is_same(*address, other); });
        if (is_repeated) reader.error(text.where, "this address is listed twice");
        out.push_back(*address);
    }
}

// Files of this kind are kept in repositories, and read by many.
void warn_written_password(Reader& reader, const Value& at)
{
    if (at && at.node->text.find("${") == std::string::npos)
        reader.warn(at, "it is written out in this file; expected password_file, or ${VAR}");
}

void read_user(Reader& reader, const Map& map, std::string& username, std::string& password)
{
    const auto at = map["username"];
    if (auto name = reader.text(at, "a user name")) {
        const bool is_name =
            !name->empty() && name->size() <= most_name &&
            std::all_of(name->begin(), name->end(), [](char c) { return c > ' ' && c < 0x7F; });
        if (!is_name) reader.expected(at, "a user name of visible characters, at most 128");
        username = std::move(*name);
    }
    if (auto secret = read_secret(reader, map, "password", "password_file", "a password")) {
        password = std::move(secret->text);
        warn_written_password(reader, map["password"]);
    }
    if (at && !map["password"] && !map["password_file"])
        reader.error(at, "a user needs password_file, or password: ${VAR}");
}

void read_sentinel(Reader& reader, const Value& at, Redis& redis)
{
    const Map map(reader, at, "redis.sentinel");
    const auto master = map["master"];
    if (map && !master) reader.error(at, "master is missing: the name Sentinel knows it by");
    if (auto name = reader.text(master, "the name Sentinel knows the primary by")) {
        const bool is_name = !name->empty() && name->size() <= most_name &&
                             name->find_first_not_of(name_characters) == std::string::npos;
        if (!is_name) reader.expected(master, "a name of A-Z a-z 0-9 . _ : -");
        redis.master = std::move(*name);
    }
    read_addresses(reader, map, sentinel_port, redis.addresses);
    read_user(reader, map, redis.sentinel_username, redis.sentinel_password);
    redis.topology = Topology::sentinel;
}

void read_cluster(Reader& reader, const Value& at, Redis& redis)
{
    const Map map(reader, at, "redis.cluster");
    read_addresses(reader, map, redis_port, redis.addresses);
    redis.topology = Topology::cluster;
}

// Exactly one says where Redis is.
void read_topology(Reader& reader, const Map& map, Redis& redis)
{
    const auto url = map["url"], sentinel = map["sentinel"], cluster = map["cluster"];
    if (!url && !sentinel && !cluster)
        reader.error(map.where(), "one of url, sentinel and cluster is missing");
    if (url && (sentinel || cluster))
        reader.error(sentinel ? sentinel : cluster, "url is given as well; expected one of them");
    if (sentinel && cluster)
        reader.error(cluster, "sentinel is given as well; expected one of them");
    if (url)
        read_url(reader, url, redis);
    else if (sentinel)
        read_sentinel(reader, sentinel, redis);
    else if (cluster)
        read_cluster(reader, cluster, redis);
}

void read_tls(Reader& reader, const Map& map, Redis& redis)
{
    const auto at = map["tls"];
    if (!at) return;
    redis.tls = read_client_tls(reader, at, "redis.tls");
    if (redis.topology == Topology::single && !redis.is_tls && map["url"])
        return reader.error(at, "only a rediss URL uses TLS");
    redis.is_tls = true;
}

void warn_clear_password(Reader& reader, const Map& map, const Redis& redis)
{
    const bool is_near = std::all_of(redis.addresses.begin(), redis.addresses.end(),
        [](const Address& address) { return address.is_unix() || is_loopback(address.host); });
    if (redis.is_tls || is_near || redis.password.empty()) return;
    const auto at = map[map["password"] ? "password" : "password_file"];
    reader.warn(at, "it goes over the network in clear text; expected a rediss URL, or tls");
}

// Two Clerk instances must not share counters because they share a server.
void read_name_space(Reader& reader, const Value& at, const Clerk& clerk, Redis& redis)
{
    redis.name_space = "og:" + clerk.instance.frontend_host;
    auto name = reader.text(at, "a name of A-Z a-z 0-9 . _ : -");
    if (!name) return;
    const bool is_name = !name->empty() && name->size() <= most_name &&
                         name->find_first_not_of(name_characters) == std::string::npos;
    if (!is_name) reader.expected(at, "a name of A-Z a-z 0-9 . _ : -, at most 128");
    redis.name_space = std::move(*name);
}

void read_fleet(Reader& reader, const Map& map, Redis& redis)
{
    if (const auto fleet = reader.integer(map["fleet"], {1, most_fleet}))
        redis.fleet = static_cast<int>(*fleet);
    const auto at = map["fleet_dns"];
    const auto text = reader.text(at, "a host name, with a port or without");
    if (!text) return;
    const auto address = parse_host_port(*text, redis_port);
    if (!address || is_ip_address(address->host))
        return reader.expected(at, "a host name, with a port or without");
    redis.fleet_dns = address->host + ":" + std::to_string(address->port);
}

}  // namespace

void read_redis(Reader& reader, const Map& root, Draft& draft)
{
    const auto at = root["redis"];
    const Map map(reader, at, "redis");
    if (!map || at.node->entries.empty()) return;
    Redis redis;
    read_topology(reader, map, redis);
    read_user(reader, map, redis.username, redis.password);
    read_tls(reader, map, redis);
    read_name_space(reader, map["namespace"], draft.config.clerk, redis);
    set(redis.deadline, reader.duration(map["deadline"], {5ms, 250ms}));
    read_fleet(reader, map, redis);
    if (!map["fleet"] && !map["fleet_dns"]) draft.redis_without_fleet = at;
    warn_clear_password(reader, map, redis);
    draft.config.redis = std::move(redis);
}

}  // namespace orggate::config
