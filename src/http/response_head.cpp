#include "orggate/http/response_head.hpp"

#include "http/framing_fields.hpp"
#include "http/head_parser.hpp"
#include "http/token_list.hpp"

#include <algorithm>
#include <array>

namespace orggate::http {

namespace {

constexpr std::size_t status_end = std::string_view("HTTP/1.1 200").size();

struct Notes {
    Seen content_length, transfer_encoding, websocket_accept;
    bool says_close = false, says_keep_alive = false, says_upgrade = false;
    bool names_websocket = false;

    void note(KnownField known, const Field& field);
    void note_connection(std::string_view list);
};

void Notes::note(KnownField known, const Field& field)
{
    switch (known) {
        case KnownField::content_length: return content_length.add(field.value);
        case KnownField::transfer_encoding: return transfer_encoding.add(field.value);
        case KnownField::sec_websocket_accept: return websocket_accept.add(field.value);
        case KnownField::connection: return note_connection(field.value);
        case KnownField::upgrade:
            names_websocket = names_websocket || same_name(field.value, "websocket");
            return;
        default: return;
    }
}

void Notes::note_connection(std::string_view list)
{
    for_each_member(list, [this](std::string_view option) {
        says_close = says_close || same_name(option, "close");
        says_keep_alive = says_keep_alive || same_name(option, "keep-alive");
        says_upgrade = says_upgrade || same_name(option, "upgrade");
    });
}

void clear(ResponseHead& head)
{
    auto fields = std::move(head.fields);
    fields.clear();
    head = ResponseHead{};
    head.fields = std::move(fields);
}

// Beast wants the blank behind the status that HeadScan lets servers leave out.
template <class Parser>
bool parse(Parser& parser, std::string_view raw)
{
    if (raw.size() < status_end + 2 || raw[status_end] != '\r') return !parser.parse(raw);
    std::array<char, status_end + 3> line;
    *std::copy_n(raw.begin(), status_end, line.begin()) = ' ';
    line[status_end + 1] = '\r';
    line[status_end + 2] = '\n';
    if (parser.parse({line.data(), line.size()}) != boost::beast::http::error::need_more)
        return false;
    parser.reason = {};
    return !parser.parse(raw.substr(status_end + 2));
}

// RFC 9112 section 6.3, rules 1 and 2.
bool is_bodyless(int status, std::string_view method)
{
    return method == "HEAD" || status < 200 || status == 204 || status == 304;
}

// An answer that must not have a body and yet announces one: whatever bytes follow
// belong to no answer.
bool announces_forbidden_body(int status, const FramingFields& framing)
{
    const bool forbids = status < 200 || status == 204;
    return forbids && (framing.is_chunked || framing.length > 0);
}

Framing choose_framing(const FramingFields& fields)
{
    if (fields.is_chunked) return Framing::chunked;
    return fields.has_length ? Framing::sized : Framing::until_close;
}

bool may_be_reused(const Notes& notes, const ResponseHead& head)
{
    if (notes.says_close || head.status == 101) return false;
    if (head.framing == Framing::until_close) return false;
    return head.minor_version >= 1 || notes.says_keep_alive;
}

}  // namespace

std::string_view ResponseHead::find(std::string_view name) const
{
    for (const Field& field : fields)
        if (same_name(field.name, name)) return field.value;
    return {};
}

Result<void> read_response_head(std::string_view raw, std::string_view method, ResponseHead& head)
{
    clear(head);
    Notes notes;
    HeadParser<false, Notes> parser(head.fields, notes);
    if (!parse(parser, raw)) return Denial::upstream_protocol;
    head.status = parser.status;
    head.minor_version = parser.version - 10;
    head.reason = parser.reason;

    const auto framing =
        read_framing(notes.content_length, notes.transfer_encoding, head.minor_version);
    if (!framing) return Denial::upstream_protocol;
    head.has_content_length = framing->has_length;
    head.content_length = framing->length;
    head.framing = is_bodyless(head.status, method) ? Framing::none : choose_framing(*framing);

    const bool is_ambiguous = announces_forbidden_body(head.status, *framing);
    if (is_ambiguous && head.status < 200) return Denial::upstream_protocol;
    head.keep_alive = !is_ambiguous && may_be_reused(notes, head);
    head.switches_to_websocket = head.status == 101 && notes.names_websocket &&
                                 notes.says_upgrade && notes.websocket_accept.times == 1;
    if (head.switches_to_websocket) head.websocket_accept = notes.websocket_accept.value;
    return {};
}

}  // namespace orggate::http
