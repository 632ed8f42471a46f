#include "http/denial_facts.hpp"

namespace orggate::http {

namespace {

constexpr std::string_view request_error = "http_request_error";
constexpr std::string_view denied = "http_request_denied";
constexpr std::string_view internal_error = "proxy_internal_error";
constexpr std::string_view internal_response = "proxy_internal_response";

constexpr DenialFacts malformed{400, request_error, "Bad request",
    "The request was not understood: it is malformed, or two readers could take it differently."};
constexpr DenialFacts ambiguous{400, request_error, "Bad request",
    "The address of this request can be read in more than one way."};
constexpr DenialFacts bad_token{401, denied, "Please sign in",
    "The sign-in that came with this request is not valid here.", HelpPage::sign_in};

}  // namespace

DenialFacts facts_of(Denial denial)
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
        case Denial::authorization_repeated: return malformed;
        case Denial::bad_target:
        case Denial::dot_segment:
        case Denial::encoded_separator:
        case Denial::empty_segment: return ambiguous;

        case Denial::method_refused:
            return {405, request_error, "Method not allowed", "This method is not served here."};
        case Denial::body_too_large:
            return {413, request_error, "Too large", "The request's content is too large."};
        case Denial::target_too_long:
            return {
                414, request_error, "Address too long", "The address of this request is too long."};
        case Denial::head_too_large:
        case Denial::too_many_fields:
            return {431, request_error, "Request fields too large",
                "The request's fields are too large or too many. In a browser, clearing this "
                "site's cookies helps."};
        case Denial::host_unknown:
            return {421, request_error, "Wrong address", "This host name is not served here."};
        case Denial::version_unsupported:
            return {505, request_error, "HTTP version not supported",
                "Only HTTP/1.0 and HTTP/1.1 are spoken here."};
        case Denial::coding_unsupported:
            return {
                501, request_error, "Not implemented", "This transfer coding is not supported."};
        case Denial::expectation_failed:
            return {417, request_error, "Expectation failed", "Only 100-continue can be expected."};
        case Denial::head_timeout:
            return {408, request_error, "Too slow", "The request did not arrive in time."};
        case Denial::body_timeout:
            return {
                408, request_error, "Too slow", "The request's content did not arrive in time."};

        case Denial::token_missing:
            return {
                401, denied, "Please sign in", "This needs a signed-in user.", HelpPage::sign_in};
        case Denial::signed_out:
            return {401, denied, "Please sign in", "You are signed out.", HelpPage::sign_in};
        case Denial::token_expired:
            return {401, denied, "Please sign in",
                "The sign-in that came with this request has expired.", HelpPage::sign_in};
        case Denial::token_not_active_yet:
        case Denial::token_issued_in_future:
            return {401, denied, "Please sign in",
                "The sign-in that came with this request is not valid yet: a clock is wrong.",
                HelpPage::sign_in};
        case Denial::token_key_unknown:
            return {401, denied, "Please sign in",
                "The sign-in that came with this request was issued by somebody we do not know."};
        case Denial::token_kind_refused:
            return {401, denied, "Please sign in", "This kind of token is not accepted here.",
                HelpPage::sign_in};
        case Denial::token_malformed:
        case Denial::token_ambiguous:
        case Denial::token_category:
        case Denial::token_algorithm:
        case Denial::token_verification_failed:
        case Denial::token_signature:
        case Denial::token_party:
        case Denial::token_issuer: return bad_token;
        case Denial::session_pending:
            return {401, denied, "Almost signed in", "Your sign-in has a step left to complete.",
                HelpPage::tasks};

        case Denial::org_missing:
            return {403, denied, "Choose an organisation",
                "You are signed in, but no organisation is active, and this page belongs to one.",
                HelpPage::choose_org};
        case Denial::org_mismatch:
            return {
                404, denied, "Not found", "There is nothing here for your active organisation."};
        case Denial::org_changed:
            return {409, denied, "Your organisation has changed",
                "The active organisation is no longer the one this request was made for. "
                "Load the page again."};
        case Denial::role_missing:
            return {
                403, denied, "Not allowed", "Your role does not allow this.", HelpPage::forbidden};
        case Denial::permission_missing:
            return {403, denied, "Not allowed", "You lack a permission that this needs.",
                HelpPage::forbidden};
        case Denial::feature_missing:
            return {403, denied, "Not included", "This needs a feature that is not enabled.",
                HelpPage::forbidden};
        case Denial::plan_missing:
            return {403, denied, "Not included", "This is not part of the current plan.",
                HelpPage::forbidden};
        case Denial::scope_missing:
            return {403, denied, "Not allowed", "The token lacks a scope that this needs.",
                HelpPage::forbidden};
        case Denial::claim_missing:
            return {403, denied, "Not allowed", "Your account lacks something that this needs.",
                HelpPage::forbidden};
        case Denial::reverification_needed:
            return {403, denied, "Please verify again", "This needs a recent verification."};
        case Denial::impersonation_refused:
            return {403, denied, "Not allowed", "This cannot be done on behalf of somebody else.",
                HelpPage::forbidden};
        case Denial::blocked:
            return {403, denied, "Blocked",
                "Access has been blocked. Ask the operator of this service."};
        case Denial::origin_refused:
            return {403, denied, "Not allowed", "Connections from this origin are not allowed."};
        case Denial::preflight_refused:
            return {403, denied, "Not allowed", "Cross-origin requests are not allowed here."};
        case Denial::redirect_loop:
            return {403, denied, "Going round in circles",
                "You were sent to another page several times and came back each time in the "
                "same state."};

        case Denial::quota_exhausted:
            return {429, denied, "Too many requests", "A rate limit has been reached."};
        case Denial::limiter_unavailable:
            return {503, internal_error, "Not available just now",
                "The rate limits cannot be checked just now. Try again soon."};
        case Denial::keys_unavailable:
            return {503, internal_error, "Not available just now",
                "Sign-ins cannot be verified just now. Try again soon."};
        case Denial::overloaded:
            return {503, internal_response, "Not available just now",
                "There is too much to do just now. Try again soon."};
        case Denial::draining:
            return {503, internal_response, "Not available just now",
                "This instance is shutting down. Try again."};

        case Denial::upstream_unreachable:
            return {502, "destination_unavailable", "Bad gateway",
                "The application cannot be reached."};
        case Denial::upstream_name:
            return {502, "dns_error", "Bad gateway", "The application's address cannot be found."};
        case Denial::upstream_tls:
            return {502, "tls_protocol_error", "Bad gateway",
                "No secure connection to the application is possible."};
        case Denial::upstream_protocol:
            return {502, "http_protocol_error", "Bad gateway",
                "The application's answer was not understood."};
        case Denial::upstream_closed:
            return {502, "connection_terminated", "Bad gateway",
                "The application ended the connection."};
        case Denial::upstream_timeout:
            return {504, "http_response_timeout", "Gateway timeout",
                "The application did not answer in time."};
    }
    return {500, internal_error, "Error", "Something went wrong."};
}

std::string_view reason_phrase(int status)
{
    switch (status) {
        case 200: return "OK";
        case 204: return "No Content";
        case 307: return "Temporary Redirect";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 413: return "Content Too Large";
        case 414: return "URI Too Long";
        case 417: return "Expectation Failed";
        case 421: return "Misdirected Request";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 501: return "Not Implemented";
        case 502: return "Bad Gateway";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        case 505: return "HTTP Version Not Supported";
        default: return "Internal Server Error";
    }
}

}  // namespace orggate::http
