#include "config/schema.hpp"

#include <algorithm>
#include <array>

namespace orggate::config {

namespace {

struct Section {
    std::string_view path;
    std::vector<std::string_view> keys;
};

const std::vector<Section>& sections()
{
    static const std::vector<Section> all{
        {"", {"version", "listen", "telemetry", "admin", "admin_token_file", "workers",
                 "max_connections", "tls", "public_origin", "hosts", "trusted_proxies", "upstream",
                 "upstreams", "credentials", "clerk", "redis", "limits", "tenants", "bypass",
                 "tenants_file", "clients", "default", "routes", "cors", "websocket", "headers",
                 "rate_limit_headers", "http", "drain", "log", "metrics", "assertion"}},
        {"tls", {"cert_file", "key_file", "client_ca_file"}},
        {"upstreams.*", {"url", "health", "credentials", "tls"}},
        {"upstreams.*.health", {"path", "status", "interval"}},
        {"upstreams.*.tls", {"ca_file", "server_name", "cert_file", "key_file"}},
        {"clerk", {"publishable_key", "secret_key", "secret_key_file", "jwt_key", "jwt_key_file",
                      "jwks_url", "jwks_ca_file", "api_url", "frontend_api_url", "proxy_url",
                      "domain", "satellite", "issuer", "authorized_parties", "clock_skew",
                      "sign_in_url", "tasks_url", "choose_org_url", "forbidden_url"}},
        {"redis", {"url", "sentinel", "cluster", "username", "password", "password_file", "tls",
                      "namespace", "deadline", "fleet", "fleet_dns"}},
        {"redis.sentinel", {"master", "addresses", "username", "password", "password_file"}},
        {"redis.cluster", {"addresses"}},
        {"redis.tls", {"ca_file", "server_name", "cert_file", "key_file"}},
        {"limits.*", {"rate", "algorithm", "burst", "per", "otherwise", "plans", "concurrent",
                         "mode", "on_error", "shadow"}},
        {"clients", {"unauthenticated", "refused", "connections"}},
        {"tenants.*", {"bypass", "limits", "blocked", "until", "reason"}},
        {"default", {"access", "limits", "upstream"}},
        {"routes", {"name", "paths", "preset", "hosts", "methods", "access", "server_actions",
                       "websocket", "org_in_path", "require", "shadow", "tokens", "limits",
                       "when_refused", "upstream", "timeout", "timeouts", "body"}},
        {"routes.require", {"role", "permission", "feature", "plan", "scope", "claim", "reverified",
                               "not_impersonated"}},
        {"routes.require.reverified", {"within", "level"}},
        {"routes.timeouts", {"body_gap", "upstream_connect", "upstream_head", "stream_idle"}},
        {"cors", {"origins", "preflight"}},
        {"websocket", {"max_age", "idle"}},
        {"headers", {"rename", "claims", "odd_names"}},
        {"http", {"head", "target", "body", "timeouts"}},
        {"http.timeouts", {"client_head", "client_idle", "body_gap", "upstream_connect",
                              "upstream_head", "stream_idle", "upstream_idle"}},
        {"drain", {"delay", "timeout", "unready"}},
        {"log", {"level", "format", "access", "path"}},
        {"metrics", {"org_labels", "top"}},
        {"assertion", {"header", "audience", "key_file", "key", "lifetime"}},
    };
    return all;
}

}  // namespace

const std::vector<std::string_view>& keys_of(std::string_view path)
{
    static const std::vector<std::string_view> none, of_tenants_file{"tenants", "bypass"};
    if (path == tenants_file_section) return of_tenants_file;
    const auto& all = sections();
    const auto found = std::find_if(
        all.begin(), all.end(), [&](const Section& section) { return section.path == path; });
    return found == all.end() ? none : found->keys;
}

bool has_free_keys(std::string_view path)
{
    constexpr std::array<std::string_view, 9> free{"upstreams", "limits", "limits.*.plans",
        "tenants", "tenants.*.limits", "routes.limits", "routes.require.claim", "headers.rename",
        "headers.claims"};
    return std::find(free.begin(), free.end(), path) != free.end();
}

std::vector<std::string> all_key_paths()
{
    std::vector<std::string> paths;
    for (const auto& section : sections())
        for (const auto key : section.keys)
            paths.push_back(section.path.empty()
                                ? std::string(key)
                                : std::string(section.path) + "." + std::string(key));
    return paths;
}

}  // namespace orggate::config
