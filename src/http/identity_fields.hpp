// A verified session as request fields.
// Pure.

#pragma once

#include "orggate/denial.hpp"
#include "orggate/http/managed_fields.hpp"
#include "orggate/token/session.hpp"

#include <string>

namespace orggate::http {

// Whether permissions, plans and features were all short enough: each goes on whole, up
// to 4 KiB, or not at all.
enum class Lists { complete, left_out };

// Appends one line for everything the session has; empty values have none.
// Refuses: token_malformed, for a value that could not stand in a field. What has been
//          appended by then is the caller's to take back.
Result<Lists> append_identity(
    std::string& out, const token::Session& session, const HeaderNames& names);

}  // namespace orggate::http
