// What an error reply asks for. Two shapes are read: the code first (Redis 7), and the
// older "ERR Error running script ...: -CODE ..." with the code inside.
// Pure. Source: Redis documentation (serialization protocol, cluster specification,
// scripting), and what Redis 7.0 answers.

#pragma once

#include "orggate/redis/store.hpp"

#include <cstdint>
#include <string_view>

namespace orggate::redis {

enum class Remedy {
    none,        // the failure stands
    send_text,   // NOSCRIPT: the server has not seen the script; nothing ran
    follow,      // MOVED: another server owns the slot; nothing ran
    ask,         // ASK: this once another server, after ASKING; nothing ran
    wait,        // TRYAGAIN: the keys of a moving slot are apart; nothing ran
    rediscover,  // READONLY, MASTERDOWN: this is no primary; nothing was written
};

struct ServerError {
    Remedy remedy = Remedy::none;
    Failure failure = Failure::defect;  // if there is no remedy, or it did not help
    std::string_view code;              // the word it was known by; a constant
    // Of MOVED and ASK; the host points into the text. Empty: the host that was asked.
    std::uint16_t slot = 0, port = 0;
    std::string_view host;
};

ServerError classify(std::string_view text);

}  // namespace orggate::redis
