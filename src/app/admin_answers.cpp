#include "app/admin_answers.hpp"

#include "orggate/observe/json_text.hpp"

namespace orggate::app {

Page json_page(std::string body, int status)
{
    body.push_back('\n');
    return {.status = status, .type = "application/json", .body = std::move(body)};
}

Page refusal(int status, std::string_view text)
{
    std::string body = "{\"error\":";
    observe::append_json_string(body, text, 4096);
    body.push_back('}');
    return json_page(std::move(body), status);
}

Page refusal(const Fault& fault)
{
    return refusal(fault.status, fault.text);
}

Page redis_is_away(std::string_view trouble)
{
    std::string text = "Redis could not be asked";
    if (!trouble.empty()) text.append(" (").append(trouble).append(")");
    return refusal(503, text.append("; it is not known to be done"));
}

Page redis_forbids(std::string_view trouble)
{
    std::string text = "Redis forbids this";
    if (!trouble.empty()) text.append(": ").append(trouble);
    return refusal(503, text);
}

void append_pair(std::string& out, std::string_view name, std::string_view value)
{
    observe::append_json_string(out, name);
    out.push_back(':');
    observe::append_json_string(out, value);
}

}  // namespace orggate::app
