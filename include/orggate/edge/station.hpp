// One worker's station: everything a connection on it uses. Made by `app`, used by one
// io_context, not thread-safe but for what says so.

#pragma once

#include "orggate/awaitable.hpp"
#include "orggate/edge/key_wait.hpp"
#include "orggate/edge/serving.hpp"
#include "orggate/limit/denied_list.hpp"
#include "orggate/limit/limiter.hpp"
#include "orggate/net/deadlines.hpp"
#include "orggate/net/stream.hpp"
#include "orggate/net/tls.hpp"
#include "orggate/observe/counters.hpp"
#include "orggate/observe/log.hpp"
#include "orggate/time.hpp"
#include "orggate/token/verifier.hpp"
#include "orggate/upstream/pool.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace orggate::http {
class AssertionSigner;
}

namespace orggate::edge {

class Clients;
struct Exchange;

// Where a connection stands between its requests; a list of them lets a drain close
// those that rest, and a change of tenants the tunnels of those it blocks.
struct Seat {
    net::Stream* stream = nullptr;
    bool is_resting = false;
    std::string_view tunnel_org{};  // whose WebSocket this is; empty: none
    bool is_blocked = false;        // closed because that organisation was blocked
    Seat *previous = nullptr, *next = nullptr;
};

struct Station {
    Executor executor;
    net::Deadlines& deadlines;
    observe::Counters& counters;
    observe::Log& log;  // thread-safe
    limit::Limiter& limiter;
    std::vector<std::unique_ptr<upstream::Pool>> pools;  // as Config::upstreams
    net::ServerContext* tls = nullptr;                   // for `listen`; null: clear text
    const http::AssertionSigner* signer = nullptr;
    Clients* clients = nullptr;           // thread-safe, of the process; null: no such limits
    limit::DeniedList* denied = nullptr;  // the same
    Clock clock;
    std::uint64_t (*random)();
    std::atomic<std::size_t>& open_connections;  // of the process
    KeyWait key_wait;

    std::shared_ptr<const Serving> serving;
    token::Verifier verifier;  // belongs to `serving`
    bool is_draining = false;  // answers discourage: Connection: close

    Seat* seats = nullptr;
    std::size_t turned_away = 0;  // connections that are being told there is no room
    std::vector<std::unique_ptr<Exchange>> spare;  // kept for their memory

    // From now on requests are served with this. Tunnels of organisations that are blocked
    // now are closed.
    void adopt(std::shared_ptr<const Serving> next);
    // Ends the connections on which nothing is asked.
    void close_resting();

    // Out of line: Exchange is private to this folder.
    Station(Executor, net::Deadlines&, observe::Counters&, observe::Log&, limit::Limiter&, Clock,
        std::uint64_t (*random)(), std::atomic<std::size_t>& open_connections,
        std::function<void(const std::string&)> ask_for_key);
    ~Station();
    Station(const Station&) = delete;
    Station& operator=(const Station&) = delete;
};

}  // namespace orggate::edge
