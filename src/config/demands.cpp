// A route's `require`. The words and what they accept are the policy's; here they only
// become lists of arguments.

#include "config/sections.hpp"
#include "config/text.hpp"

#include <utility>

namespace orggate::config {

namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

// One demand whose arguments are the texts themselves.
void add_texts(Reader& reader, const policy::Requirement& requirement, const Value& at,
    std::vector<policy::Demand>& out)
{
    const auto what = requirement.accepts({}).value_or("text");
    if (at.node->kind == Node::Kind::map) return reader.expected(at, what);
    reader.refuse_empty(at, what);
    Strings arguments;
    for (const auto& text : reader.texts(at, what)) {
        const Strings one{text.text};
        if (requirement.accepts(one)) reader.expected(text.where, what);
        arguments.push_back(text.text);
    }
    if (!arguments.empty()) out.push_back({&requirement, std::move(arguments)});
}

// One demand for each claim, since keys are ANDed.
void add_claims(Reader& reader, const policy::Requirement& requirement, const Value& at,
    std::vector<policy::Demand>& out)
{
    const auto what = requirement.accepts({}).value_or("text");
    for (const auto& claim : reader.entries(at, what)) {
        const Strings probe{claim.name + "="};
        if (claim.name.find('=') != std::string::npos || requirement.accepts(probe))
            reader.error(claim.place, at.key, "found " + shown(claim.name) + ", expected " + what);
        reader.refuse_empty(claim.value, "a value");
        Strings arguments;
        for (const auto& value : reader.texts(claim.value, "the value wanted, or a list of values"))
            arguments.push_back(claim.name + "=" + value.text);
        if (!arguments.empty()) out.push_back({&requirement, std::move(arguments)});
    }
}

std::optional<Strings> read_reverified(Reader& reader, const Value& at, const std::string& what)
{
    if (at.node->kind != Node::Kind::map) {
        const auto preset = reader.text(at, what);
        if (!preset) return std::nullopt;
        auto arguments = policy::parse_reverification(*preset);
        if (!arguments) reader.expected(at, what);
        return arguments;
    }
    const Map map(reader, at, "routes.require.reverified");
    if (!map["within"]) reader.error(at, "within is missing, such as 10m");
    const auto within = reader.duration(map["within"], {1min, 365 * 24h});
    const auto level = reader.choice<std::string_view>(
        map["level"], {{"first_factor", "first_factor"}, {"second_factor", "second_factor"},
                          {"multi_factor", "multi_factor"}});
    if (!within) return std::nullopt;
    if (*within % 1min != 0min) {
        reader.expected(map["within"], "whole minutes: Clerk counts nothing smaller");
        return std::nullopt;
    }
    return Strings{std::string(level.value_or("second_factor")), std::to_string(*within / 1min)};
}

void add_reverified(Reader& reader, const policy::Requirement& requirement, const Value& at,
    std::vector<policy::Demand>& out)
{
    const auto what = requirement.accepts({}).value_or("text");
    if (auto arguments = read_reverified(reader, at, what))
        out.push_back({&requirement, std::move(*arguments)});
}

void note_plans(Reader& reader, const Value& at, RulePlace& place)
{
    if (at.node->kind == Node::Kind::map) return;
    for (const auto& text : reader.texts(at))
        if (const auto plan = policy::org_scoped_name(text.text))
            place.required_plans.emplace_back(text.where, std::string(*plan));
}

}  // namespace

std::vector<policy::Demand> read_demands(Reader& reader, const Value& at, RulePlace& place)
{
    std::vector<policy::Demand> out;
    if (!at) return out;
    const Map map(reader, at, "routes.require");
    if (!map) return out;
    for (const auto& entry : at.node->entries) {
        const auto* requirement = policy::find_requirement(entry.key);
        if (requirement == nullptr) continue;  // Map has said so
        const auto value = map[entry.key];
        if (entry.key == "claim")
            add_claims(reader, *requirement, value, out);
        else if (entry.key == "reverified")
            add_reverified(reader, *requirement, value, out);
        else
            add_texts(reader, *requirement, value, out);
        if (entry.key == "plan" && !reader.has_errors()) note_plans(reader, value, place);
    }
    if (at.node->entries.empty()) reader.error(at, "found no requirement, expected at least one");
    return out;
}

}  // namespace orggate::config
