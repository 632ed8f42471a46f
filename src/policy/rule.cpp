#include "orggate/policy/rule.hpp"

#include "policy/ascii.hpp"

#include <algorithm>
#include <utility>

namespace orggate::policy {

namespace {

bool includes(const std::vector<std::string>& list, std::string_view text)
{
    return std::find(list.begin(), list.end(), text) != list.end();
}

// A Host value without its port; an IPv6 address keeps its brackets.
std::string_view without_port(std::string_view host)
{
    const auto bracket = host.rfind(']');
    const auto colon = host.rfind(':');
    if (colon == std::string_view::npos) return host;
    if (bracket != std::string_view::npos && bracket > colon) return host;
    return host.substr(0, colon);
}

bool takes_host(const Rule& rule, std::string_view host)
{
    if (rule.hosts.empty()) return true;
    const auto name = without_port(host);
    return std::any_of(rule.hosts.begin(), rule.hosts.end(),
        [&](const std::string& wanted) { return same_ignoring_case(wanted, name); });
}

bool takes_method(const Rule& rule, std::string_view method)
{
    if (!rule.methods.empty())
        return includes(rule.methods, method) ||
               (method == "HEAD" && includes(rule.methods, "GET"));
    return rule.access != Access::anyone || method == "GET" || method == "HEAD";
}

// What an open rule must name before it takes it.
bool takes_kind(const Rule& rule, const RequestView& request)
{
    if (rule.access != Access::anyone) return true;
    return (!request.is_websocket || rule.websocket) &&
           (!request.is_server_action || rule.server_actions);
}

// `server_actions: true` alone names the method as well: they are POST requests.
bool is_named_action(const Rule& rule, const RequestView& request)
{
    return rule.server_actions && request.is_server_action && request.method == "POST" &&
           rule.methods.empty();
}

bool takes_path(const Rule& rule, std::string_view path)
{
    return rule.patterns.empty() ||
           std::any_of(rule.patterns.begin(), rule.patterns.end(),
               [&](const Pattern& pattern) { return pattern.matches(path); });
}

bool covers_methods(const Rule& earlier, const Rule& later)
{
    constexpr std::string_view all[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    return std::all_of(std::begin(all), std::end(all), [&](std::string_view method) {
        const bool may_reach = takes_method(later, method) ||
                               (later.server_actions && later.methods.empty() && method == "POST");
        return !may_reach || takes_method(earlier, method);
    });
}

bool covers_kinds(const Rule& earlier, const Rule& later)
{
    if (earlier.access != Access::anyone) return true;
    const bool later_is_open = later.access == Access::anyone;
    return (earlier.websocket || (later_is_open && !later.websocket)) &&
           (earlier.server_actions || (later_is_open && !later.server_actions));
}

}  // namespace

bool matches(const Rule& rule, const RequestView& request)
{
    const bool method = takes_method(rule, request.method) || is_named_action(rule, request);
    return method && takes_kind(rule, request) && takes_host(rule, request.host) &&
           takes_path(rule, request.path);
}

bool shadows(const Rule& earlier, const Rule& later)
{
    const bool hosts = earlier.hosts.empty() ||
                       (!later.hosts.empty() && std::all_of(later.hosts.begin(), later.hosts.end(),
                                                    [&](const std::string& host) {
                                                        return includes(earlier.hosts, host);
                                                    }));
    if (!hosts || !covers_methods(earlier, later) || !covers_kinds(earlier, later)) return false;
    if (earlier.patterns.empty()) return true;
    const auto is_covered = [&](const Pattern& pattern) {
        return std::any_of(earlier.patterns.begin(), earlier.patterns.end(),
            [&](const Pattern& wider) { return wider.covers(pattern); });
    };
    return !later.patterns.empty() &&
           std::all_of(later.patterns.begin(), later.patterns.end(), is_covered);
}

RuleTable::RuleTable(std::vector<Rule> rules) : rules_(std::move(rules)) {}

const Rule& RuleTable::find(const RequestView& request) const
{
    // A table nobody filled still demands an organisation of everything.
    static const Rule closed;
    if (rules_.empty()) return closed;
    const auto last = rules_.end() - 1;
    return *std::find_if(
        rules_.begin(), last, [&](const Rule& rule) { return matches(rule, request); });
}

std::string_view org_in_path(const Rule& rule, std::string_view path)
{
    if (rule.org_in_path.empty()) return {};
    for (const auto& pattern : rule.patterns)
        if (pattern.matches(path)) return pattern.bound(rule.org_in_path, path).value_or("");
    return {};
}

}  // namespace orggate::policy
