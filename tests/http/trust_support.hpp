// Inputs with defaults for the tests of what we strip, write and answer.

#pragma once

#include "orggate/http/request_head.hpp"
#include "orggate/policy/authorize.hpp"
#include "orggate/token/session.hpp"

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orggate::test {

// A GET of HTTP/1.1 with these fields; the texts outlive it.
inline http::RequestHead head_with(
    std::initializer_list<http::Field> fields, std::string_view method = "GET")
{
    http::RequestHead head;
    head.method = method;
    head.target = "/";
    head.host = "app.example.com";
    head.fields = fields;
    for (const http::Field& field : head.fields) {
        if (field.name == "Host") head.host = field.value;
        if (field.name == "Cookie") head.cookies = field.value;
        if (field.name == "Authorization") head.authorization = field.value;
    }
    return head;
}

inline token::Session alice()
{
    token::Session session;
    session.user_id = "user_2alice";
    session.session_id = "sess_2one";
    session.organisation = token::Organisation{
        "org_2acme", "acme", "org:admin", {"org:reports:read", "org:reports:write"}};
    session.org_plans = {"pro"};
    session.org_features = {"reports", "export"};
    return session;
}

inline const policy::Rule& open_rule()
{
    static const policy::Rule rule = [] {
        policy::Rule made;
        made.access = policy::Access::anyone;
        return made;
    }();
    return rule;
}

inline policy::Pass pass_of(const clerk::Decision& decision)
{
    static const policy::Tenants tenants;
    const policy::Question question{.rule = open_rule(),
        .decision = decision,
        .path = "/",
        .expected_org = {},
        .tenants = tenants,
        .address = {}};
    return policy::authorize(question, Instant{}).value();
}

inline policy::Pass pass_for(token::Session session)
{
    return pass_of(clerk::SignedIn{std::make_shared<const token::Session>(std::move(session))});
}

inline policy::Pass pass_for_nobody()
{
    return pass_of(clerk::SignedOut{Denial::token_missing, "session-token-and-uat-missing"});
}

// The field lines of a head, without the first line and the blank one; the head ends the
// text or a body follows.
inline std::vector<std::pair<std::string, std::string>> fields_of(std::string_view text)
{
    std::vector<std::pair<std::string, std::string>> fields;
    text = text.substr(0, text.find("\r\n\r\n"));
    while (true) {
        const auto end = text.find("\r\n");
        if (end == text.npos) return fields;
        text.remove_prefix(end + 2);
        const std::string_view line = text.substr(0, text.find("\r\n"));
        const auto colon = line.find(": ");
        fields.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
}

// The values of all fields of this exact name, joined with `|`; `-` if there is none.
inline std::string field_of(std::string_view text, std::string_view name)
{
    std::string found;
    for (const auto& [field, value] : fields_of(text))
        if (field == name) found += (found.empty() ? "" : "|") + value;
    return found.empty() ? "-" : found;
}

inline std::string body_of(std::string_view text)
{
    return std::string(text.substr(text.find("\r\n\r\n") + 4));
}

}  // namespace orggate::test
