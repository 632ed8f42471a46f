#include "orggate/observe/access_record.hpp"

#include "observe/timestamp.hpp"
#include "orggate/observe/json_text.hpp"

#include <algorithm>
#include <charconv>

namespace orggate::observe {

namespace {

// How much of a value is kept. Their sum, with names and numbers, stays under
// `max_access_line` even if every value is full.
namespace most {
constexpr std::size_t request_id = 128;
constexpr std::size_t trace_id = 64;
constexpr std::size_t method = 32;
constexpr std::size_t host = 256;
constexpr std::size_t path = 1900;
constexpr std::size_t client_ip = 64;
constexpr std::size_t name = 128;  // routes, plans, limits, ids
constexpr std::size_t word = 32;   // of our own lists
}  // namespace most

void append_key(std::string& out, std::string_view key)
{
    out.append(",\"").append(key).append("\":");
}

void append_text(std::string& out, std::string_view key, std::string_view value, std::size_t limit)
{
    if (value.empty()) return;
    append_key(out, key);
    append_json_string(out, value, limit);
}

template <class Integer>
void append_number(std::string& out, std::string_view key, Integer value)
{
    append_key(out, key);
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value);
    out.append(digits, end.ptr);
}

// Milliseconds with three places: exact, and no floating point.
void append_duration(std::string& out, std::string_view key, Microseconds value)
{
    const std::int64_t us = std::max<std::int64_t>(value.count(), 0);
    append_number(out, key, us / 1000);
    const auto rest = static_cast<int>(us % 1000);
    const char places[] = {'.', static_cast<char>('0' + rest / 100),
        static_cast<char>('0' + rest / 10 % 10), static_cast<char>('0' + rest % 10)};
    out.append(places, sizeof places);
}

void append_denial(std::string& out, std::string_view key, std::optional<Denial> denial)
{
    if (denial) append_text(out, key, name(*denial), most::word);
}

void append_request(std::string& out, const AccessRecord& record)
{
    append_text(out, "request_id", record.request_id, most::request_id);
    append_text(out, "trace_id", record.trace_id, most::trace_id);
    append_text(out, "method", record.method, most::method);
    append_text(out, "host", record.host, most::host);
    // Queries carry tokens. Whoever fills the record cuts them off; here once more.
    append_text(out, "path", record.path.substr(0, record.path.find_first_of("?#")), most::path);
}

void append_outcome(std::string& out, const AccessRecord& record)
{
    if (record.status != 0) append_number(out, "status", record.status);
    append_duration(out, "duration_ms", record.duration);
    if (record.upstream) append_duration(out, "upstream_ms", *record.upstream);
    append_number(out, "bytes_in", record.bytes_in);
    append_number(out, "bytes_out", record.bytes_out);
    append_text(out, "client_ip", record.client_ip, most::client_ip);
    append_text(out, "route", record.route, most::name);
}

void append_identity(std::string& out, const AccessRecord& record)
{
    append_text(out, "org_id", record.org_id, most::name);
    append_text(out, "user_id", record.user_id, most::name);
    append_text(out, "token_kind", record.token_kind, most::word);
    append_text(out, "plan", record.plan, most::name);
}

void append_verdict(std::string& out, const AccessRecord& record)
{
    append_text(out, "verdict", record.verdict, most::word);
    append_denial(out, "reason", record.reason);
    append_denial(out, "cause", record.cause);
    append_text(out, "limit", record.limit, most::name);
    if (record.remaining) append_number(out, "remaining", *record.remaining);
    append_text(out, "limit_by", record.limit_by, most::word);
    append_denial(out, "shadow", record.shadow);
}

}  // namespace

void append_json(std::string& out, const AccessRecord& record)
{
    out.append("{\"ts\":\"");
    append_timestamp(out, record.started);
    out.append("\",\"level\":\"info\",\"msg\":\"request\"");
    append_request(out, record);
    append_outcome(out, record);
    append_identity(out, record);
    append_verdict(out, record);
    out.push_back('}');
}

}  // namespace orggate::observe
