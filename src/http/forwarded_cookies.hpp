// The Cookie field as the app may see it: without the credentials it has no use for.
// Pure.

#pragma once

#include "orggate/http/upstream_head.hpp"

#include <string>
#include <string_view>

namespace orggate::http {

// Our own counter of redirects; never the app's business.
inline constexpr std::string_view loop_cookie = "__orggate_loop";

// Appends the field, if a cookie is left; the pairs that stay are not touched.
void append_cookies(std::string& out, std::string_view cookies, Credentials credentials);

}  // namespace orggate::http
