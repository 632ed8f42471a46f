// Which counters a request is charged to.
// Pure; the views live as long as the rule, the session, the tenant and the address.

#pragma once

#include "orggate/limit/quota.hpp"
#include "orggate/policy/rule.hpp"
#include "orggate/policy/tenants.hpp"
#include "orggate/token/session.hpp"

#include <string_view>
#include <vector>

namespace orggate::policy {

// Who sends the request, as far as anybody can be counted.
struct Visitor {
    const token::Session* session = nullptr;  // null: nobody
    const Tenant* tenant = nullptr;  // of the session's organisation; null: nothing special
    std::string_view address;
};

struct Charges {
    std::vector<limit::Check> checks;
    std::vector<const WeightedLimit*> limits;    // behind each check
    std::vector<const WeightedLimit*> bypassed;  // what the tenant waived
    std::string_view plan;
    // False: a limit has nobody to count, and nothing is said about such requests.
    bool has_all_subjects = true;
};

// All limits of the rule but those per address.
Charges find_charges(const Rule& rule, const Visitor& visitor);

}  // namespace orggate::policy
