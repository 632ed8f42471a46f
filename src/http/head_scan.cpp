#include "orggate/http/head_scan.hpp"

#include "http/octets.hpp"
#include "orggate/http/managed_fields.hpp"

#include <algorithm>
#include <cstring>

namespace orggate::http {

enum class HeadScan::State : unsigned char {
    method,
    target,
    version,
    version_end,
    status,
    status_end,
    reason,
    start_lf,
    line,
    name,
    value,
    value_lf,
    head_lf,
    done,
};

namespace {

constexpr Denial none{};
constexpr std::size_t longest_method = 32;
constexpr std::string_view version_prefix = "HTTP/";

// A line feed is told apart everywhere; a carriage return only where a line may end.
Denial unexpected(char c, Denial otherwise)
{
    return c == '\n' ? Denial::bare_lf : otherwise;
}

bool is_credential(std::string_view name)
{
    switch (name.size()) {
        case 6: return same_name(name, "cookie");
        case 10: return same_name(name, "set-cookie");
        case 13: return same_name(name, "authorization");
        default: return false;
    }
}

}  // namespace

HeadScan::HeadScan(HeadKind kind, const HeadLimits& limits) : kind_(kind), limits_(limits)
{
    reset();
}

void HeadScan::reset()
{
    state_ = kind_ == HeadKind::request ? State::method : State::version;
    total_ = run_ = line_ = fields_ = word_size_ = 0;
    line_limit_ = limits_.field;
}

Result<std::optional<std::size_t>> HeadScan::feed(std::string_view bytes)
{
    const char* p = bytes.data();
    const char* const begin = p;
    const char* const end = p + std::min(bytes.size(), limits_.head - total_);
    while (p != end && state_ != State::done)
        if (const Denial denial = step(p, end); denial != none) return denial;
    total_ += static_cast<std::size_t>(p - begin);
    if (state_ == State::done) return std::optional(total_);
    if (total_ == limits_.head) return Denial::head_too_large;
    return std::optional<std::size_t>();
}

// Moves `p` on by at least one byte, over one run of bytes at most.
Denial HeadScan::step(const char*& p, const char* end)
{
    switch (state_) {
        case State::method: return read_method(p, end);
        case State::target: return read_target(p, end);
        case State::version: return read_version(*p++);
        case State::version_end:
            if (*p != '\r') return unexpected(*p, Denial::bad_request_line);
            state_ = State::start_lf;
            return ++p, none;
        case State::status:
        case State::status_end: return read_status(*p++);
        case State::reason: return read_reason(p, end);
        case State::start_lf: return expect_lf(*p++, State::line);
        case State::line: return start_line(*p++);
        case State::name: return read_name(p, end);
        case State::value: return read_value(p, end);
        case State::value_lf: return expect_lf(*p++, State::line);
        case State::head_lf: return expect_lf(*p++, State::done);
        case State::done: break;
    }
    return none;
}

Denial HeadScan::read_method(const char*& p, const char* end)
{
    const char* const from = p;
    p = skip(p, end, Octet::tchar);
    run_ += static_cast<std::size_t>(p - from);
    if (run_ > longest_method) return Denial::method_refused;
    keep_word(from, p);
    if (p == end) return none;
    if (run_ == 0) return Denial::not_http;
    if (*p != ' ') return unexpected(*p, Denial::bad_request_line);
    if (word() == "TRACE" || word() == "CONNECT") return Denial::method_refused;
    state_ = State::target;
    run_ = 0;
    return ++p, none;
}

Denial HeadScan::read_target(const char*& p, const char* end)
{
    const char* const from = p;
    p = skip(p, end, Octet::target);
    run_ += static_cast<std::size_t>(p - from);
    if (run_ > limits_.target) return Denial::target_too_long;
    if (p == end) return none;
    if (*p != ' ' || run_ == 0) return unexpected(*p, Denial::bad_request_line);
    state_ = State::version;
    run_ = 0;
    return ++p, none;
}

// HTTP/d.d, of which we speak 1.0 and 1.1.
Denial HeadScan::read_version(char c)
{
    const std::size_t at = run_++;
    if (at == 0 && kind_ == HeadKind::response && c != 'H') return Denial::not_http;
    const bool is_right = at < version_prefix.size() ? c == version_prefix[at]
                          : at == 6                  ? c == '.'
                                                     : is_digit(c);
    if (!is_right) return unexpected(c, Denial::bad_request_line);
    if (at == 5) word_[0] = c;
    if (at < 7) return none;
    if (word_[0] != '1' || c > '1') return Denial::version_unsupported;
    run_ = 0;
    state_ = kind_ == HeadKind::request ? State::version_end : State::status;
    return none;
}

// SP, three digits from 100 to 599, then SP and a reason, or at once the line's end.
Denial HeadScan::read_status(char c)
{
    if (state_ == State::status_end) {
        if (c != ' ' && c != '\r') return unexpected(c, Denial::bad_request_line);
        state_ = c == ' ' ? State::reason : State::start_lf;
        return none;
    }
    const std::size_t at = run_++;
    const bool is_right = at == 0 ? c == ' ' : at == 1 ? c >= '1' && c <= '5' : is_digit(c);
    if (!is_right) return unexpected(c, Denial::bad_request_line);
    if (at == 3) state_ = State::status_end;
    return none;
}

Denial HeadScan::read_reason(const char*& p, const char* end)
{
    const char* const from = p;
    p = skip(p, end, Octet::value);
    if (grows_past_limit(static_cast<std::size_t>(p - from))) return Denial::head_too_large;
    if (p == end) return none;
    if (*p != '\r') return unexpected(*p, Denial::bad_request_line);
    state_ = State::start_lf;
    return ++p, none;
}

Denial HeadScan::start_line(char c)
{
    line_ = word_size_ = 0;
    line_limit_ = limits_.field;
    if (c == '\r') {
        state_ = State::head_lf;
        return none;
    }
    // Nothing could be folded onto the start line.
    if (c == ' ' || c == '\t') return fields_ == 0 ? Denial::bad_field_name : Denial::obs_fold;
    if (!is(c, Octet::tchar)) return unexpected(c, Denial::bad_field_name);
    if (++fields_ > limits_.fields) return Denial::too_many_fields;
    keep_word(&c, &c + 1);
    state_ = State::name;
    return grows_past_limit(1) ? Denial::head_too_large : none;
}

Denial HeadScan::read_name(const char*& p, const char* end)
{
    const char* const from = p;
    p = skip(p, end, Octet::tchar);
    if (grows_past_limit(static_cast<std::size_t>(p - from))) return Denial::head_too_large;
    keep_word(from, p);
    if (p == end) return none;
    if (*p != ':') return unexpected(*p, Denial::bad_field_name);
    if (is_credential(word())) line_limit_ = limits_.credential_field;
    state_ = State::value;
    ++p;
    return grows_past_limit(1) ? Denial::head_too_large : none;
}

Denial HeadScan::read_value(const char*& p, const char* end)
{
    const char* const from = p;
    p = skip_value(p, end);
    if (grows_past_limit(static_cast<std::size_t>(p - from))) return Denial::head_too_large;
    if (p == end) return none;
    if (*p != '\r') return unexpected(*p, Denial::bad_field_value);
    state_ = State::value_lf;
    return ++p, none;
}

Denial HeadScan::expect_lf(char c, State next)
{
    if (c != '\n') return Denial::bare_cr;
    state_ = next;
    return none;
}

void HeadScan::keep_word(const char* from, const char* to)
{
    const auto left = word_.size() - word_size_;
    const auto bytes = std::min(static_cast<std::size_t>(to - from), left);
    std::memcpy(word_.data() + word_size_, from, bytes);
    word_size_ += bytes;
}

std::string_view HeadScan::word() const
{
    return {word_.data(), word_size_};
}

}  // namespace orggate::http
