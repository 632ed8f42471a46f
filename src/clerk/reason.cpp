#include "orggate/clerk/decision.hpp"

namespace orggate::clerk {

std::string_view reason(Denial denial)
{
    switch (denial) {
        case Denial::token_missing: return "session-token-and-uat-missing";
        case Denial::token_malformed:
        case Denial::token_ambiguous: return "token-invalid";
        case Denial::token_category:
        case Denial::token_kind_refused: return "token-type-mismatch";
        case Denial::token_algorithm: return "token-invalid-algorithm";
        case Denial::token_verification_failed: return "token-verification-failed";
        case Denial::token_signature: return "token-invalid-signature";
        case Denial::token_party: return "token-invalid-authorized-parties";
        case Denial::token_issuer: return "token-invalid-issuer";
        case Denial::token_expired: return "token-expired";
        case Denial::token_not_active_yet: return "token-not-active-yet";
        case Denial::token_issued_in_future: return "token-iat-in-the-future";
        case Denial::token_key_unknown: return "jwk-kid-mismatch";
        case Denial::signed_out: return "session-token-but-no-client-uat";
        case Denial::keys_unavailable: return "jwk-remote-failed-to-load";
        // Refusals that are not about a token have no name there.
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
        case Denial::authorization_repeated:
        case Denial::bad_target:
        case Denial::dot_segment:
        case Denial::encoded_separator:
        case Denial::empty_segment:
        case Denial::method_refused:
        case Denial::body_too_large:
        case Denial::target_too_long:
        case Denial::head_too_large:
        case Denial::too_many_fields:
        case Denial::host_unknown:
        case Denial::version_unsupported:
        case Denial::coding_unsupported:
        case Denial::expectation_failed:
        case Denial::head_timeout:
        case Denial::body_timeout:
        case Denial::session_pending:
        case Denial::org_missing:
        case Denial::org_mismatch:
        case Denial::org_changed:
        case Denial::role_missing:
        case Denial::permission_missing:
        case Denial::feature_missing:
        case Denial::plan_missing:
        case Denial::scope_missing:
        case Denial::claim_missing:
        case Denial::reverification_needed:
        case Denial::impersonation_refused:
        case Denial::blocked:
        case Denial::origin_refused:
        case Denial::preflight_refused:
        case Denial::redirect_loop:
        case Denial::quota_exhausted:
        case Denial::limiter_unavailable:
        case Denial::overloaded:
        case Denial::draining:
        case Denial::upstream_unreachable:
        case Denial::upstream_name:
        case Denial::upstream_tls:
        case Denial::upstream_protocol:
        case Denial::upstream_closed:
        case Denial::upstream_timeout: break;
    }
    return {};
}

}  // namespace orggate::clerk
