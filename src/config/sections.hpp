// The parts of the configuration, one source file each. Every function reads its keys into
// the draft and leaves what is wrong with the reader.

#pragma once

#include "config/reader.hpp"
#include "config/url.hpp"
#include "orggate/config/config.hpp"

#include <map>
#include <string>
#include <vector>

namespace orggate::config {

// What is known of a rule beyond the rule itself, for warnings about it.
struct RulePlace {
    Value route;  // the route's mapping; empty for a default nobody wrote
    std::vector<std::pair<Value, std::string>> required_plans;  // bare, the organisation's
    std::map<std::string, Value, std::less<>> limits;           // by name
};

// A page of ours or theirs that browsers are sent to.
struct PagePlace {
    Value where;
    std::string url;
};

struct Draft {
    Config config;
    std::vector<policy::Rule> rules;     // the default last
    std::vector<RulePlace> rule_places;  // as `rules`
    std::vector<std::pair<std::string, Value>> limit_places;
    std::vector<Value> origin_places;               // as Config::public_origins
    Value redis_without_fleet;                      // it says nothing of how many share
    std::optional<std::uint64_t> default_max_body;  // http.body; empty: unlimited
    PagePlace sign_in, tasks, choose_org, forbidden;
};

// listeners.cpp: listen telemetry workers max_connections tls public_origin hosts
// trusted_proxies
void read_listeners(Reader& reader, const Map& root, Draft& draft);

// admin.cpp: admin admin_token_file. After the other listeners.
void read_admin(Reader& reader, const Map& root, Config& config);

// upstreams.cpp: upstream upstreams credentials. After listeners.
void read_upstreams(Reader& reader, const Map& root, Draft& draft);
std::optional<http::Credentials> read_credentials(Reader& reader, const Value& at);
// The upstream of this name, or a problem.
std::optional<std::size_t> find_upstream(Reader& reader, const Value& at, const Config& config);

// A `tls` mapping for connections of ours; `section` is its path in the schema.
ClientTls read_client_tls(Reader& reader, const Value& at, std::string_view section);

// secret.cpp: a secret given as `key` or as the file `file_key`; blanks around it do not
// belong to it, and none is left empty.
struct Secret {
    Value where;
    std::string text;
};
std::optional<Secret> read_secret(Reader& reader, const Map& map, std::string_view key,
    std::string_view file_key, std::string_view what);
std::string trimmed(std::string_view text);

// clerk.cpp and clerk_keys.cpp. After listeners.
void read_clerk(Reader& reader, const Map& root, Draft& draft);
void read_clerk_keys(Reader& reader, const Map& clerk, Clerk& out);

// redis.cpp: redis. After clerk.
void read_redis(Reader& reader, const Map& root, Draft& draft);

// clients.cpp: clients. After listeners.
void read_clients(Reader& reader, const Map& root, Config& config);

// limits.cpp: limits; tenants.cpp: tenants bypass tenants_file. In this order.
void read_limits(Reader& reader, const Map& root, Draft& draft);
void read_tenants(Reader& reader, const Map& root, Draft& draft);

// rates.cpp: one rate under these terms, without its name, or a problem that shows `form`.
std::optional<limit::Quota> read_rate(
    Reader& reader, const Text& text, std::string_view form, const RateTerms& terms);
// A rate or a list of them for the limit of this name. Empty after a problem. `limits` are
// the names of all limits: no rate may be called as another limit is.
std::vector<limit::Quota> read_rates(Reader& reader, const Value& at, std::string_view limit,
    const RateTerms& terms, const std::vector<std::string>& limits);
// The most that one request may weigh.
std::int64_t most_at_once(const limit::Quota& quota);

// Settings of organisations, wherever they stand.
enum class UnknownLimits { refuse, pass_over };
using TenantMap = std::map<std::string, policy::Tenant, std::less<>>;
policy::Tenant read_tenant(
    Reader& reader, const Value& at, const Config& config, UnknownLimits unknown);
// `tenants` and `bypass` below `top`.
TenantMap read_tenant_map(Reader& reader, const Map& top, const Config& config);

// routes.cpp: default routes. After everything they name.
void read_routes(Reader& reader, const Map& root, Draft& draft);
// demands.cpp: a route's `require`.
std::vector<policy::Demand> read_demands(Reader& reader, const Value& at, RulePlace& place);
// route_paths.cpp: a route's `paths` and `preset`.
std::vector<policy::Pattern> read_paths(
    Reader& reader, const Map& route, policy::PatternOptions options);

// traffic.cpp: http cors websocket rate_limit_headers drain
void read_traffic(Reader& reader, const Map& root, Draft& draft);
// A `timeouts` mapping: the keys that `section` of the schema has.
void read_timeouts(Reader& reader, const Value& at, std::string_view section, Timeouts& out);
std::optional<std::optional<std::uint64_t>> read_body_limit(Reader& reader, const Value& at);

// headers.cpp: headers assertion
void read_headers(Reader& reader, const Map& root, Draft& draft);

// telemetry.cpp: log metrics
void read_telemetry(Reader& reader, const Map& root, Draft& draft);

// warnings.cpp: what is allowed but probably not meant. After everything, without errors.
void find_warnings(Reader& reader, const Draft& draft);

// Sorted, each once, with the file they are in.
std::vector<Problem> in_file_order(std::vector<Problem> problems, const std::string& file);

// An origin as browsers write it, `https://app.example.com`, or a problem.
std::optional<std::string> read_origin(Reader& reader, const Text& text);

}  // namespace orggate::config
