// One request as one record, and that record as one JSON line.
// Plain values: the views are read before the request's buffers go.

#pragma once

#include "orggate/denial.hpp"
#include "orggate/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace orggate::observe {

struct AccessRecord {
    std::chrono::system_clock::time_point started{};
    std::string_view request_id, trace_id;
    std::string_view method, host, path;  // a query in the path is not written
    int status = 0;                       // 0: the client left before an answer
    Microseconds duration{};
    std::optional<Microseconds> upstream;  // until the upstream's head
    std::uint64_t bytes_in = 0, bytes_out = 0;
    std::string_view client_ip, route;
    std::string_view org_id, user_id, token_kind, plan;
    std::string_view verdict;  // allowed | refused | aborted | failed
    std::optional<Denial> reason;
    std::optional<Denial> cause;  // behind redirect_loop: what sent the browser round
    std::string_view limit;       // the limit that refused, or the tightest that allowed
    std::optional<std::int64_t> remaining;
    std::string_view limit_by;     // who said so: counter | deny_cache | lease | fallback | open
    std::optional<Denial> shadow;  // what a rule in shadow would have refused
};

inline constexpr std::size_t max_access_line = 4000;

// Appends one JSON object without newline, at most `max_access_line` bytes:
// long values are cut, never the object. Fields in this order, absent ones left out:
// ts level msg request_id trace_id method host path status duration_ms upstream_ms
// bytes_in bytes_out client_ip route org_id user_id token_kind plan verdict reason cause limit
// remaining limit_by shadow.
void append_json(std::string& out, const AccessRecord& record);

}  // namespace orggate::observe
