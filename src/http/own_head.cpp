#include "http/own_head.hpp"

#include "http/denial_facts.hpp"

namespace orggate::http {

std::string own_head(int status)
{
    std::string out;
    out.reserve(1024);
    out.append("HTTP/1.1 ").append(std::to_string(status)) += ' ';
    out.append(reason_phrase(status)).append("\r\n");
    append_field(out, "Cache-Control", "no-store");
    return out;
}

void append_proxy_status(std::string& out, std::string_view error, std::string_view details)
{
    out.append("Proxy-Status: orggate; error=").append(error);
    out.append("; details=\"").append(details).append("\"\r\n");
}

void append_request_id(std::string& out, std::string_view request_id)
{
    if (is_trusted_value(request_id)) append_field(out, "X-Request-Id", request_id);
}

void append_connection(std::string& out, bool keep_alive, int client_minor_version)
{
    if (!keep_alive)
        append_field(out, "Connection", "close");
    else if (client_minor_version == 0)
        append_field(out, "Connection", "keep-alive");
}

}  // namespace orggate::http
