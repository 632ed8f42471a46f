// Redis as one place that runs commands: a single server, the primary that Sentinel names,
// or a Cluster. Keeps its connections up by itself; a request never waits for one.
// One io_context, not thread-safe.

#pragma once

#include "orggate/awaitable.hpp"
#include "orggate/config/config.hpp"
#include "orggate/net/deadlines.hpp"
#include "orggate/net/tls.hpp"
#include "orggate/observe/counters.hpp"
#include "orggate/observe/log.hpp"
#include "orggate/time.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::redis {

struct Reply {
    enum class Kind { nil, integer, text, status, error, array };
    Kind kind = Kind::nil;
    std::int64_t integer = 0;
    std::string text;             // of text, status, error
    std::vector<Reply> elements;  // of an array
    bool is(Kind k) const { return kind == k; }
};

enum class Failure {
    none,
    not_connected,  // nothing was sent: no connection, breaker open, queue full
    timed_out,      // sent, no answer in time: it may have run
    lost,           // the connection went after the command was written: it may have run
    down,           // the server says it can't now: LOADING BUSY CLUSTERDOWN OOM READONLY ...
    forbidden,      // NOAUTH WRONGPASS NOPERM: a mistake in the configuration
    defect,         // WRONGTYPE, a script error, an answer that is none
};
std::string_view name(Failure failure);

struct Outcome {
    Reply reply;
    Failure failure = Failure::none;
};

// A program for EVALSHA, with its digest.
struct Script {
    explicit Script(std::string_view text);  // the text outlives the script
    std::string_view text;
    std::string sha;  // 40 hex digits
};

// What stays the same for every connection. Shared, constant.
struct Settings {
    config::Redis redis;
    net::ClientContext* tls = nullptr;   // null: clear text
    std::string client_name;             // CLIENT SETNAME
    std::vector<const Script*> scripts;  // loaded when a connection is set up
};

// What a store asks of the world; tests bring their own.
struct Surroundings {
    Clock clock;
    double (*fraction)();  // random, in [0, 1)
};

class Store {
public:
    Store(Executor executor, net::Deadlines& deadlines, Settings settings, Surroundings world,
        observe::StoreCounters& counters, observe::Log& log);
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    void start();
    // Takes no more commands, lets those on their way out for at most `patience`, closes.
    void stop(Milliseconds patience = Milliseconds{200});

    // Whether a command for this slot would go out now: connected and the breaker closed.
    // The slot (limit::slot_of) chooses the server in a Cluster and means nothing elsewhere.
    bool is_up(std::uint16_t slot) const;

    // Runs a script; all keys lie in `slot`. Returns within `within`; what the arguments
    // name lives until then. Sent again, within the same deadline, only where it certainly
    // has not run: once for NOSCRIPT and READONLY, up to three times for MOVED and ASK, after
    // a pause for TRYAGAIN. An error that stands is in the reply, what it means in `failure`.
    Awaitable<Outcome> evaluate(const Script& script, std::uint16_t slot,
        std::span<const std::string> keys, std::span<const std::string> arguments,
        Milliseconds within);

    // The same, nobody waits for the answer. Dropped if it can't go out now.
    void send(const Script& script, std::uint16_t slot, std::span<const std::string> keys,
        std::span<const std::string> arguments);

    // A plain command, for what is not on a request's path. Returns within 2 s.
    Awaitable<Outcome> command(std::uint16_t slot, std::vector<std::string> words);

    // Keys of different slots may lie on different servers: one call holds one slot.
    bool is_cluster() const;

    // Why it is not up, or what a script was forbidden last, in words for a person:
    // "connecting: Connection refused", "AUTH: WRONGPASS", "NOPERM ...". Never a credential.
    // Empty when all is well: whatever was wrong is forgotten when it works.
    std::string trouble() const;

private:
    std::shared_ptr<class Topology> topology_;
};

}  // namespace orggate::redis
