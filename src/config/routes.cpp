// What each path demands.

#include "config/sections.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace orggate::config {

namespace {

using policy::Access;

constexpr std::size_t most_routes = 1000;
constexpr std::string_view limits_form = "a list of limits, or a mapping of limit to weight";

std::optional<Access> read_access(Reader& reader, const Value& at)
{
    return reader.choice<Access>(
        at, {{"public", Access::anyone}, {"signed_in", Access::signed_in}, {"org", Access::org}});
}

// Limits ---------------------------------------------------------------------------

// Whether a request that gets so far has what the limit counts.
bool promises(Access access, limit::Per per)
{
    switch (per) {
        case limit::Per::ip: return true;
        case limit::Per::user: return access != Access::anyone;
        case limit::Per::org:
        case limit::Per::org_user: return access == Access::org;
    }
    return false;
}

void check_subject(
    Reader& reader, const Value& at, const limit::Limit& limit, const policy::Rule& rule)
{
    if (limit.otherwise != limit::Otherwise::refuse || promises(rule.access, limit.per)) return;
    const std::string_view counts = limit.per == limit::Per::org    ? "organisations"
                                    : limit.per == limit::Per::user ? "users"
                                                                    : "users of organisations";
    const std::string_view access = rule.access == Access::anyone ? "public" : "signed_in";
    reader.error(at, "this limit counts " + std::string(counts) +
                         ", and access: " + std::string(access) +
                         " lets others pass; its otherwise must say ip or skip");
}

// Whether there is such a limit.
bool add_limit(Reader& reader, const Value& at, std::string_view name, std::int64_t weight,
    const Config& config, policy::Rule& rule, RulePlace& place)
{
    for (std::size_t i = 0; i < config.limits.size(); ++i) {
        if (config.limits[i]->name != name) continue;
        check_subject(reader, at, *config.limits[i], rule);
        if (place.limits.emplace(name, at).second)
            rule.limits.push_back({config.limits[i], i, weight});
        else
            reader.error(at, "this limit is named twice");
        return true;
    }
    return false;
}

void read_rule_limits(
    Reader& reader, const Value& at, const Config& config, policy::Rule& rule, RulePlace& place)
{
    if (!at) return;
    if (at.node->kind != Node::Kind::map) {
        for (const auto& text : reader.texts(at, limits_form))
            if (!add_limit(reader, text.where, text.text, 1, config, rule, place))
                reader.expected(text.where, "the name of a limit");
    } else {
        for (const auto& entry : reader.entries(at, limits_form))
            if (const auto weight = reader.integer(entry.value, {1, 1'000'000}))
                if (!add_limit(reader, entry.value, entry.name, *weight, config, rule, place))
                    reader.error(entry.place, at.key,
                        "found " + shown(entry.name) + ", expected the name of a limit");
    }
}

// The default ----------------------------------------------------------------------

void read_default(Reader& reader, const Map& root, Draft& draft, RouteSettings& settings)
{
    policy::Rule rule;
    RulePlace place;
    rule.name = "default";
    settings.timeouts = draft.config.timeouts;
    const auto at = root["default"];
    const Map map(reader, at, "default");
    place.route = at;
    set(rule.access, read_access(reader, map["access"]));
    if (rule.access == Access::anyone)
        reader.warn(map["access"], "every path that no route names is open to anyone");
    read_rule_limits(reader, map["limits"], draft.config, rule, place);
    set(settings.upstream, find_upstream(reader, map["upstream"], draft.config));
    draft.rules.push_back(std::move(rule));
    draft.rule_places.push_back(std::move(place));
}

// One route ------------------------------------------------------------------------

void read_name(Reader& reader, const Map& route, policy::Rule& rule, std::set<std::string>& names)
{
    const auto at = route["name"];
    if (!at) return reader.error(route.where(), "name is missing; logs and metrics use it");
    const auto name = reader.text(at, "a name of a-z 0-9 _ -");
    if (!name) return;
    if (!is_plain_name(*name) || *name == "default")
        reader.expected(at, "a name of a-z 0-9 _ - other than default");
    else if (!names.insert(*name).second)
        reader.error(at, "another route has this name");
    rule.name = *name;
}

void read_methods(Reader& reader, const Value& at, policy::Rule& rule)
{
    constexpr std::string_view known[] = {
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    reader.refuse_empty(at, "at least one method");
    for (const auto& text : reader.texts(at, "a list of methods")) {
        if (std::find(std::begin(known), std::end(known), text.text) == std::end(known))
            reader.expected(text.where, "GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS");
        rule.methods.push_back(text.text);
    }
}

void read_hosts(Reader& reader, const Value& at, policy::Rule& rule)
{
    reader.refuse_empty(at, "at least one host name");
    for (const auto& text : reader.texts(at, "a list of host names")) {
        if (!is_host_name(text.text))
            reader.expected(text.where, "a host name without port, such as app.example.com");
        rule.hosts.push_back(to_lower(text.text));
    }
}

// An open route takes these only where it says so; others take them anyway.
bool read_open_only(Reader& reader, const Value& at, Access access)
{
    const auto value = reader.boolean(at);
    if (value && access != Access::anyone)
        reader.error(at, "this is for access: public; every other route takes them");
    return value.value_or(false);
}

void read_org_in_path(Reader& reader, const Value& at, policy::Rule& rule)
{
    const auto name = reader.text(at, "the name of a :name in paths");
    if (!name) return;
    if (rule.access != Access::org) return reader.error(at, "this needs access: org");
    const bool binds = std::all_of(rule.patterns.begin(), rule.patterns.end(),
        [&](const policy::Pattern& pattern) { return pattern.binds_always(*name); });
    if (!binds || name->empty())
        reader.expected(at, "the name of a :name that is one whole segment of every path");
    rule.org_in_path = *name;
}

void read_shadow(Reader& reader, const Value& at, policy::Rule& rule)
{
    if (at && at.node->kind == Node::Kind::scalar && at.node->text == "access")
        return reader.error(at, "access is always enforced; expected true or false");
    set(rule.shadow, reader.boolean(at));
}

void read_tokens(Reader& reader, const Value& at)
{
    reader.refuse_empty(at, "[session]");
    for (const auto& text : reader.texts(at, "[session]"))
        if (text.text != "session") reader.expected(text.where, "session, the only kind supported");
}

void read_route_settings(Reader& reader, const Map& route, Draft& draft, RouteSettings& settings)
{
    set(settings.upstream, find_upstream(reader, route["upstream"], draft.config));
    if (const auto limit = read_body_limit(reader, route["body"])) settings.max_body = *limit;
    read_timeouts(reader, route["timeouts"], "routes.timeouts", settings.timeouts);
    const auto at = route["timeout"];
    using namespace std::chrono_literals;
    set(settings.timeouts.upstream_head, reader.duration(at, {1ms, 24h}));
    const auto both = route["timeouts"];
    if (!at || !both || both.node->kind != Node::Kind::map) return;
    for (const auto& entry : both.node->entries)
        if (entry.key == "upstream_head")
            reader.error(at, "timeouts.upstream_head says the same; expected one of the two");
}

void read_demanded(
    Reader& reader, const Map& route, Draft& draft, policy::Rule& rule, RulePlace& place)
{
    rule.demands = read_demands(reader, route["require"], place);
    if (route["require"] && rule.access == Access::anyone)
        reader.error(route["require"], "a public route demands nothing; this needs another access");
    read_shadow(reader, route["shadow"], rule);
    read_tokens(reader, route["tokens"]);
    set(rule.when_refused,
        reader.choice<policy::WhenRefused>(route["when_refused"],
            {{"auto", policy::WhenRefused::automatic}, {"redirect", policy::WhenRefused::redirect},
                {"reject", policy::WhenRefused::reject}}));
    if (route["limits"])
        read_rule_limits(reader, route["limits"], draft.config, rule, place);
    else if (rule.access == Access::org)
        rule.limits = draft.rules.front().limits;
}

// The default stands first in the draft while routes are read.
void read_route(Reader& reader, const Value& at, const RouteSettings& inherited, Draft& draft,
    std::set<std::string>& names)
{
    const Map route(reader, at, "routes");
    policy::Rule rule;
    RulePlace place;
    place.route = at;
    if (route) {
        read_name(reader, route, rule, names);
        const auto access = read_access(reader, route["access"]);
        if (!route["access"]) reader.error(at, "access is missing: public, signed_in or org");
        rule.access = access.value_or(Access::org);
        // Less than the default must be said exactly; more is meant widely.
        const bool demands_less = rule.access < draft.rules.front().access;
        rule.patterns = read_paths(
            reader, route, {.ignore_case = !demands_less, .segment_border = demands_less});
        read_methods(reader, route["methods"], rule);
        read_hosts(reader, route["hosts"], rule);
        rule.server_actions = read_open_only(reader, route["server_actions"], rule.access);
        rule.websocket = read_open_only(reader, route["websocket"], rule.access);
        read_org_in_path(reader, route["org_in_path"], rule);
        read_demanded(reader, route, draft, rule, place);
    }
    auto settings = inherited;
    if (route) read_route_settings(reader, route, draft, settings);
    draft.rules.push_back(std::move(rule));
    draft.rule_places.push_back(std::move(place));
    draft.config.routes.push_back(settings);
}

}  // namespace

void read_routes(Reader& reader, const Map& root, Draft& draft)
{
    RouteSettings settings;
    settings.max_body = draft.default_max_body;
    read_default(reader, root, draft, settings);
    std::set<std::string> names;
    const auto routes = reader.items(root["routes"], "a list of routes");
    if (routes.size() > most_routes)
        return reader.error(root["routes"], "expected at most 1000 routes");
    for (const auto& at : routes)
        read_route(reader, at, settings, draft, names);
    std::rotate(draft.rules.begin(), draft.rules.begin() + 1, draft.rules.end());
    std::rotate(draft.rule_places.begin(), draft.rule_places.begin() + 1, draft.rule_places.end());
    draft.config.routes.push_back(settings);
    for (std::size_t i = 0; i < draft.rules.size(); ++i)
        draft.rules[i].index = i;
}

}  // namespace orggate::config
