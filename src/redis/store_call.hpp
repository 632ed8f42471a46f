// A call and its bytes.

#pragma once

#include "redis/command.hpp"

#include "orggate/redis/store.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::redis {

struct Call {
    const Script* script = nullptr;  // null: `arguments` is a plain command
    std::uint16_t slot = 0;
    std::span<const std::string> keys{}, arguments{};
    Milliseconds within{0};
};

enum class Form { digest, text };       // EVALSHA or EVAL
enum class Before { nothing, asking };  // ASKING, for the one command that follows it

// Keeps its list of words from call to call: one allocation a call, for the bytes.
class CallWriter {
public:
    Command write(const Call& call, Form form, Before before);

private:
    std::vector<std::string_view> words_;
};

}  // namespace orggate::redis
