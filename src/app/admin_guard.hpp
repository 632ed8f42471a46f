// Who may ask the admin listener. Over its unix socket: our own user and root, whatever the
// file's mode was when they connected. Over TCP: loopback names in Host (a web page that
// resolves its own name to loopback has another) and the token.
// Pure.

#pragma once

#include "app/page_server.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace orggate::app {

struct AdminGuard {
    bool is_unix = true;
    unsigned own_user = 0;
    std::string token{};  // TCP; never empty there

    // The refusal, or nothing.
    std::optional<Page> refuse(const PageRequest& request) const;
};

// Takes the same time wherever they differ.
bool is_same_secret(std::string_view one, std::string_view other);

}  // namespace orggate::app
