#include "http/refusal_body.hpp"

#include "http/denial_facts.hpp"
#include "http/octets.hpp"
#include "http/token_list.hpp"
#include "orggate/http/managed_fields.hpp"
#include "orggate/observe/json_text.hpp"

#include <algorithm>
#include <array>

namespace orggate::http {

namespace {

using observe::append_json_string;

struct Demanded {
    Denial denial;
    std::string_view keyword;
};

// Whose arguments a client may read: they name what is missing.
constexpr std::array demanded{
    Demanded{Denial::role_missing, "role"},
    Demanded{Denial::permission_missing, "permission"},
    Demanded{Denial::feature_missing, "feature"},
    Demanded{Denial::plan_missing, "plan"},
    Demanded{Denial::scope_missing, "scope"},
    Demanded{Denial::claim_missing, "claim"},
};

std::string_view keyword_of(Denial denial)
{
    for (const Demanded& row : demanded)
        if (row.denial == denial) return row.keyword;
    return {};
}

// Everything the rule demands of this kind; of a claim its name alone.
std::string wanted_arguments(const policy::Rule& rule, std::string_view keyword)
{
    std::string list;
    for (const policy::Demand& demand : rule.demands) {
        if (demand.requirement == nullptr || demand.requirement->keyword != keyword) continue;
        for (const std::string& argument : demand.arguments) {
            const std::string_view text = argument;
            list.append(list.empty() ? "" : ", ");
            list.append(keyword == "claim" ? text.substr(0, text.find('=')) : text);
        }
    }
    return list;
}

const policy::Demand* find_demand(const policy::Rule* rule, std::string_view keyword)
{
    if (rule == nullptr) return nullptr;
    for (const policy::Demand& demand : rule->demands)
        if (demand.requirement != nullptr && demand.requirement->keyword == keyword) return &demand;
    return nullptr;
}

// Digits with at most one point between them: a number in JSON too.
bool is_number(std::string_view text)
{
    const auto point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    const auto digits = [](std::string_view part) {
        return !part.empty() && std::all_of(part.begin(), part.end(), is_digit);
    };
    if (!digits(whole) || (whole.size() > 1 && whole.front() == '0')) return false;
    return point == text.npos || digits(text.substr(point + 1));
}

void append_member(std::string& out, std::string_view key, std::string_view value)
{
    append_json_string(out.append(out.size() > 1 ? "," : ""), key);
    append_json_string(out.append(":"), value);
}

struct Problem {
    std::string_view type, title;
};

Problem problem_of(Denial shown)
{
    if (shown == Denial::quota_exhausted)
        return {"https://iana.org/assignments/http-problem-types#quota-exceeded",
            "Request cannot be satisfied as assigned quota has been exceeded"};
    if (shown == Denial::limiter_unavailable)
        return {"https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
            "Request cannot be satisfied due to temporary server capacity constraints"};
    return {"about:blank", reason_phrase(status_of(shown))};
}

void append_violated(std::string& body, const Refusal& refusal)
{
    if (refusal.violated_policies.empty()) return;
    std::string_view between = ",\"violated-policies\":[";
    for (const std::string_view policy : refusal.violated_policies) {
        append_json_string(body.append(between), policy);
        between = ",";
    }
    body += ']';
}

void append_violated_names(std::string& text, const Refusal& refusal)
{
    std::string_view between = " Violated: ";
    for (const std::string_view policy : refusal.violated_policies) {
        text.append(between).append(policy);
        between = ", ";
    }
    if (!refusal.violated_policies.empty()) text += '.';
}

bool is_json(std::string_view media_type)
{
    return media_type == "*/*" || same_name(media_type, "application/*") ||
           same_name(media_type, "application/json") ||
           (media_type.size() > 5 && same_name(media_type.substr(media_type.size() - 5), "+json"));
}

}  // namespace

std::string make_detail(const Told& told)
{
    const Refusal& refusal = told.refusal;
    // The detail is the cause's, not the loop's.
    const bool is_cause = told.shown == refusal.denial;
    if (is_cause && !refusal.detail.empty()) return std::string(refusal.detail);
    std::string detail(facts_of(told.shown).text);
    const std::string_view keyword = keyword_of(told.shown);
    if (refusal.rule == nullptr || keyword.empty()) return detail;
    const std::string wanted = wanted_arguments(*refusal.rule, keyword);
    if (!wanted.empty())
        detail.append(" Needed: ").append(keyword).append(" ").append(wanted).append(".");
    return detail;
}

std::string make_problem(const Told& told)
{
    const Problem problem = problem_of(told.shown);
    std::string body = "{";
    append_member(body, "type", problem.type);
    append_member(body, "title", problem.title);
    body.append(",\"status\":").append(std::to_string(status_of(told.shown)));
    append_member(body, "detail", make_detail(told));
    append_member(body, "code", code(told.shown));
    append_member(body, "request_id", told.refusal.request_id);
    if (told.shown == Denial::quota_exhausted) append_violated(body, told.refusal);
    return body.append("}\n");
}

std::string make_text(const Told& told)
{
    std::string text(reason_phrase(status_of(told.shown)));
    text.append(": ").append(make_detail(told));
    if (told.shown == Denial::quota_exhausted) append_violated_names(text, told.refusal);
    return text.append(" (").append(code(told.shown)).append(")\n");
}

bool accepts_json(const RequestHead& head)
{
    bool says_anything = false, takes_json = false;
    for (const Field& field : head.fields) {
        if (!same_name(field.name, "accept")) continue;
        for_each_member(field.value, [&](std::string_view range) {
            const auto type = trim_blanks(range.substr(0, range.find(';')));
            says_anything = says_anything || !type.empty();
            takes_json = takes_json || is_json(type);
        });
    }
    return takes_json || !says_anything;
}

std::string make_reverification_body(const policy::Rule* rule)
{
    std::string body =
        R"({"clerk_error":{"type":"forbidden","reason":"reverification-error","metadata":{)";
    const policy::Demand* demand = find_demand(rule, "reverified");
    if (demand && demand->arguments.size() == 2 && is_number(demand->arguments[1])) {
        append_json_string(body.append(R"("reverification":{"level":)"), demand->arguments[0]);
        body.append(R"(,"afterMinutes":)").append(demand->arguments[1]).append("}");
    }
    return body.append("}}}");
}

}  // namespace orggate::http
