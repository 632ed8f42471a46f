// An upstream answer's head, read with the same care as a client's, and the head we
// write to the client instead.
// Pure; the views point into the raw bytes.

#pragma once

#include "orggate/denial.hpp"
#include "orggate/http/body.hpp"
#include "orggate/http/request_head.hpp"

#include <cstdint>
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
    std::string_view websocket_accept;
    bool switches_to_websocket = false;

    std::string_view find(std::string_view name) const;
};

// `method` decides whether a body follows. Any mistake is upstream_protocol.
Result<void> read_response_head(std::string_view raw, std::string_view method, ResponseHead& head);

// What our own decisions add to an answer.
struct ClientHead {
    int client_minor_version = 1;
    bool keep_alive = true;          // of the client connection
    bool identity_was_sent = false;  // then an answer silent about caching becomes private
    std::string_view extra_fields;   // complete lines: rate limit fields, CORS, cookies
    std::string_view request_id;     // X-Request-Id
};

// Framing of the body towards the client, after write_client_head.
struct ClientFraming {
    Framing framing = Framing::none;  // until_close: the connection closes afterwards
    bool keep_alive = true;
};

// Appends status line and fields: hop-by-hop and managed names removed, our framing.
ClientFraming write_client_head(
    std::string& out, const ResponseHead& head, std::string_view method, const ClientHead& client);

// Appends an interim answer (1xx but not 101).
void write_interim_head(std::string& out, const ResponseHead& head);

// Sec-WebSocket-Accept for a key (RFC 6455 section 4.2.2).
std::string websocket_accept(std::string_view key);

}  // namespace orggate::http
