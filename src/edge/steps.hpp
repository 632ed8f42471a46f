// The steps of a request that only decide: plain functions over its Exchange, in the
// order in which serve() takes them.

#pragma once

#include "edge/exchange.hpp"
#include "orggate/edge/station.hpp"
#include "orggate/http/response_head.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace orggate::edge {

struct Peer {
    std::string address;  // textual; empty for unix sockets
    bool is_tls = false;
};

// Head, client, host and target.
Result<void> read_request(Exchange& x, std::string_view raw, const Peer& peer, Station& station);

// The first rule that matches.
const policy::Rule& find_rule(const Exchange& x);

// What asks about us rather than the app: OPTIONS *, and a preflight where
// `cors.preflight: answer`.
struct OwnAnswer {
    std::string bytes;
    int status = 204;
    bool keep_alive = true;
};
std::optional<OwnAnswer> answer_here(const Exchange& x, const Station& station);

// What Clerk's SDK would decide.
clerk::Decision decide(const Exchange& x, Station& station, clerk::Keys keys);

Result<policy::Pass> authorize(const Exchange& x);

// A WebSocket opened by a cookie must come from one of our own pages: browsers send
// cookies with handshakes from anywhere. Source: RFC 6455 section 10.2.
Result<void> check_origin(const Exchange& x);

// A WebSocket lives on; its seat says whose it is, so that it ends when its organisation is
// blocked. Nothing for other requests.
// Refuses: blocked, since this request began.
Result<void> announce_tunnel(const Exchange& x, const Station& station);

// The complete head for the upstream.
Result<std::string> compose_upstream_head(Exchange& x, Station& station);

// What we add to the upstream's answer.
http::ClientHead client_head(Exchange& x, const Station& station);

// Where a browser comes back to, and whether browsers use https. No URL where none can
// be said without trusting the client's Host.
struct PublicUrl {
    std::string url;
    bool is_secure = false;
};
PublicUrl public_url(const Exchange& x);

}  // namespace orggate::edge
