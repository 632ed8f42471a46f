#include "orggate/http/upstream_head.hpp"

#include "http/field_class.hpp"
#include "http/field_fate.hpp"
#include "http/forwarded_cookies.hpp"
#include "http/identity_fields.hpp"
#include "http/token_list.hpp"
#include "http/trusted_field.hpp"

#include <algorithm>
#include <charconv>

namespace orggate::http {

namespace {

// It holds the path, which may be long.
constexpr std::size_t max_assertion = 16 * 1024;

// Whether Connection asks for more than the connection itself (RFC 9110 section 7.6.1).
// The head's reader has refused the names that may not stand there.
class ConnectionOptions {
public:
    explicit ConnectionOptions(const RequestHead& head) : head_(head)
    {
        for_each([this](std::string_view option) {
            names_fields_ =
                names_fields_ || !(option.empty() || same_name(option, "keep-alive") ||
                                     same_name(option, "close") || same_name(option, "upgrade"));
        });
    }

    bool name(std::string_view field) const
    {
        bool found = false;
        if (names_fields_)
            for_each([&](std::string_view option) { found = found || same_name(option, field); });
        return found;
    }

private:
    template <class Visit>
    void for_each(Visit visit) const
    {
        for (const Field& field : head_.fields)
            if (field.name.size() == 10 && same_name(field.name, "Connection"))
                for_each_member(field.value, visit);
    }

    const RequestHead& head_;
    bool names_fields_ = false;
};

bool is_bearer(std::string_view authorization)
{
    return same_name(authorization.substr(0, authorization.find_first_of(" \t")), "Bearer");
}

// One request on its way out.
struct Writer {
    std::string& out;
    const UpstreamHead& request;
    Written written{};
    std::optional<Denial> refusal{};

    // The first reason counts.
    void refuse(Denial reason)
    {
        if (!refusal) refusal = reason;
    }
    void trusted(
        std::string_view name, std::string_view value, std::size_t limit = max_trusted_value)
    {
        if (!append_trusted_field(out, name, value, limit)) refuse(Denial::token_malformed);
    }
    void trusted_if_any(std::string_view name, std::string_view value)
    {
        if (!value.empty()) trusted(name, value);
    }

    void request_line();
    void framing();
    void client_fields();
    void client_field(const Field& field, const ConnectionOptions& options);
    void websocket_field(const Field& field);
    void handshake();
    void session();
    void connection();
};

void Writer::request_line()
{
    const Target& target = request.target;
    out.append(request.head.method) += ' ';
    const std::size_t start = out.size();
    out.append(target.is_asterisk ? "*" : std::string_view(target.path));
    if (target.has_query) out.append("?").append(target.query);
    // The target's reader lets nothing of this through; a second look costs little.
    const auto breaks_line = [](char c) { return (c >= 0 && c <= 0x20) || c == 0x7f; };
    if (std::any_of(out.begin() + static_cast<std::ptrdiff_t>(start), out.end(), breaks_line))
        refuse(Denial::bad_target);
    out.append(" HTTP/1.1\r\n");
    append_field(out, "Host", request.head.host);
}

void Writer::framing()
{
    switch (request.head.body) {
        case BodyKind::none: return;
        case BodyKind::chunked: append_field(out, "Transfer-Encoding", "chunked"); return;
        case BodyKind::sized: {
            char digits[20];
            const auto end =
                std::to_chars(digits, digits + sizeof digits, request.head.content_length).ptr;
            append_field(out, "Content-Length", {digits, static_cast<std::size_t>(end - digits)});
            return;
        }
    }
}

void Writer::websocket_field(const Field& field)
{
    if (!request.head.is_websocket) return;
    // The offers are the client's; version and key are written by `handshake`.
    if (same_name(field.name, "Sec-WebSocket-Protocol") ||
        same_name(field.name, "Sec-WebSocket-Extensions"))
        append_field(out, field.name, field.value);
}

void Writer::client_field(const Field& field, const ConnectionOptions& options)
{
    const NamedField named = classify_field(field.name);
    switch (fate_of(field.name, named, request.names)) {
        case FieldFate::refuse: refuse(Denial::field_alias); return;
        case FieldFate::strip: ++written.stripped; return;
        case FieldFate::remove: return;
        case FieldFate::hop:
            if (named.field_class == FieldClass::websocket) websocket_field(field);
            return;
        case FieldFate::odd:
            if (request.names.odd_names == HeaderNames::OddNames::refuse)
                refuse(Denial::field_alias);
            return;
        case FieldFate::keep: break;
    }
    switch (named.field_class) {
        case FieldClass::host:
        case FieldClass::cookie: return;  // written once, from the head
        case FieldClass::authorization:
            if (request.credentials == Credentials::none && is_bearer(field.value)) return;
            break;
        case FieldClass::tracestate:
            // Means nothing beside another traceparent.
            if (request.head.find("traceparent") != request.hop.traceparent) return;
            break;
        default:
            if (options.name(field.name)) return;
    }
    append_field(out, field.name, field.value);
}

void Writer::client_fields()
{
    const ConnectionOptions options(request.head);
    for (const Field& field : request.head.fields) {
        client_field(field, options);
        if (refusal) return;
    }
    append_cookies(out, request.head.cookies, request.credentials);
}

void Writer::handshake()
{
    if (!request.head.is_websocket) return;
    append_field(out, "Connection", "Upgrade");
    append_field(out, "Upgrade", "websocket");
    append_field(out, "Sec-WebSocket-Version", "13");
    trusted("Sec-WebSocket-Key", request.head.websocket_key);
}

// From the Pass alone: what a client sent is gone, and nothing of it is a fallback.
void Writer::session()
{
    const token::Session* session = request.pass.session();
    if (session == nullptr) return;
    const auto lists = append_identity(out, *session, request.names);
    if (!lists)
        refuse(lists.error());
    else
        written.permissions_left_out = *lists == Lists::left_out;
}

void Writer::connection()
{
    if (!request.names.assertion.empty() && !request.assertion.empty())
        trusted(request.names.assertion, request.assertion, max_assertion);
    trusted_if_any("X-Forwarded-For", request.hop.forwarded_for);
    trusted_if_any("X-Forwarded-Proto", request.hop.proto);
    trusted_if_any("X-Forwarded-Host", request.hop.forwarded_host);
    trusted_if_any("X-Request-Id", request.hop.request_id);
    trusted_if_any("traceparent", request.hop.traceparent);
}

}  // namespace

Result<Written> write_upstream_head(std::string& out, const UpstreamHead& request)
{
    const std::size_t start = out.size();
    Writer writer{out, request};
    writer.request_line();
    writer.framing();
    writer.client_fields();
    writer.handshake();
    writer.session();
    writer.connection();
    out.append("\r\n");
    if (!writer.refusal) return writer.written;
    out.resize(start);
    return *writer.refusal;
}

}  // namespace orggate::http
