// Claims as text by dotted path, for requirements and headers the operator names.
// Pure.

#pragma once

#include "token/json.hpp"

#include <functional>
#include <map>
#include <string>

namespace orggate::token {

// Every text, number, true and false below `payload`; no null and no list. Left out: all
// below a member named `unsafe_metadata`, which users write themselves, and names that are empty
// or hold a dot, since `{"a.b":1}` and `{"a":{"b":1}}` would share a path.
std::map<std::string, std::string, std::less<>> flatten_claims(const json::Object& payload);

}  // namespace orggate::token
