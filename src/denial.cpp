#include "orggate/denial.hpp"

#include <stdexcept>
#include <string>

namespace orggate {

std::string_view name(Denial denial)
{
    switch (denial) {
#define ORGGATE_NAME(x)                                                                            \
    case Denial::x: return #x
        ORGGATE_NAME(not_http);
        ORGGATE_NAME(bare_lf);
        ORGGATE_NAME(bare_cr);
        ORGGATE_NAME(obs_fold);
        ORGGATE_NAME(bad_request_line);
        ORGGATE_NAME(bad_field_name);
        ORGGATE_NAME(bad_field_value);
        ORGGATE_NAME(bad_content_length);
        ORGGATE_NAME(bad_transfer_encoding);
        ORGGATE_NAME(bad_chunk);
        ORGGATE_NAME(chunk_extension);
        ORGGATE_NAME(trailer_refused);
        ORGGATE_NAME(body_truncated);
        ORGGATE_NAME(bad_host);
        ORGGATE_NAME(bad_upgrade);
        ORGGATE_NAME(field_alias);
        ORGGATE_NAME(protected_in_connection);
        ORGGATE_NAME(authorization_repeated);
        ORGGATE_NAME(bad_target);
        ORGGATE_NAME(dot_segment);
        ORGGATE_NAME(encoded_separator);
        ORGGATE_NAME(empty_segment);
        ORGGATE_NAME(method_refused);
        ORGGATE_NAME(body_too_large);
        ORGGATE_NAME(target_too_long);
        ORGGATE_NAME(head_too_large);
        ORGGATE_NAME(too_many_fields);
        ORGGATE_NAME(host_unknown);
        ORGGATE_NAME(version_unsupported);
        ORGGATE_NAME(coding_unsupported);
        ORGGATE_NAME(expectation_failed);
        ORGGATE_NAME(head_timeout);
        ORGGATE_NAME(body_timeout);
        ORGGATE_NAME(token_missing);
        ORGGATE_NAME(token_malformed);
        ORGGATE_NAME(token_ambiguous);
        ORGGATE_NAME(token_category);
        ORGGATE_NAME(token_algorithm);
        ORGGATE_NAME(token_verification_failed);
        ORGGATE_NAME(token_signature);
        ORGGATE_NAME(token_party);
        ORGGATE_NAME(token_issuer);
        ORGGATE_NAME(token_expired);
        ORGGATE_NAME(token_not_active_yet);
        ORGGATE_NAME(token_issued_in_future);
        ORGGATE_NAME(token_key_unknown);
        ORGGATE_NAME(token_kind_refused);
        ORGGATE_NAME(signed_out);
        ORGGATE_NAME(session_pending);
        ORGGATE_NAME(org_missing);
        ORGGATE_NAME(org_mismatch);
        ORGGATE_NAME(org_changed);
        ORGGATE_NAME(role_missing);
        ORGGATE_NAME(permission_missing);
        ORGGATE_NAME(feature_missing);
        ORGGATE_NAME(plan_missing);
        ORGGATE_NAME(scope_missing);
        ORGGATE_NAME(claim_missing);
        ORGGATE_NAME(reverification_needed);
        ORGGATE_NAME(impersonation_refused);
        ORGGATE_NAME(blocked);
        ORGGATE_NAME(origin_refused);
        ORGGATE_NAME(preflight_refused);
        ORGGATE_NAME(redirect_loop);
        ORGGATE_NAME(quota_exhausted);
        ORGGATE_NAME(limiter_unavailable);
        ORGGATE_NAME(keys_unavailable);
        ORGGATE_NAME(overloaded);
        ORGGATE_NAME(draining);
        ORGGATE_NAME(upstream_unreachable);
        ORGGATE_NAME(upstream_name);
        ORGGATE_NAME(upstream_tls);
        ORGGATE_NAME(upstream_protocol);
        ORGGATE_NAME(upstream_closed);
        ORGGATE_NAME(upstream_timeout);
#undef ORGGATE_NAME
    }
    return "unknown";
}

std::string_view code(Denial denial)
{
    switch (denial) {
        case Denial::not_http:
        case Denial::bare_lf:
        case Denial::bare_cr:
        case Denial::obs_fold:
        case Denial::bad_request_line:
        case Denial::bad_field_name:
        case Denial::bad_field_value:
        case Denial::bad_content_length:
        case Denial::bad_transfer_encoding:
        case Denial::bad_chunk:
        case Denial::chunk_extension:
        case Denial::trailer_refused:
        case Denial::body_truncated:
        case Denial::bad_host:
        case Denial::bad_upgrade:
        case Denial::field_alias:
        case Denial::protected_in_connection:
        case Denial::authorization_repeated: return "malformed_request";
        case Denial::bad_target:
        case Denial::dot_segment:
        case Denial::encoded_separator:
        case Denial::empty_segment: return "ambiguous_target";
        case Denial::too_many_fields: return "head_too_large";
        default: return name(denial);
    }
}

Blame blame(Denial denial)
{
    if (denial >= Denial::upstream_unreachable) return Blame::upstream;
    if (denial >= Denial::limiter_unavailable) return Blame::us;
    return Blame::client;
}

void throw_exception_from_error(Denial denial, const boost::source_location&)
{
    throw std::logic_error("unread refusal: " + std::string(name(denial)));
}

}  // namespace orggate
