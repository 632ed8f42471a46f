// Which counters belong to somebody an operator asks about, and what they hold in words.
// Pure.

#pragma once

#include "app/query.hpp"
#include "orggate/config/config.hpp"
#include "orggate/limit/quota.hpp"

#include <boost/system/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::app {

// Whom somebody asks about: an organisation (and one of its users), a user, an address.
struct Asked {
    std::string org{}, user{}, ip{};  // empty: not asked; ip as limits count it
    std::string limit{};              // empty: all
    std::string plan{};               // organisation plan, whose quotas are shown
};
// Parameters: org, user, ip, limit, plan.
boost::system::result<Asked, Fault> read_asked(const Query& query, const config::Config& config);

enum class Quotas {
    in_force,  // what a request would be held to now
    all,       // whatever may ever have been counted: all plans, and what tenants have
};

// The counters that match, each once. The checks' views point into the arguments.
std::vector<limit::Check> find_counters(const config::Config& config,
    const policy::Tenants& tenants, const Asked& asked, Quotas quotas, Instant now);

// One counter as a JSON object. Without a decision nothing was ever used of it. `share`: of so
// many processes this one holds its part.
void append_counter(std::string& out, const limit::Check& check,
    const std::optional<limit::Decision>& decision, std::int64_t share = 1);

std::string_view name(limit::Per per);

}  // namespace orggate::app
