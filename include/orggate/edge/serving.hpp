// What a worker serves with now: one configuration and one key set, both shared and
// constant, and what is special about organisations now. Replaced as a whole; a request keeps the one it began with.

#pragma once

#include "orggate/config/config.hpp"
#include "orggate/token/key_set.hpp"

#include <memory>

namespace orggate::edge {

struct Serving {
    std::shared_ptr<const config::Config> config;
    std::shared_ptr<const token::KeySet> keys;         // null: none yet, or too old
    std::shared_ptr<const policy::Tenants> tenants{};  // of all sources; null: the file's own

    const policy::Tenants& tenants_now() const { return tenants ? *tenants : config->tenants; }
};

}  // namespace orggate::edge
