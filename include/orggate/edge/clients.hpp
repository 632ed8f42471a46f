// What one client address may do before anybody knows who it is: requests without any
// token, answers that refused, connections at once. Counted in this process alone.
// Thread-safe, bounded: where the table is full a new address takes the place of another, so
// that whoever fills it shuts nobody else out.

#pragma once

#include "orggate/config/config.hpp"
#include "orggate/http/client_address.hpp"
#include "orggate/keyed_hash.hpp"
#include "orggate/limit/local.hpp"
#include "orggate/limit/quota.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::edge {

class Clients {
public:
    explicit Clients(const config::Config& config, HashKey key, std::size_t capacity = 1u << 17);
    Clients(const Clients&) = delete;
    Clients& operator=(const Clients&) = delete;

    // What was asked and refused. `check` looks into these Clients and at the address.
    struct Refusal {
        limit::Check check;
        limit::Decision decision;
    };

    // Whether this address (http::limited_address) is a client's: an address at all, none of
    // the trusted proxies', and, where nobody said whom to trust, no private one.
    bool counts(std::string_view address) const;

    // Before a token is looked at. Refuses an address that was refused too often, or that
    // asks without a token too often; a request without one is charged.
    enum class Token { absent, present };
    struct Verdict {
        std::optional<Refusal> refusal;
        bool is_counted = false;  // charged or refused: note_refused would count it twice
    };
    Verdict judge(std::string_view address, Token token, Instant now);

    // Charges an answer that refused.
    void note_refused(std::string_view address, Instant now);

    // One of its address's connections for as long as this lives.
    class Connection {
    public:
        // `clients` may be null.
        Connection(Clients* clients, std::string address, Instant now);
        ~Connection();
        Connection(const Connection&) = delete;
        Connection& operator=(const Connection&) = delete;
        // It is one too many, and not counted.
        const std::optional<Refusal>& refusal() const { return refusal_; }

    private:
        Clients* clients_;
        std::string address_;
        limit::Check check_;
        limit::Decision decision_;
        std::optional<Refusal> refusal_;
    };

private:
    limit::Check question(std::string_view address, const limit::Quota& quota) const;
    std::optional<Refusal> charge(
        std::string_view address, const std::optional<limit::Quota>& quota, Instant now);

    std::optional<limit::Quota> unauthenticated_, refused_, connections_;
    bool spares_private_;
    std::vector<http::Network> trusted_;
    limit::LocalTable table_;
};

}  // namespace orggate::edge
