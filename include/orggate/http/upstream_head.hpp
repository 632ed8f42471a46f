// Composes the upstream request from our own model: the path that was matched,
// the fields that may travel, and the identity of the Pass. Nothing is copied raw.
// Pure.

#pragma once

#include "orggate/denial.hpp"
#include "orggate/http/managed_fields.hpp"
#include "orggate/http/request_head.hpp"
#include "orggate/http/target.hpp"
#include "orggate/policy/authorize.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace orggate::http {

// What the app sees of Clerk's credentials.
enum class Credentials { session, none, all };

// From the connection, by the trusted-hop rule.
struct Hop {
    std::string_view forwarded_for{};  // the whole new X-Forwarded-For value
    std::string_view proto{};          // http | https
    std::string_view forwarded_host{};
    std::string_view request_id{};
    std::string_view traceparent{};
};

struct UpstreamHead {
    const RequestHead& head;
    const Target& target;
    const policy::Pass& pass;
    const HeaderNames& names;
    Credentials credentials = Credentials::session;
    Hop hop{};
    std::string_view assertion{};  // a signed assertion for names.assertion; empty: none
};

struct Written {
    std::uint64_t stripped = 0;         // client copies of our names
    bool permissions_left_out = false;  // they, plans or features: longer than 4 KiB
};

// Appends the head up to and including the blank line. The body follows in the
// request's own framing. A WebSocket handshake is rebuilt.
// Refuses: field_alias (odd names when `odd_names: refuse`), token_malformed (a verified
//          value that could not stand in a field; nothing of it is ever written),
//          bad_target (a target that parse_target would not have given). `out` is then
//          as it was.
Result<Written> write_upstream_head(std::string& out, const UpstreamHead& request);

}  // namespace orggate::http
