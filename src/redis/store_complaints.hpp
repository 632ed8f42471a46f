// Says what a server refused: each kind at most once a minute, so that an outage is a line
// and not a flood.

#pragma once

#include "orggate/observe/log.hpp"
#include "orggate/redis/store.hpp"
#include "redis/server_error.hpp"

#include <chrono>
#include <map>
#include <string>
#include <string_view>

namespace orggate::redis {

// What may be said of it: the reply, at most 200 bytes, for a defect and for NOPERM, which names
// what is missing; else the code alone, since AUTH's errors may hold a password.
std::string describe(const ServerError& error, std::string_view text);

class Complaints {
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit Complaints(observe::Log& log) : log_(log) {}
    // `text`: the reply.
    void add(
        const ServerError& error, std::string_view text, const config::Address& server, Time now);

private:
    observe::Log& log_;
    std::map<std::string_view, Time> next_;  // by code; as many as there are codes
};

}  // namespace orggate::redis
