// One request's story so far. Lent by the station from request to request.

#pragma once

#include "orggate/clerk/decision.hpp"
#include "orggate/denial.hpp"
#include "orggate/edge/clients.hpp"
#include "orggate/edge/serving.hpp"
#include "orggate/http/client_address.hpp"
#include "orggate/http/request_head.hpp"
#include "orggate/http/target.hpp"
#include "orggate/limit/quota.hpp"
#include "orggate/policy/authorize.hpp"
#include "orggate/time.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::edge {

struct Seat;

struct Exchange {
    std::shared_ptr<const Serving> serving;
    Instant started, now;  // `now` is read again after every wait

    http::RequestHead head;  // views into the connection's input
    bool has_head = false;   // the bytes were a request
    http::Client client;
    std::string address;  // the client's, as limits count it (http::limited_address)
    http::Trace trace;
    http::Target target;
    const policy::Rule* rule = nullptr;
    clerk::Decision decision;
    std::optional<policy::Pass> pass;

    // Asked of `clients`, if they refused; per address before the token is read; then the
    // others. Decisions are empty where nobody has answered.
    std::optional<Clients::Refusal> client_refusal;
    bool counted_by_clients = false;  // once is enough
    std::vector<limit::Check> address_checks;
    std::vector<const policy::WeightedLimit*> address_limits;
    std::vector<limit::Decision> address_decisions;  // as address_checks
    std::vector<limit::Decision> limits;             // as pass->checks()
    Microseconds limit_wait{};                       // for all of them, so far
    std::string quota_fields, exposed_fields;        // complete lines, for the answer
    Seat* seat = nullptr;                            // the connection's; null: none

    std::optional<Denial> denial;  // refused by us, or cut
    std::optional<Denial> cause;   // the refusal behind a redirect_loop
    int status = 0;
    bool client_left = false;
    std::optional<bool> whole_body;  // once the relay has had it: whether it is read to its end
    std::optional<Microseconds> upstream_time;
    std::uint64_t bytes_in = 0, bytes_out = 0;

    const config::Config& config() const { return *serving->config; }
};

}  // namespace orggate::edge
