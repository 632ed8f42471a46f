// Judges the raw bytes of a message head as they arrive, before any parser sees
// them: Beast hides folded lines and cannot tell us about them.
//
// A byte-at-a-time state machine, so the verdict cannot depend on how the bytes
// were split. Pure. Source: RFC 9112 sections 2 to 5; 9110 section 5.

#pragma once

#include "orggate/denial.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace orggate::http {

struct HeadLimits {
    std::size_t head = 48 * 1024;              // all bytes to the blank line
    std::size_t field = 8 * 1024;              // one field line
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
    // Bytes behind the head are not looked at.
    // Refuses: not_http, bare_lf, bare_cr, obs_fold, bad_request_line, version_unsupported,
    //          method_refused (TRACE, CONNECT; 405 whatever their target),
    //          bad_field_name, bad_field_value, target_too_long, head_too_large,
    //          too_many_fields.
    Result<std::optional<std::size_t>> feed(std::string_view bytes);

    // Ready for the next message.
    void reset();

private:
    HeadKind kind_;
    HeadLimits limits_;
    int state_ = 0;
    std::size_t total_ = 0, line_ = 0, fields_ = 0, name_ = 0;
    std::uint64_t name_hash_ = 0;  // for whatever the implementation needs to know of the name
};

}  // namespace orggate::http
