// What a path demands.
// Plain values from the configuration, immutable once loaded.

#pragma once

#include "orggate/denial.hpp"
#include "orggate/limit/quota.hpp"
#include "orggate/policy/pattern.hpp"
#include "orggate/policy/requirement.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::policy {

enum class Access { anyone, signed_in, org };
enum class WhenRefused { automatic, redirect, reject };

struct WeightedLimit {
    std::shared_ptr<const limit::Limit> limit;
    std::size_t index = 0;  // of the limit in the configuration, for counters
    std::int64_t weight = 1;
};

struct Rule {
    std::string name;
    std::size_t index = 0;             // of the route in the configuration; the default comes last
    std::vector<std::string> hosts;    // lower case, without port; empty: any
    std::vector<std::string> methods;  // empty: any; GET includes HEAD
    std::vector<Pattern> patterns;     // empty: any path (the default only)
    Access access = Access::org;
    std::vector<Demand> demands;  // all hold
    std::string org_in_path;      // a pattern name, or empty
    std::vector<WeightedLimit> limits;
    WhenRefused when_refused = WhenRefused::automatic;
    bool shadow = false;          // require, org_in_path and limits only report
    bool server_actions = false;  // a public rule takes requests with `next-action`
    bool websocket = false;       // a public rule takes WebSocket handshakes
};

// What a rule is matched against.
struct RequestView {
    std::string_view method;  // as sent
    std::string_view host;    // as sent, port included
    std::string_view path;    // canonical
    bool is_server_action = false;
    bool is_websocket = false;
};

// Whether this rule decides about the request. A rule open to anyone that names no
// methods takes GET and HEAD; it takes server actions and WebSocket handshakes only
// where it says so. What it does not take, a later rule decides.
bool matches(const Rule& rule, const RequestView& request);

// True only if no request can reach `later` because `earlier` takes them all.
bool shadows(const Rule& earlier, const Rule& later);

// First match wins, in file order; the last rule, the default, takes what is left.
class RuleTable {
public:
    RuleTable() = default;
    explicit RuleTable(std::vector<Rule> rules);  // the default rule last
    const Rule& find(const RequestView& request) const;
    const std::vector<Rule>& rules() const { return rules_; }

private:
    std::vector<Rule> rules_;
};

// The path's segment that `rule.org_in_path` names. Empty if the rule has none.
std::string_view org_in_path(const Rule& rule, std::string_view path);

}  // namespace orggate::policy
