// Judges the raw bytes of a message head as they arrive, before any parser sees
// them: Beast hides folded lines and cannot tell us about them.
//
// A state machine that could be fed byte by byte, so the verdict cannot depend on how
// the bytes were split. Pure. Source: RFC 9112 sections 2 to 5; 9110 section 5.

#pragma once

#include "orggate/denial.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace orggate::http {

struct HeadLimits {
    std::size_t head = 48 * 1024;              // all bytes to the blank line
    std::size_t field = 8 * 1024;              // one field line without its CRLF
    std::size_t credential_field = 17 * 1024;  // Authorization, Cookie, Set-Cookie
    std::size_t fields = 100;
    std::size_t target = 8 * 1024;  // requests only
};

enum class HeadKind { request, response };

class HeadScan {
public:
    HeadScan(HeadKind kind, const HeadLimits& limits);

    // Feeds the bytes that follow those fed before. Gives the head's length, counted
    // from the first byte ever fed, once its blank line has come; until then nothing.
    // Bytes behind the head are not looked at. After a refusal only reset() may follow.
    // A request whose first byte cannot start a method is not_http (so an empty line
    // before the request line is, and a TLS hello at its first byte). Values may hold
    // obs-text, names may not.
    // Refuses: not_http, bare_lf, bare_cr, obs_fold, bad_request_line (a status line too),
    //          version_unsupported, method_refused (TRACE, CONNECT, whatever their target;
    //          over 32 bytes), bad_field_name, bad_field_value, target_too_long,
    //          head_too_large, too_many_fields.
    Result<std::optional<std::size_t>> feed(std::string_view bytes);

    // Ready for the next message.
    void reset();

private:
    enum class State : unsigned char;

    Denial step(const char*& p, const char* end);
    Denial read_method(const char*& p, const char* end);
    Denial read_target(const char*& p, const char* end);
    Denial read_version(char c);
    Denial read_status(char c);
    Denial read_reason(const char*& p, const char* end);
    Denial start_line(char c);
    Denial read_name(const char*& p, const char* end);
    Denial read_value(const char*& p, const char* end);
    Denial expect_lf(char c, State next);
    void keep_word(const char* from, const char* to);
    std::string_view word() const;
    bool grows_past_limit(std::size_t bytes) { return (line_ += bytes) > line_limit_; }

    HeadKind kind_;
    State state_;
    HeadLimits limits_;
    std::size_t total_ = 0;       // bytes of this head so far
    std::size_t run_ = 0;         // of the method, target or version
    std::size_t line_ = 0;        // of the current line
    std::size_t line_limit_ = 0;  // of the current line
    std::size_t fields_ = 0;
    // The beginning of the method or field name, however it was split.
    std::array<char, 16> word_{};
    std::size_t word_size_ = 0;
};

}  // namespace orggate::http
