// The field names we own: which a client may not send, which do not travel.
// Pure. Closed lists; `headers.rename` and `headers.claims` add to them.

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::http {

enum class Identity {
    org_id,
    org_slug,
    org_role,
    org_permissions,
    org_plan,
    org_features,
    user_id,
    session_id,
    actor_id,
    auth_kind
};
inline constexpr std::size_t identities = 10;

// X-Org-Id and so on.
std::string_view default_field_name(Identity identity);

// The operator's choices about header names (config: headers, assertion).
struct HeaderNames {
    std::map<Identity, std::string> renamed;    // the default name stays stripped
    std::map<std::string, std::string> claims;  // field name -> dotted claim path
    std::string assertion;                      // empty: none
    enum class OddNames { drop, refuse } odd_names = OddNames::drop;
};

// How a client's field is treated, decided from its name alone.
enum class FieldFate {
    keep,
    strip,   // a name of ours in its canonical spelling, any case: removed and counted
    remove,  // rewriting or framework-internal: removed
    hop,     // hop-by-hop (RFC 9110 section 7.6.1)
    refuse,  // folds to one of ours or to a framing name: field_alias
    odd,     // outside A-Za-z0-9- but nothing of ours
};
FieldFate request_field_fate(std::string_view name, const HeaderNames& names);

// Whether an upstream's response field is withheld from the client.
bool is_withheld_from_client(std::string_view name, const HeaderNames& names);

// The default names only, for the parser's alias rule.
const HeaderNames& default_header_names();

// Case-insensitive ASCII comparison.
bool same_name(std::string_view a, std::string_view b);

}  // namespace orggate::http
