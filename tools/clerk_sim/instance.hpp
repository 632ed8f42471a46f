// What a Clerk instance is known by.
// Source: Clerk's publishable key format and cookie suffix.

#pragma once

#include <string>
#include <string_view>

namespace clerk_sim {

struct Instance {
    std::string publishable_key, secret_key;
    std::string frontend_host;  // decoded from the publishable key
    std::string cookie_suffix;
    bool is_development = false;

    std::string issuer() const { return "https://" + frontend_host; }
};

// Throws std::invalid_argument if `publishable_key` is not one.
Instance make_instance(std::string_view publishable_key, std::string_view secret_key);

}  // namespace clerk_sim
