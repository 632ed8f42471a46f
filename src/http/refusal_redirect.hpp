// Where a refused browser is sent, and the cookie that notices when it comes back in
// circles.
// Pure. Source: Clerk's redirectToSignIn (return URL, `redirect_url` replaced).

#pragma once

#include "orggate/http/denial_reply.hpp"

#include <string>
#include <string_view>

namespace orggate::http {

// The page for this refusal, whoever asks; empty if it has none or it is not configured.
std::string_view page_for(Denial denial, const Pages& pages);

// Whether this client is to be sent there: documents, by the rule's `when_refused`.
bool may_redirect(const Refusal& refusal);

// The page with `redirect_url=<return_to>` in its query, instead of any it had; without
// it if `return_to` is empty. Only bytes that may stand in a Location.
std::string make_location(std::string_view page, std::string_view return_to);

inline constexpr int max_redirects = 3;

// How often our redirects have been followed lately; 0 without the cookie.
int count_redirects(std::string_view cookies);

// The Set-Cookie line that says `count`; 0 forgets it.
std::string make_loop_cookie(int count, const Refusal& refusal);

}  // namespace orggate::http
