// The pages a browser sees, and the addresses it may be sent back to.

#pragma once

#include <map>
#include <string>
#include <string_view>

namespace clerk_sim {

using Query = std::map<std::string, std::string, std::less<>>;

// The query of a request target, decoded (form rules: `+` is a space).
Query parse_query(std::string_view target);
std::string path_of(std::string_view target);
std::string encode(std::string_view text);  // for a query

// The cookie's value; empty if there is none.
std::string find_cookie(std::string_view header, std::string_view name);

// scheme://host:port of an address on this machine; empty for any other. Whoever may mint
// tokens here must not be sent elsewhere with them.
std::string loopback_origin(std::string_view url);

struct Organization {
    std::string_view id, name, plan, features, permissions, bitmaps;
};
// The two the choice page offers; null if `id` is neither.
const Organization* find_organization(std::string_view id);

std::string index_page();
std::string sign_in_page(std::string_view query);
std::string choose_organization_page(std::string_view query, bool is_task);
std::string message_page(std::string_view title, std::string_view text);

}  // namespace clerk_sim
