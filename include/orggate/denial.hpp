// Every way a request can be refused, as one closed list.
// Pure. A new reason enters here, and the compiler then leads to every place
// that must know it: all switches over Denial have no default.

#pragma once

#include <boost/system/result.hpp>

#include <string_view>

namespace orggate {

// Starts at 1: an error_code reads zero as success.
enum class Denial : int {
    // The bytes: what two parsers could read differently (RFC 9112).
    not_http = 1,
    bare_lf,
    bare_cr,
    obs_fold,
    bad_request_line,
    bad_field_name,
    bad_field_value,
    bad_content_length,
    bad_transfer_encoding,
    bad_chunk,
    chunk_extension,
    trailer_refused,
    body_truncated,
    bad_host,
    bad_upgrade,
    field_alias,
    protected_in_connection,
    authorization_repeated,
    bad_target,
    dot_segment,
    encoded_separator,
    empty_segment,
    // Well formed, but not for us.
    method_refused,
    body_too_large,
    target_too_long,
    head_too_large,
    too_many_fields,
    host_unknown,
    version_unsupported,
    coding_unsupported,
    expectation_failed,
    head_timeout,
    body_timeout,
    // The token (names follow Clerk's reasons, see clerk::reason).
    token_missing,
    token_malformed,
    token_ambiguous,
    token_category,
    token_algorithm,
    token_verification_failed,
    token_signature,
    token_party,
    token_issuer,
    token_expired,
    token_not_active_yet,
    token_issued_in_future,
    token_key_unknown,
    token_kind_refused,
    signed_out,
    session_pending,
    // The policy.
    org_missing,
    org_mismatch,
    org_changed,
    role_missing,
    permission_missing,
    feature_missing,
    plan_missing,
    scope_missing,
    claim_missing,
    reverification_needed,
    impersonation_refused,
    blocked,
    origin_refused,
    preflight_refused,
    redirect_loop,
    // The limits.
    quota_exhausted,
    limiter_unavailable,
    // Our own state.
    keys_unavailable,
    overloaded,
    draining,
    // The protected service.
    upstream_unreachable,
    upstream_name,
    upstream_tls,
    upstream_protocol,
    upstream_closed,
    upstream_timeout,
};

inline constexpr Denial last_denial = Denial::upstream_timeout;

enum class Blame { client, us, upstream };

// The fine reason, for logs and metric labels: the enumerator's own name.
std::string_view name(Denial);

// What a client is told. Several fine reasons share one code: all malformed
// bytes are `malformed_request`, all unclear paths `ambiguous_target`.
std::string_view code(Denial);

Blame blame(Denial);

template <class T>
using Result = boost::system::result<T, Denial>;

// Lets `result::value()` name the refusal instead of failing to compile; no
// code path of ours calls it on a refusal.
[[noreturn]] void throw_exception_from_error(Denial, const boost::source_location&);

}  // namespace orggate
