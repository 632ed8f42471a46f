// One Clerk instance, as its publishable key describes it.
// Pure. Source: Clerk's publishable key format, cookie suffix, account portal rules.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace orggate::clerk {

enum class InstanceType { development, production };

struct Instance {
    InstanceType type = InstanceType::production;
    std::string frontend_host;   // decoded from the key: clerk.example.com
    std::string cookie_suffix;   // 8 characters: __session_<suffix>
    std::string account_portal;  // https://accounts.example.com, no trailing slash
};

// Nothing if the key is not one: prefix, three parts, forgiving standard base64,
// one final `$`, a dot in the host. Stricter than the SDK: the host consists of
// letters, digits, `.`, `-` and `:`, since it goes into URLs.
std::optional<Instance> parse_publishable_key(std::string_view key);

}  // namespace orggate::clerk
