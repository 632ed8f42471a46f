#include "edge/steps.hpp"

#include "edge/limits.hpp"
#include "orggate/http/assertion.hpp"
#include "orggate/http/denial_reply.hpp"
#include "orggate/http/upstream_head.hpp"

#include <algorithm>
#include <utility>

namespace orggate::edge {
namespace {

std::string_view without_port(std::string_view host)
{
    const auto colon = host.rfind(':');
    const auto bracket = host.rfind(']');
    if (colon == host.npos || (bracket != host.npos && colon < bracket)) return host;
    return host.substr(0, colon);
}

bool is_one_of(const std::vector<std::string>& names, std::string_view name)
{
    return std::ranges::any_of(names, [&](const auto& n) { return http::same_name(n, name); });
}

bool is_our_host(const config::Config& config, std::string_view host)
{
    return config.hosts.empty() || is_one_of(config.hosts, host) ||
           is_one_of(config.hosts, without_port(host));
}

std::string_view without_scheme(std::string_view origin)
{
    const auto slashes = origin.find("://");
    return slashes == origin.npos ? origin : origin.substr(slashes + 3);
}

}  // namespace

Result<void> read_request(Exchange& x, std::string_view raw, const Peer& peer, Station& station)
{
    auto read = http::read_request_head(raw, x.head);
    if (!read) return read;
    x.has_head = true;
    const auto& config = x.config();
    x.client = http::identify_client(x.head, {peer.address, peer.is_tls}, config.trusted_proxies);
    x.address = http::limited_address(x.client.address);
    x.trace =
        http::make_trace(x.head, x.client.peer_is_trusted, station.random(), station.random());
    auto target = http::parse_target(x.head.method, x.head.target, x.head.host);
    if (!target) return target.error();
    x.target = std::move(*target);
    if (!is_our_host(config, x.head.host) || !is_our_host(config, x.client.host))
        return Denial::host_unknown;
    return Result<void>();
}

const policy::Rule& find_rule(const Exchange& x)
{
    return x.config().rules.find({
        .method = x.head.method,
        .host = x.head.host,
        .path = x.target.path,
        .is_server_action = x.head.has("next-action"),
        .is_websocket = x.head.is_websocket,
    });
}

std::optional<OwnAnswer> answer_here(const Exchange& x, const Station& station)
{
    OwnAnswer own;
    own.keep_alive =
        x.head.keep_alive && x.head.body == http::BodyKind::none && !station.is_draining;
    if (x.target.is_asterisk) {
        own.status = 200;
        own.bytes = http::make_options_reply(x.trace.request_id, own.keep_alive, x.now);
        return own;
    }
    const auto& cors = x.config().cors;
    if (cors.preflight != config::Cors::Preflight::answer || !http::is_preflight(x.head)) return {};
    own.bytes =
        http::make_preflight_reply(x.head, cors.allowed, x.trace.request_id, own.keep_alive, x.now);
    return own;
}

clerk::Decision decide(const Exchange& x, Station& station, clerk::Keys keys)
{
    const clerk::RequestFacts facts{x.head.authorization, x.head.cookies};
    return clerk::decide(x.config().clerk.instance, facts, station.verifier, keys, x.now);
}

namespace {

// Two that differ name no organisation at all.
std::optional<std::string_view> expected_org(const http::RequestHead& head)
{
    std::optional<std::string_view> expected;
    for (const auto& field : head.fields) {
        if (!http::same_name(field.name, "x-expected-org")) continue;
        if (expected && *expected != field.value) return std::string_view();
        expected = field.value;
    }
    return expected;
}

}  // namespace

Result<policy::Pass> authorize(const Exchange& x)
{
    const bool is_preflight = http::is_preflight(x.head);
    if (is_preflight && x.config().cors.preflight == config::Cors::Preflight::refuse)
        return Denial::preflight_refused;
    return policy::authorize({.rule = *x.rule,
                                 .decision = x.decision,
                                 .path = x.target.path,
                                 .expected_org = expected_org(x.head),
                                 .tenants = x.serving->tenants_now(),
                                 .address = x.address,
                                 .is_preflight = is_preflight},
        x.now);
}

Result<void> check_origin(const Exchange& x)
{
    const auto* signed_in = std::get_if<clerk::SignedIn>(&x.decision);
    const bool by_cookie = signed_in && signed_in->carrier == clerk::SignedIn::Carrier::cookie;
    if (!x.head.is_websocket || !by_cookie || !x.pass->session()) return Result<void>();
    const auto origin = x.head.find("origin");
    const auto& config = x.config();
    if (is_one_of(config.public_origins, origin) || is_one_of(config.cors.allowed.origins, origin))
        return Result<void>();
    // Without a configured origin: the page and the socket name the same host.
    const auto own = x.client.proto + "://" + x.client.host;
    if (config.public_origins.empty() && !origin.empty() && http::same_name(origin, own))
        return Result<void>();
    return Denial::origin_refused;
}

Result<void> announce_tunnel(const Exchange& x, const Station& station)
{
    const auto* session = x.pass->session();
    if (!x.head.is_websocket || !session || !session->organisation) return Result<void>();
    const auto& org = session->organisation->id;
    const auto* tenant = station.serving->tenants_now().find(org, x.now);
    if (tenant && tenant->blocked) return Denial::blocked;
    if (x.seat) x.seat->tunnel_org = org;
    return Result<void>();
}

namespace {

// Nothing for nobody: a statement says who.
std::string sign_assertion(const Exchange& x, const Station& station)
{
    const auto* session = x.pass->session();
    if (!station.signer || !session) return {};
    const http::AssertedRequest request{.session = *session,
        .method = x.head.method,
        .host = x.head.host,
        .path = x.target.path,
        .query = x.target.query,
        .request_id = x.trace.request_id};
    return station.signer->sign(request, x.now);
}

}  // namespace

Result<std::string> compose_upstream_head(Exchange& x, Station& station)
{
    const auto& config = x.config();
    const auto& route = config.routes[x.rule->index];
    const auto& upstream = config.upstreams[route.upstream];
    const auto assertion = sign_assertion(x, station);
    std::string head;
    head.reserve(2048);
    auto written = http::write_upstream_head(
        head, {.head = x.head,
                  .target = x.target,
                  .pass = *x.pass,
                  .names = config.headers,
                  .credentials = upstream.credentials.value_or(config.credentials),
                  .hop = {.forwarded_for = x.client.forwarded_for,
                      .proto = x.client.proto,
                      .forwarded_host = x.client.host,
                      .request_id = x.trace.request_id,
                      .traceparent = x.trace.traceparent},
                  .assertion = assertion});
    if (!written) return written.error();
    if (written->stripped != 0) station.counters.stripped_fields.add(written->stripped);
    if (written->permissions_left_out)
        station.log.event(observe::Level::warn, "permissions left out: longer than 4 KiB",
            {{"request_id", std::string_view(x.trace.request_id)},
                {"org_id", std::string_view(x.pass->session()->organisation->id)}});
    return head;
}

http::ClientHead client_head(Exchange& x, const Station& station)
{
    write_quota_fields(x);
    const auto& cors = x.config().cors.allowed;
    if (!cors.origins.empty())
        x.exposed_fields = http::exposed_fields(cors, x.head.find("origin"), x.quota_fields);
    return {.client_minor_version = x.head.minor_version,
        .keep_alive = x.head.keep_alive && !station.is_draining,
        .identity_was_sent = x.pass->session() != nullptr,
        .quota_fields = x.quota_fields,
        .exposed_fields = x.exposed_fields,
        .request_id = x.trace.request_id,
        .names = &x.config().headers,
        .now = x.now};
}

PublicUrl public_url(const Exchange& x)
{
    const auto& config = x.config();
    std::string own = x.client.proto + "://" + x.client.host;
    std::string origin;
    if (config.public_origins.size() == 1) origin = config.public_origins.front();
    if (config.public_origins.size() > 1) {
        for (const auto& known : config.public_origins)
            if (http::same_name(without_scheme(known), x.client.host)) origin = known;
    }
    if (config.public_origins.empty() && !config.hosts.empty() &&
        is_our_host(config, x.client.host))
        origin = own;
    const bool is_secure = (origin.empty() ? own : origin).starts_with("https:");
    if (origin.empty()) return {{}, is_secure};
    std::string url = origin + x.target.path;
    if (x.target.has_query) url.append("?").append(x.target.query);
    return {std::move(url), is_secure};
}

}  // namespace orggate::edge
