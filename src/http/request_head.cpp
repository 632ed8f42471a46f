#include "orggate/http/request_head.hpp"

#include "http/field_class.hpp"
#include "http/framing_fields.hpp"
#include "http/head_parser.hpp"
#include "http/host_syntax.hpp"
#include "http/octets.hpp"
#include "http/token_list.hpp"
#include "orggate/http/managed_fields.hpp"

#include <algorithm>
#include <array>

namespace orggate::http {

namespace {

constexpr Denial none{};
constexpr std::array<std::string_view, 7> methods{
    "GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"};

// What the fields say that the rules between them need.
struct Notes {
    explicit Notes(std::string& cookies) : joined_cookies(cookies) {}

    std::string& joined_cookies;
    Seen host, content_length, transfer_encoding, authorization, expect;
    Seen cookie, websocket_key, websocket_version;
    bool has_alias = false;
    bool names_protected = false;
    bool says_close = false, says_upgrade = false;  // Connection
    bool names_websocket = false;                   // Upgrade

    void note(KnownField known, const Field& field);
    void note_cookie(std::string_view value);
    void note_connection(std::string_view list);
};

// Named in Connection, such a field would be dropped from what reaches the app: a way
// to take our word away from it (RFC 9110 section 7.6.1).
bool is_protected(std::string_view name)
{
    switch (classify_field(name).field_class) {
        case FieldClass::identity:
        case FieldClass::forwarded:
        case FieldClass::content_length:
        case FieldClass::transfer_encoding:
        case FieldClass::host:
        case FieldClass::authorization:
        case FieldClass::cookie: return true;
        case FieldClass::other:
        case FieldClass::rewriting:
        case FieldClass::trace:
        case FieldClass::tracestate:
        case FieldClass::expected_org:
        case FieldClass::hop:
        case FieldClass::websocket: return false;
    }
    return true;
}

void Notes::note(KnownField known, const Field& field)
{
    if (request_field_fate(field.name, default_header_names()) == FieldFate::refuse)
        has_alias = true;
    switch (known) {
        case KnownField::host: return host.add(field.value);
        case KnownField::content_length: return content_length.add(field.value);
        case KnownField::transfer_encoding: return transfer_encoding.add(field.value);
        case KnownField::authorization: return authorization.add(field.value);
        case KnownField::expect: return expect.add(field.value);
        case KnownField::sec_websocket_key: return websocket_key.add(field.value);
        case KnownField::sec_websocket_version: return websocket_version.add(field.value);
        case KnownField::cookie: return note_cookie(field.value);
        case KnownField::connection: return note_connection(field.value);
        case KnownField::upgrade:
            return for_each_member(field.value, [this](std::string_view protocol) {
                names_websocket = names_websocket || same_name(protocol, "websocket");
            });
        default: return;
    }
}

void Notes::note_cookie(std::string_view value)
{
    if (cookie.times == 1) joined_cookies = cookie.value;
    if (cookie.times >= 1) joined_cookies.append("; ").append(value);
    cookie.add(value);
}

void Notes::note_connection(std::string_view list)
{
    for_each_member(list, [this](std::string_view option) {
        says_close = says_close || same_name(option, "close");
        says_upgrade = says_upgrade || same_name(option, "upgrade");
        names_protected = names_protected || is_protected(option);
    });
}

// What Beast refuses although HeadScan passed it.
Denial denial_of(const boost::beast::error_code& ec)
{
    using boost::beast::http::error;
    if (ec == error::bad_content_length) return Denial::bad_content_length;
    if (ec == error::multiple_content_length) return Denial::bad_content_length;
    if (ec == error::bad_transfer_encoding) return Denial::bad_transfer_encoding;
    if (ec == error::bad_value) return Denial::bad_field_value;
    return Denial::bad_request_line;
}

void clear(RequestHead& head)
{
    auto fields = std::move(head.fields);
    auto cookies = std::move(head.joined_cookies);
    fields.clear();
    cookies.clear();
    head = RequestHead{};
    head.fields = std::move(fields);
    head.joined_cookies = std::move(cookies);
}

Denial judge_body(const Notes& notes, RequestHead& head)
{
    const auto framing =
        read_framing(notes.content_length, notes.transfer_encoding, head.minor_version);
    if (!framing) return framing.error();
    if (framing->is_chunked) head.body = BodyKind::chunked;
    if (framing->has_length) head.body = BodyKind::sized;
    head.content_length = framing->length;
    return none;
}

bool has_content(const RequestHead& head)
{
    return head.body == BodyKind::chunked || head.content_length > 0;
}

// HTTP/1.0 has no expectations (RFC 9110 section 10.1.1).
Denial judge_expectation(const Notes& notes, RequestHead& head)
{
    if (notes.expect.times == 0 || head.minor_version < 1) return none;
    if (notes.expect.times > 1 || !same_name(notes.expect.value, "100-continue"))
        return Denial::expectation_failed;
    head.expects_continue = has_content(head);
    return none;
}

// 16 bytes in canonical base64: the last letter carries four bits of nothing.
bool is_websocket_key(std::string_view key)
{
    if (key.size() != 24 || !key.ends_with("==")) return false;
    constexpr std::string_view last_letters = "AQgw";
    const auto letters = key.substr(0, 22);
    return last_letters.find(letters.back()) != last_letters.npos &&
           std::all_of(letters.begin(), letters.end(), [](char c) {
               return (is(c, Octet::unreserved) && c != '-' && c != '.' && c != '_' && c != '~') ||
                      c == '+' || c == '/';
           });
}

// Any other protocol than websocket is ignored and its field goes no further; HTTP/1.0
// cannot upgrade (RFC 9110 section 7.8).
Denial judge_upgrade(const Notes& notes, RequestHead& head)
{
    if (!notes.names_websocket || head.minor_version < 1) return none;
    const bool is_plain = head.method == "GET" && !has_content(head) && notes.says_upgrade;
    const bool has_key =
        notes.websocket_key.times == 1 && is_websocket_key(notes.websocket_key.value);
    const bool has_version =
        notes.websocket_version.times == 1 && notes.websocket_version.value == "13";
    if (!is_plain || !has_key || !has_version) return Denial::bad_upgrade;
    head.is_websocket = true;
    head.websocket_key = notes.websocket_key.value;
    return none;
}

Denial judge_fields(const Notes& notes, RequestHead& head)
{
    if (std::find(methods.begin(), methods.end(), head.method) == methods.end())
        return Denial::method_refused;
    if (notes.has_alias) return Denial::field_alias;
    if (notes.host.times != 1 || !is_valid_host(notes.host.value)) return Denial::bad_host;
    if (const Denial denial = judge_body(notes, head); denial != none) return denial;
    if (notes.names_protected) return Denial::protected_in_connection;
    if (notes.authorization.times > 1) return Denial::authorization_repeated;
    if (const Denial denial = judge_expectation(notes, head); denial != none) return denial;
    return judge_upgrade(notes, head);
}

}  // namespace

std::string_view RequestHead::find(std::string_view name) const
{
    for (const Field& field : fields)
        if (same_name(field.name, name)) return field.value;
    return {};
}

bool RequestHead::has(std::string_view name) const
{
    return std::any_of(fields.begin(), fields.end(),
        [&](const Field& field) { return same_name(field.name, name); });
}

Result<void> read_request_head(std::string_view raw, RequestHead& head)
{
    clear(head);
    Notes notes(head.joined_cookies);
    HeadParser<true, Notes> parser(head.fields, notes);
    if (const auto ec = parser.parse(raw)) return denial_of(ec);

    head.method = parser.method;
    head.target = parser.target;
    head.minor_version = parser.version - 10;
    if (const Denial denial = judge_fields(notes, head); denial != none) return denial;

    head.host = notes.host.value;
    if (notes.authorization.times == 1) head.authorization = notes.authorization.value;
    head.cookies =
        notes.cookie.times > 1 ? std::string_view(head.joined_cookies) : notes.cookie.value;
    head.keep_alive = head.minor_version >= 1 && !notes.says_close;
    return {};
}

}  // namespace orggate::http
