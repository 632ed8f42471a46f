// Commands as bytes on the wire.

#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace orggate::redis {

// One write; the last of its replies is the answer (ASKING comes before a command).
struct Command {
    std::string bytes;
    int replies = 1;
};

// RESP2 array of bulk strings. Binary-safe.
void append_command(std::string& out, std::span<const std::string_view> words);
Command make_command(std::initializer_list<std::string_view> words);

}  // namespace orggate::redis
