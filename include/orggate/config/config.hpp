// What the operator asked for: plain values with units and defaults, immutable once
// loaded. Every key is explained in conf/orggate.yaml.

#pragma once

#include "orggate/clerk/instance.hpp"
#include "orggate/http/client_address.hpp"
#include "orggate/http/denial_reply.hpp"
#include "orggate/http/head_scan.hpp"
#include "orggate/http/managed_fields.hpp"
#include "orggate/http/quota_fields.hpp"
#include "orggate/http/upstream_head.hpp"
#include "orggate/limit/quota.hpp"
#include "orggate/observe/counters.hpp"
#include "orggate/observe/log.hpp"
#include "orggate/policy/rule.hpp"
#include "orggate/policy/tenants.hpp"
#include "orggate/time.hpp"
#include "orggate/token/verify.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace orggate::config {

// host:port, or unix:/path
struct Address {
    std::string host;
    std::uint16_t port = 0;
    std::string unix_path;  // then host and port are unused
    bool is_unix() const { return !unix_path.empty(); }
};

struct ServerTls {
    std::string cert_file, key_file, client_ca_file;
};

struct ClientTls {
    std::string ca_file;      // empty: the system's store
    std::string server_name;  // empty: the URL's host
    std::string cert_file, key_file;
};

// Seconds a wait may take, each one of them a deadline.
struct Timeouts {
    Milliseconds client_head{10'000};  // from the first byte of a head to its blank line
    Milliseconds client_idle{75'000};  // between requests
    Milliseconds body_gap{
        30'000};  // between two pieces of a request body, or of progress writing to a client
    Milliseconds upstream_connect{1'000};
    Milliseconds upstream_head{60'000};  // from the request sent to the answer's head
    Milliseconds stream_idle{300'000};   // between two pieces of an answer
    Milliseconds upstream_idle{4'000};   // a pooled connection; below Node's 5 s
};

struct Upstream {
    std::string name;
    bool is_tls = false;
    Address address;
    std::string authority;  // as in the URL, for X-Forwarded and SNI defaults
    ClientTls tls;
    std::optional<http::Credentials> credentials;  // empty: the global setting
    struct Health {
        std::string path;  // empty: a TCP connect is enough
        int status_from = 200, status_to = 399;
        Milliseconds interval{2'000};
    } health;
};

struct Clerk {
    std::string publishable_key, secret_key;  // empty: not set
    clerk::Instance instance;
    std::string jwt_key_pem;  // not empty: no network at all
    token::Expectations expectations;
    std::string jwks_url;                   // where keys come from, unless PEM
    bool jwks_needs_secret = false;         // Clerk's API: Authorization: Bearer <secret key>
    std::string jwks_ca_file;               // empty: the system's store
    Milliseconds jwks_refresh{300'000};     // between fetches that went well
    Milliseconds jwks_max_age{86'400'000};  // keys older than this are no longer used
    http::Pages pages;
};

// What a route changes of the global settings, by Rule::index.
struct RouteSettings {
    std::size_t upstream = 0;  // index into Config::upstreams
    Timeouts timeouts;
    std::optional<std::uint64_t> max_body;  // bytes; empty: unlimited
};

struct Cors {
    http::Cors allowed;
    enum class Preflight { forward, answer, refuse } preflight = Preflight::forward;
};

struct WebSocket {
    Milliseconds max_age{3'600'000}, idle{600'000};
};

struct Assertion {
    std::string audience, key_pem;  // EC P-256 or Ed25519 private key
    Milliseconds lifetime{60'000};
};

struct Log {
    observe::LogOptions options;
    bool access = true;
    bool full_path = true;  // false: the route's name instead of the path
};

// What all rates of a limit have in common, those that tenants are given included.
struct RateTerms {
    limit::Algorithm algorithm = limit::Algorithm::window;
    std::int64_t burst = 0;  // of a bucket; 0: the units of each rate
    Microseconds lease{};    // 0: exact
};

struct Redis {
    enum class Topology { single, sentinel, cluster } topology = Topology::single;
    std::vector<Address> addresses;  // the server; the Sentinels; nodes of the Cluster
    std::string master;              // the primary's name among Sentinels
    int database = 0;                // 0 in a Cluster
    std::string username, password;  // empty: none
    std::string sentinel_username, sentinel_password;
    bool is_tls = false;        // the Sentinels too
    ClientTls tls;              // server_name: verified against every node
    std::string name_space;     // of all keys, "og:…"
    Milliseconds deadline{25};  // of one check, 5 to 250
    int fleet = 1;              // processes that share the limits, at least
    std::string fleet_dns;      // host:port whose addresses are counted; empty: presence in Redis
};

// Per client address, in this process, before any token is read.
struct Clients {
    std::optional<limit::Quota> unauthenticated;  // requests without any token
    std::optional<limit::Quota> refused;          // answers that refused
    std::optional<std::size_t> connections;
    // Not applied to private addresses: nobody said which proxies to trust, so such an
    // address is more likely everybody's than somebody's.
    bool spares_private = false;
};

struct Admin {
    Address address;
    bool is_default = false;  // then a socket that can't be made is a warning
    std::string token;        // TCP: must be presented
};

struct Config {
    std::string file;  // where it came from; empty: the environment
    std::vector<Address> listen;
    std::optional<Address> telemetry;
    int workers = 1;  // resolved
    std::optional<ServerTls> tls;
    std::vector<std::string> public_origins;
    std::vector<std::string> hosts;  // lower case; empty: any
    std::vector<http::Network> trusted_proxies;
    std::vector<Upstream> upstreams;  // the first is the default
    http::Credentials credentials = http::Credentials::session;
    Clerk clerk;
    std::vector<std::shared_ptr<const limit::Limit>> limits;
    std::vector<RateTerms> limit_terms;  // as limits
    policy::Tenants tenants;             // of this file alone
    std::string tenants_file;            // empty: none; its content is read apart (load_tenants)
    std::optional<Redis> redis;
    Clients clients;
    std::optional<Admin> admin;
    policy::RuleTable rules;
    std::vector<RouteSettings> routes;  // as rules.rules()
    Cors cors;
    WebSocket websocket;
    http::HeaderNames headers;
    http::QuotaFieldForms rate_limit_headers;
    http::HeadLimits head_limits;
    Timeouts timeouts;
    Milliseconds drain_delay{10'000}, drain_timeout{30'000};
    bool unready_at_once = false;
    Log log;
    observe::CounterNames names;  // routes, upstreams, limits; metrics.org_labels, top
    std::optional<Assertion> assertion;
    std::size_t max_connections = 16'384;  // per process; one more is answered 503
};

}  // namespace orggate::config
