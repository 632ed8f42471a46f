// Every answer of our own: which status, fields and body a refused client gets.
// The one place that knows. Pure; table-tested.
// Source: RFC 9110, RFC 9209 (Proxy-Status), RFC 9457 (problem details), RFC 6750.

#pragma once

#include "orggate/denial.hpp"
#include "orggate/http/request_head.hpp"
#include "orggate/policy/rule.hpp"
#include "orggate/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::http {

int status_of(Denial denial);

// GET with `Sec-Fetch-Dest: document|iframe`, or without it and `Accept` starting with
// text/html.
bool is_document(const RequestHead& head);

// Where browsers are sent; all absolute URLs.
struct Pages {
    std::string sign_in, tasks, choose_org, forbidden;  // empty: an HTML page of ours instead
};

struct Cors {
    std::vector<std::string> origins;
};

struct Refusal {
    Denial denial;
    const RequestHead* head = nullptr;   // null: the bytes were never a request
    const policy::Rule* rule = nullptr;  // null: refused before a rule was found
    std::string_view return_to{};        // the URL to come back to; empty: none may be said
    bool is_secure = false;              // the public URL is https: our cookie gets Secure
    std::string_view request_id{};
    std::string_view detail{};        // more for the body's `detail`, already safe to say
    std::int64_t retry_after = 0;     // seconds; 0: none
    std::string_view quota_fields{};  // complete lines: rate limit fields
    std::vector<std::string_view> violated_policies{};  // for 429 bodies: all of them
    bool keep_alive = false;                            // the request's body has been read
    Instant now{};                                      // for Date
};

struct Reply {
    int status = 0;
    std::string bytes;        // head and body, ready to send
    Denial denial;            // as logged: redirect_loop where our redirects went round
    bool keep_alive = false;  // what `bytes` told the client about its connection
};

// Redirects documents where the refusal has a page and the rule allows it (`redirect`:
// every GET but a WebSocket's), unless our loop cookie has counted three; refuses
// everybody else. A malformed request's connection is never kept.
Reply make_denial_reply(const Refusal& refusal, const Pages& pages, const Cors& cors);

// Access-Control fields for an allowed origin, compared byte by byte; empty otherwise.
// A script may read the `quota_fields` (complete lines) that are there, and our own names.
std::string cors_fields(
    const Cors& cors, std::string_view origin, std::string_view quota_fields = {});

// The line that lets scripts of an allowed origin read what we add to the app's answer, for
// ClientHead::exposed_fields; empty for other origins.
std::string exposed_fields(
    const Cors& cors, std::string_view origin, std::string_view quota_fields);

// A true CORS preflight: OPTIONS with Origin and Access-Control-Request-Method, without
// body and credentials (Fetch, CORS-preflight fetch).
bool is_preflight(const RequestHead& head);
// The answer to it where `cors.preflight: answer`. An origin that is not allowed gets no
// Access-Control fields, which is how a browser is told no.
std::string make_preflight_reply(const RequestHead& head, const Cors& cors,
    std::string_view request_id, bool keep_alive, Instant now);

// The answer to OPTIONS *.
std::string make_options_reply(std::string_view request_id, bool keep_alive, Instant now);

}  // namespace orggate::http
