// What a worker serves with now: one configuration and one key set, both shared and
// constant. Replaced as a whole; a request keeps the one it began with.

#pragma once

#include "orggate/config/config.hpp"
#include "orggate/token/key_set.hpp"

#include <memory>

namespace orggate::edge {

struct Serving {
    std::shared_ptr<const config::Config> config;
    std::shared_ptr<const token::KeySet> keys;  // null: none yet, or too old
};

}  // namespace orggate::edge
