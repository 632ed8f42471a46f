// The forms of the admin listener's answers.
// Pure.

#pragma once

#include "app/page_server.hpp"
#include "app/query.hpp"

#include <string>
#include <string_view>

namespace orggate::app {

Page json_page(std::string body, int status = 200);

// {"error":"..."}
Page refusal(int status, std::string_view text);
Page refusal(const Fault& fault);
// Redis did not do it; `trouble` is Store::trouble().
Page redis_is_away(std::string_view trouble);
Page redis_forbids(std::string_view trouble);

// `"name":"value"`
void append_pair(std::string& out, std::string_view name, std::string_view value);

}  // namespace orggate::app
