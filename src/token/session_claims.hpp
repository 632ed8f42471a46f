// Reads the claims of a verified payload, of version 1 or 2, into a Session.
// Pure. Source: Clerk session token reference.

#pragma once

#include "orggate/denial.hpp"
#include "orggate/token/session.hpp"
#include "token/json.hpp"

namespace orggate::token {

// All but the times. Version 1 if `v` is absent or 1, version 2 if it is the integer
// 2; neither ever falls back to the other's claims.
// Refuses token_malformed: another `v`; ids that are not user_, sess_, org_ and 1 to 64
// letters and digits; any claim that becomes a header field and is not a word (see
// permissions.hpp); an organisation, actor, status or list of another shape.
Result<Session> read_session(const json::Object& payload);

}  // namespace orggate::token
