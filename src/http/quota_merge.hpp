// An upstream's own word about limits beside ours: neither is ever loosened.
// Pure.

#pragma once

#include "orggate/http/request_head.hpp"

#include <span>
#include <string>
#include <string_view>

namespace orggate::http {

// RateLimit, RateLimit-Policy, and the three of X-RateLimit- and of RateLimit-.
bool is_quota_field(std::string_view name);

// Appends `theirs` (fields of such names) and `ours` (complete lines of such names) as one.
// The lists stand together. Where both name a policy, the item with less left stands, and
// its policy with it; what cannot be read is kept beside ours. Of the three-field forms the
// one with less remaining stands, never both.
void append_merged_quota_fields(
    std::string& out, std::span<const Field> theirs, std::string_view ours);

// `ours` as it may stand beside this status: a redirect is not given RateLimit with r=0, or
// clients might wait before they follow it. `kept` holds the text if it differs.
std::string_view quota_fields_for(int status, std::string_view ours, std::string& kept);

}  // namespace orggate::http
