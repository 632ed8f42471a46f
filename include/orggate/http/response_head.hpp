// An upstream answer's head, read with the same care as a client's, and the head we
// write to the client instead.
// Pure; the views point into the raw bytes.

#pragma once

#include "orggate/denial.hpp"
#include "orggate/http/body.hpp"
#include "orggate/http/managed_fields.hpp"
#include "orggate/http/request_head.hpp"
#include "orggate/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::http {

struct ResponseHead {
    int status = 0;
    int minor_version = 1;
    std::string_view reason;
    std::vector<Field> fields;
    Framing framing = Framing::none;
    std::uint64_t content_length = 0;
    bool has_content_length = false;  // also where no body follows (HEAD, 304)
    bool keep_alive = false;          // the upstream connection may be used again
    // A 101 that says so completely. The caller knows whether it was asked for, and with
    // which key. Any other 101 is a protocol error.
    bool switches_to_websocket = false;
    std::string_view websocket_accept;

    std::string_view find(std::string_view name) const;
};

// Reads a head that HeadScan has passed, whose own refusals mean upstream_protocol here.
// `method` is the request's and decides whether a body follows. No body follows 1xx, 204,
// 304 and answers to HEAD; a 204 that announces one all the same is taken without it and
// its connection is not used again.
// Refuses: upstream_protocol (both lengths and codings, two lengths, bad ones, any coding
//          but exactly `chunked` on HTTP/1.1, an interim answer that announces a body).
Result<void> read_response_head(std::string_view raw, std::string_view method, ResponseHead& head);

// What our own decisions add to an answer.
struct ClientHead {
    int client_minor_version = 1;
    bool keep_alive = true;              // of the client connection
    bool identity_was_sent = false;      // then an answer silent about caching becomes private
    std::string_view quota_fields{};     // complete lines, merged with the upstream's own
    std::string_view exposed_fields{};   // a complete line, where scripts may read the answer
    std::string_view request_id{};       // X-Request-Id; empty: none
    const HeaderNames* names = nullptr;  // the operator's; null: the default ones
    std::optional<Instant> now{};        // for an answer without Date; none: it stays so
};

// Framing of the body towards the client, after write_client_head.
struct ClientFraming {
    Framing framing = Framing::none;  // until_close: the connection closes afterwards
    bool keep_alive = true;
};

// Appends status line and fields: hop-by-hop names, those that Connection lists and
// managed names removed, our framing. Each Set-Cookie stays a line of its own. What the
// upstream says of its own limits is never loosened by ours, nor ours by it; r=0 is not said
// with a redirect, which clients might follow too late.
// A 101 becomes a WebSocket handshake's answer; any other answer without Date is dated.
// Source: RFC 9110 sections 6.6.1 and 7.6.1, RFC 9112 section 6.3, RFC 9111 section 3.5.
ClientFraming write_client_head(
    std::string& out, const ResponseHead& head, std::string_view method, const ClientHead& client);

// Appends an interim answer (1xx but not 101).
void write_interim_head(std::string& out, const ResponseHead& head);

// Sec-WebSocket-Accept for a key (RFC 6455 section 4.2.2).
std::string websocket_accept(std::string_view key);

}  // namespace orggate::http
