// What is special about an organisation, as text: in JSON, which is YAML's flow form too.
// Pure.

#pragma once

#include "app/query.hpp"
#include "orggate/limit/quota.hpp"
#include "orggate/policy/tenants.hpp"

#include <boost/system/result.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::app {

// "2027-03-01T00:00:00Z"
std::string utc_text(std::chrono::system_clock::time_point time);

// "100/1m", "1000/1mo"
std::string rate_text(const limit::Quota& quota);

// For people and for the list's hash: the same settings give the same text.
std::string tenant_text(const policy::Tenant& tenant);

// What an operator wrote on a command line.
struct TenantWords {
    std::string bypass{};               // "all", or limit names separated by commas
    std::vector<std::string> limits{};  // NAME=RATE; a name may come again
    std::string blocked{}, until{}, reason{};
};
// As config::tenant_from_text reads it, who also says whether names and rates are any.
boost::system::result<std::string, Fault> tenant_text(const TenantWords& words);

}  // namespace orggate::app
