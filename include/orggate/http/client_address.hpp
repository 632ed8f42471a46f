// Who is really in front of us: the trusted-hop rule.
// Pure. X-Forwarded-* count only when the peer is a trusted proxy; then the
// right-most address that is not trusted is the client.

#pragma once

#include "orggate/http/request_head.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::http {

// An IPv4 or IPv6 network; IPv4 is kept mapped (::ffff:a.b.c.d).
struct Network {
    std::array<unsigned char, 16> address{};
    int prefix = 128;
};
std::optional<Network> parse_network(std::string_view text);  // CIDR or one address
bool contains(const std::vector<Network>& networks, std::string_view address);

struct PeerFacts {
    std::string_view address;  // textual; empty for a unix socket peer
    bool is_tls = false;
};

struct Client {
    std::string address;        // the client's
    std::string forwarded_for;  // the whole new X-Forwarded-For
    std::string proto;          // http | https, what the browser used
    std::string host;           // X-Forwarded-Host
    bool peer_is_trusted = false;
};
Client identify_client(
    const RequestHead& head, const PeerFacts& peer, const std::vector<Network>& trusted);

// Whom a limit per address counts: an IPv4 address (mapped into IPv6 or not), or the /64
// network of an IPv6 one, written `2001:db8:1:2::`; what is no address (`unix`), as it is.
std::string limited_address(std::string_view address);

// Private, loopback, link-local or shared (RFC 1918, 4193, 4291, 6598): more likely a hop than
// a client.
bool is_private_address(std::string_view address);

// X-Request-Id and traceparent: kept when well formed and from a trusted peer, else made
// from `random` (two 64-bit values).
struct Trace {
    std::string request_id, trace_id, traceparent;
};
Trace make_trace(
    const RequestHead& head, bool peer_is_trusted, std::uint64_t high, std::uint64_t low);

}  // namespace orggate::http
