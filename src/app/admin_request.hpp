// What the commands `tenant` and `limit` ask the admin listener, and how its answers read.
// Pure.

#pragma once

#include "app/options.hpp"

#include <string>
#include <string_view>

namespace orggate::app {

struct AdminRequest {
    std::string method, target;
};
AdminRequest admin_request(const Options& options);

// A whole head. `host` as Host; an empty token sends none.
std::string to_bytes(const AdminRequest& request, std::string_view host, std::string_view token);

// An answer's JSON as lines for people; as it is where it is none of ours.
std::string readable(Command command, std::string_view json);

}  // namespace orggate::app
