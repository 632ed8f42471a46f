// The lines that every answer of our own has.
// Pure. Source: RFC 9112 section 4, RFC 9209.

#pragma once

#include "http/trusted_field.hpp"

#include <string>
#include <string_view>

namespace orggate::http {

inline constexpr std::string_view served_methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

// The status line and Cache-Control: no-store.
std::string own_head(int status);

// `error` is a type of RFC 9209, `details` a code of ours: tokens both.
void append_proxy_status(std::string& out, std::string_view error, std::string_view details);

// Nothing if the id could not stand there.
void append_request_id(std::string& out, std::string_view request_id);

// What the connection does next, where the version does not say so by itself.
void append_connection(std::string& out, bool keep_alive, int client_minor_version);

}  // namespace orggate::http
