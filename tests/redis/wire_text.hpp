// Replies as text, so that tests can compare them: :1 "bulk" +OK -ERR nil [a b].

#pragma once

#include "redis/wire.hpp"

#include <string>

namespace orggate::test {

inline std::string text_of(const redis::Reply& reply)
{
    using Kind = redis::Reply::Kind;
    switch (reply.kind) {
        case Kind::nil: return "nil";
        case Kind::integer: return ":" + std::to_string(reply.integer);
        case Kind::text: return '"' + reply.text + '"';
        case Kind::status: return "+" + reply.text;
        case Kind::error: return "-" + reply.text;
        case Kind::array: break;
    }
    std::string all = "[";
    for (const auto& element : reply.elements)
        all += (all.size() > 1 ? " " : "") + text_of(element);
    return all + "]";
}

// All whole replies that are there now, one a line.
inline std::string drain(redis::Reader& reader)
{
    std::string all;
    while (const auto reply = reader.next())
        all += (all.empty() ? "" : "\n") + text_of(*reply);
    return all;
}

}  // namespace orggate::test
