// make_trace: the ids one request is known by.
// Source: W3C Trace Context, section 3.2 (traceparent).

#include "orggate/http/client_address.hpp"
#include "orggate/http/managed_fields.hpp"

#include <algorithm>

namespace orggate::http {

namespace {

// The one field of this name; empty if there are none or several.
std::string_view find_single(const RequestHead& head, std::string_view name)
{
    std::string_view value;
    int count = 0;
    for (const Field& field : head.fields) {
        if (!same_name(field.name, name)) continue;
        value = field.value;
        ++count;
    }
    return count == 1 ? value : std::string_view();
}

bool is_request_id(std::string_view text)
{
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    });
}

bool is_lower_hex(std::string_view text)
{
    return std::all_of(text.begin(), text.end(),
        [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_id(std::string_view text)
{
    return is_lower_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

// version "-" trace-id "-" parent-id "-" flags; a later version may say more behind that.
bool is_traceparent(std::string_view text)
{
    if (text.size() < 55 || text.size() > 256) return false;
    if (text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
    const std::string_view version = text.substr(0, 2);
    if (!is_lower_hex(version) || version == "ff") return false;
    if (!is_id(text.substr(3, 32)) || !is_id(text.substr(36, 16))) return false;
    if (!is_lower_hex(text.substr(53, 2))) return false;
    if (text.size() == 55) return true;
    const auto printable = [](char c) { return c > 0x20 && c < 0x7f; };
    return version != "00" && text[55] == '-' && std::all_of(text.begin(), text.end(), printable);
}

void append_hex(std::string& out, std::uint64_t value)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        out += "0123456789abcdef"[(value >> shift) & 15];
}

// A parent id that tells nothing of the trace id it comes from (splitmix64's finaliser).
std::uint64_t mix(std::uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

std::string make_traceparent(std::string_view trace_id, std::uint64_t parent)
{
    std::string text = "00-";
    text.append(trace_id) += '-';
    append_hex(text, parent == 0 ? 1 : parent);
    // Sampled: an app that follows its parent's choice would otherwise never trace.
    return text += "-01";
}

}  // namespace

Trace make_trace(
    const RequestHead& head, bool peer_is_trusted, std::uint64_t high, std::uint64_t low)
{
    if (high == 0 && low == 0) low = 1;
    Trace trace;
    append_hex(trace.request_id, high);
    append_hex(trace.request_id, low);
    const std::string_view parent =
        peer_is_trusted ? find_single(head, "traceparent") : std::string_view();
    if (is_traceparent(parent)) {
        trace.traceparent = parent;
        trace.trace_id = parent.substr(3, 32);
    } else {
        trace.trace_id = trace.request_id;
        trace.traceparent =
            make_traceparent(trace.trace_id, mix(high + 0x9e3779b97f4a7c15u) ^ mix(low));
    }
    if (!peer_is_trusted) return trace;
    if (const auto id = find_single(head, "X-Request-Id"); is_request_id(id)) trace.request_id = id;
    return trace;
}

}  // namespace orggate::http
