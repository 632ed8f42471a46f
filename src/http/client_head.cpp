#include "orggate/http/response_head.hpp"

#include "http/date.hpp"
#include "http/field_class.hpp"
#include "http/quota_merge.hpp"
#include "http/token_list.hpp"
#include "orggate/http/managed_fields.hpp"

#include <openssl/evp.h>

#include <array>
#include <charconv>

namespace orggate::http {

namespace {

void append_number(std::string& out, std::uint64_t number)
{
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

void append_field(std::string& out, std::string_view name, std::string_view value)
{
    out.append(name).append(": ").append(value).append("\r\n");
}

// Always our own version, whatever the upstream spoke.
void append_status_line(std::string& out, const ResponseHead& head)
{
    out.append("HTTP/1.1 ");
    append_number(out, static_cast<std::uint64_t>(head.status));
    out.append(" ").append(head.reason).append("\r\n");
}

bool has_chosen_names(const HeaderNames& names)
{
    return !names.renamed.empty() || !names.claims.empty() || !names.assertion.empty();
}

// Whether Connection names fields, rather than say what it usually says.
bool names_fields(std::string_view connection)
{
    bool names_any = false;
    for_each_member(connection, [&](std::string_view option) {
        names_any = names_any || !(same_name(option, "close") || same_name(option, "keep-alive") ||
                                     same_name(option, "upgrade"));
    });
    return names_any;
}

// Decides which of an answer's fields travel.
class FieldFilter {
public:
    FieldFilter(const ResponseHead& head, const HeaderNames& names)
        : head_(head), names_(names), has_chosen_names_(has_chosen_names(names))
    {
        for (const Field& field : head.fields)
            if (same_name(field.name, "connection") && names_fields(field.value))
                has_options_ = true;
    }

    bool travels(const Field& field) const
    {
        switch (classify_field(field.name).field_class) {
            case FieldClass::hop:
            case FieldClass::content_length:
            case FieldClass::transfer_encoding: return false;
            case FieldClass::other:
                // Nobody's name, unless the operator chose it.
                if (!has_chosen_names_) break;
                [[fallthrough]];
            default:
                if (is_withheld_from_client(field.name, names_)) return false;
        }
        return !has_options_ || !is_connection_option(field.name);
    }

private:
    bool is_connection_option(std::string_view name) const
    {
        bool is_option = false;
        for (const Field& field : head_.fields) {
            if (!same_name(field.name, "connection")) continue;
            for_each_member(field.value,
                [&](std::string_view option) { is_option = is_option || same_name(option, name); });
        }
        return is_option;
    }

    const ResponseHead& head_;
    const HeaderNames& names_;
    bool has_chosen_names_;
    bool has_options_ = false;
};

const HeaderNames& names_of(const ClientHead& client)
{
    return client.names ? *client.names : default_header_names();
}

bool speaks_of_caching(std::string_view name)
{
    switch (name.size()) {
        case 6: return same_name(name, "pragma");
        case 7: return same_name(name, "expires");
        case 13: return same_name(name, "cache-control");
        default: return false;
    }
}

void append_fields(std::string& out, const ResponseHead& head, const ClientHead& client)
{
    const FieldFilter filter(head, names_of(client));
    bool is_silent_about_caching = true, is_dated = false, scripts_may_read = false;
    std::vector<Field> limits;  // the upstream's own; hardly ever any
    for (const Field& field : head.fields) {
        if (!filter.travels(field)) continue;
        if (!client.quota_fields.empty() && is_quota_field(field.name)) {
            limits.push_back(field);
            continue;
        }
        append_field(out, field.name, field.value);
        if (speaks_of_caching(field.name)) is_silent_about_caching = false;
        if (same_name(field.name, "date")) is_dated = true;
        if (!client.exposed_fields.empty() && same_name(field.name, "access-control-allow-origin"))
            scripts_may_read = true;
    }
    // What was made for one identity must not be given to another (RFC 9111 section 3).
    if (client.identity_was_sent && is_silent_about_caching)
        out.append("Cache-Control: private\r\nVary: Authorization, Cookie\r\n");
    if (!is_dated && client.now && head.status >= 200) append_date(out, *client.now);
    if (!client.request_id.empty()) append_field(out, "X-Request-Id", client.request_id);
    std::string kept;
    const auto ours = quota_fields_for(head.status, client.quota_fields, kept);
    if (limits.empty())
        out.append(ours);
    else
        append_merged_quota_fields(out, limits, ours);
    if (scripts_may_read) out.append(client.exposed_fields);
}

bool tells_length(const ResponseHead& head, std::string_view method)
{
    if (head.framing == Framing::sized) return true;
    return method == "HEAD" && head.has_content_length && head.status != 204 && head.status != 304;
}

ClientFraming choose_framing(const ResponseHead& head, const ClientHead& client)
{
    ClientFraming framing{head.framing, client.keep_alive && client.client_minor_version >= 1};
    const bool has_no_length =
        head.framing == Framing::chunked || head.framing == Framing::until_close;
    if (!has_no_length) return framing;
    if (client.client_minor_version >= 1) return {Framing::chunked, framing.keep_alive};
    return {Framing::until_close, false};
}

}  // namespace

ClientFraming write_client_head(
    std::string& out, const ResponseHead& head, std::string_view method, const ClientHead& client)
{
    append_status_line(out, head);
    append_fields(out, head, client);
    if (head.status == 101) {
        out.append("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        return {Framing::none, false};
    }
    const ClientFraming framing = choose_framing(head, client);
    if (tells_length(head, method)) {
        out.append("Content-Length: ");
        append_number(out, head.content_length);
        out.append("\r\n");
    }
    if (framing.framing == Framing::chunked) out.append("Transfer-Encoding: chunked\r\n");
    if (!framing.keep_alive) out.append("Connection: close\r\n");
    out.append("\r\n");
    return framing;
}

void write_interim_head(std::string& out, const ResponseHead& head)
{
    append_status_line(out, head);
    const FieldFilter filter(head, default_header_names());
    for (const Field& field : head.fields)
        if (filter.travels(field)) append_field(out, field.name, field.value);
    out.append("\r\n");
}

std::string websocket_accept(std::string_view key)
{
    std::string text(key);
    text.append("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1)
        return {};
    std::array<unsigned char, 64> base64;
    const int length = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
    return {base64.begin(), base64.begin() + length};
}

}  // namespace orggate::http
