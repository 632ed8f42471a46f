// Sorts a request's field names by what we do with them: one table lookup for every
// field of every request.
// Pure; allocates nothing.

#pragma once

#include <cstdint>
#include <string_view>

namespace orggate::http {

enum class FieldClass : std::uint8_t {
    other,
    identity,        // X-Org-Id and its like: written from a verified session alone
    rewriting,       // would change path, method or client behind our back, or is a framework's own
    forwarded,       // X-Forwarded-*: rebuilt by the trusted-hop rule
    trace,           // X-Request-Id, traceparent: ours or a trusted peer's
    tracestate,      // travels with the traceparent it belongs to
    expected_org,    // answered by us
    hop,             // hop-by-hop (RFC 9110 section 7.6.1), and Expect
    content_length,  // the body's framing is written anew
    transfer_encoding,
    host,
    authorization,
    cookie,
    websocket,  // Sec-WebSocket-*: a handshake is rebuilt
};

enum class Spelling : std::uint8_t {
    canonical,  // any case
    alias,      // reads the same once every non-alphanumeric is a `-`, blanks at the ends aside
};

struct NamedField {
    FieldClass field_class = FieldClass::other;
    Spelling spelling = Spelling::canonical;
    bool is_odd = false;  // holds a character outside A-Za-z0-9-
};

NamedField classify_field(std::string_view name);

// Whether `name` is `wanted` (which is not empty), and in which spelling.
bool reads_as(std::string_view name, std::string_view wanted, Spelling& spelling);

}  // namespace orggate::http
