// A request's head as our own model: read once, and the only thing later steps see.
// The views point into the raw bytes (which hold still until the request is over) or
// into `joined_cookies`. Reused from request to request to keep its memory.
// Pure. Source: RFC 9110, RFC 9112 section 6, RFC 6455 section 4.2.

#pragma once

#include "orggate/denial.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::http {

struct Field {
    std::string_view name, value;  // value without surrounding blanks
};

enum class BodyKind { none, sized, chunked };

struct RequestHead {
    std::string_view method, target;
    int minor_version = 1;  // HTTP/1.x
    std::vector<Field> fields;

    std::string_view host;  // the one Host field
    std::optional<std::string_view> authorization;
    std::string_view cookies;  // one field's value, or several joined with "; "
    std::string joined_cookies;

    BodyKind body = BodyKind::none;
    std::uint64_t content_length = 0;
    bool keep_alive = true;
    bool expects_continue = false;
    bool is_websocket = false;  // a complete, correct handshake (GET, 1.1, version 13, key)
    std::string_view websocket_key;

    bool is_get_or_head() const { return method == "GET" || method == "HEAD"; }
    // The first field of this name, any case; empty if absent.
    std::string_view find(std::string_view name) const;
    bool has(std::string_view name) const;
};

// Reads a head that HeadScan has passed: through a parser derived from Beast's
// basic_parser, then the rules between fields that no parser checks. `raw` is the head
// up to and including its blank line.
// Refuses: bad_request_line, bad_field_value (a Connection that is no list),
//          method_refused (not GET HEAD POST PUT PATCH DELETE OPTIONS), bad_content_length, bad_transfer_encoding, coding_unsupported,
//          bad_host, bad_upgrade, field_alias (a name that folds to one of ours or to
//          a framing name), protected_in_connection, authorization_repeated,
//          expectation_failed.
// On refusal `head` holds no more than the method and target that were read, for the log.
Result<void> read_request_head(std::string_view raw, RequestHead& head);

}  // namespace orggate::http
