#include "orggate/http/target.hpp"

#include "http/octets.hpp"
#include "http/utf8_check.hpp"
#include "orggate/http/managed_fields.hpp"

#include <optional>

namespace orggate::http {

namespace {

constexpr Denial none{};

// The byte that the escape at the front of `text` stands for.
std::optional<unsigned char> read_escape(std::string_view text)
{
    if (text.size() < 3 || text[0] != '%') return {};
    if (!is(text[1], Octet::hex) || !is(text[2], Octet::hex)) return {};
    return static_cast<unsigned char>(hex_value(text[1]) << 4 | hex_value(text[2]));
}

bool is_separator(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7f || byte == '/' || byte == '\\';
}

void append_escape(std::string& out, unsigned char byte)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
}

// Appends what the escape at the front of `text` is in canonical form.
Denial write_escape(std::string& out, std::string_view text, Utf8Check& utf8)
{
    const auto byte = read_escape(text);
    if (!byte || !utf8.accept(*byte)) return Denial::bad_target;
    if (is_separator(*byte)) return Denial::encoded_separator;
    if (is(static_cast<char>(*byte), Octet::unreserved))
        out += static_cast<char>(*byte);
    else
        append_escape(out, *byte);
    return none;
}

Denial write_path(std::string& out, std::string_view text)
{
    out.reserve(text.size());
    Utf8Check utf8;
    const char* p = text.data();
    const char* const end = p + text.size();
    while (p != end) {
        const char* const from = p;
        p = skip(p, end, Octet::plain_path);
        if (p != from && !utf8.is_complete()) return Denial::bad_target;
        out.append(from, p);
        if (p == end) break;
        if (*p == '\\') return Denial::encoded_separator;
        const std::string_view rest(p, static_cast<std::size_t>(end - p));
        if (const Denial denial = write_escape(out, rest, utf8); denial != none) return denial;
        p += 3;
    }
    return utf8.is_complete() ? none : Denial::bad_target;
}

// Some servers cut `;parameters` off a segment before they resolve dots.
std::string_view without_parameters(std::string_view segment)
{
    segment = segment.substr(0, segment.find(';'));
    return segment.substr(0, segment.find("%3B"));
}

Denial judge_segments(std::string_view path)
{
    for (std::size_t slash = 0; slash != path.npos;) {
        const auto next = path.find('/', slash + 1);
        const auto segment = path.substr(slash + 1, next == path.npos ? next : next - slash - 1);
        const auto name = without_parameters(segment);
        if (name == "." || name == "..") return Denial::dot_segment;
        const bool is_trailing_slash = segment.empty() && next == path.npos;
        if (name.empty() && !is_trailing_slash) return Denial::empty_segment;
        slash = next;
    }
    return none;
}

// Whether the parameter's name, escapes decoded, begins as Clerk's do.
bool is_clerk_parameter(std::string_view parameter)
{
    for (const char wanted : std::string_view("__clerk_")) {
        if (parameter.empty()) return false;
        const auto byte = read_escape(parameter);
        if ((byte ? static_cast<char>(*byte) : parameter.front()) != wanted) return false;
        parameter.remove_prefix(byte ? 3 : 1);
    }
    return true;
}

void write_query(Target& target, std::string_view text)
{
    target.query.reserve(text.size());
    for (;;) {
        const auto ampersand = text.find('&');
        const auto parameter = text.substr(0, ampersand);
        if (!is_clerk_parameter(parameter)) {
            if (target.has_query) target.query += '&';
            target.query += parameter;
            target.has_query = true;
        }
        if (ampersand == text.npos) return;
        text.remove_prefix(ampersand + 1);
    }
}

// What follows the authority of an absolute-form target.
Result<std::string_view> read_absolute(std::string_view text, std::string_view host)
{
    const auto scheme = text.find("://");
    if (scheme == text.npos) return Denial::bad_target;
    const auto scheme_name = text.substr(0, scheme);
    if (!same_name(scheme_name, "http") && !same_name(scheme_name, "https"))
        return Denial::bad_target;
    text.remove_prefix(scheme + 3);
    const auto authority = text.substr(0, text.find_first_of("/?"));
    if (authority.empty() || authority.find('@') != authority.npos) return Denial::bad_target;
    if (!same_name(authority, host)) return Denial::host_unknown;
    return text.substr(authority.size());
}

Target make_asterisk()
{
    Target target;
    target.path = "*";
    target.is_asterisk = true;
    return target;
}

}  // namespace

Result<Target> parse_target(std::string_view method, std::string_view text, std::string_view host)
{
    if (text.empty() || !consists_of(text, Octet::target)) return Denial::bad_target;
    if (text.find('#') != text.npos) return Denial::bad_target;
    if (text == "*")
        return method == "OPTIONS" ? Result<Target>(make_asterisk()) : Denial::bad_target;
    if (text.front() != '/') {
        const auto rest = read_absolute(text, host);
        if (!rest) return rest.error();
        text = *rest;
        // RFC 9112 section 3.2.4
        if (text.empty() && method == "OPTIONS") return make_asterisk();
    }
    Target target;
    const auto question = text.find('?');
    const auto path = text.substr(0, question);
    if (const auto denial = write_path(target.path, path.empty() ? "/" : path); denial != none)
        return denial;
    if (const auto denial = judge_segments(target.path); denial != none) return denial;
    if (question != text.npos) write_query(target, text.substr(question + 1));
    return target;
}

}  // namespace orggate::http
