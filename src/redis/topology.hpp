// What stands behind a Store: the servers as its kind of Redis arranges them, and how a call
// finds the one that takes it.
// One io_context, not thread-safe.

#pragma once

#include "orggate/redis/store.hpp"
#include "redis/cluster.hpp"
#include "redis/sentinel.hpp"
#include "redis/server_error.hpp"
#include "redis/store_call.hpp"
#include "redis/store_complaints.hpp"
#include "redis/topology_server.hpp"

#include <memory>
#include <optional>

namespace orggate::redis {

class Topology : public std::enable_shared_from_this<Topology> {
public:
    Topology(Executor executor, net::Deadlines& deadlines, Settings settings, Surroundings world,
        observe::StoreCounters& counters, observe::Log& log);

    void start();
    static void stop(std::shared_ptr<Topology> self, Milliseconds patience);
    // At once, for a Store that was never told to stop.
    void close();
    bool is_up(std::uint16_t slot) const;
    bool is_stopped() const { return is_stopped_; }
    bool is_cluster() const { return cluster_.has_value(); }
    std::string trouble() const;
    Executor executor() const { return parts_.executor; }

    // What the call's spans name lives until the answer.
    static Awaitable<Outcome> run(std::shared_ptr<Topology> self, Call call);

private:
    using Time = std::chrono::steady_clock::time_point;
    // Where a call stands: it begins with the server of its slot.
    struct Route {
        std::shared_ptr<Server> server;
        Form form = Form::digest;
        Before before = Before::nothing;
        int redirects = 0;
        bool is_rediscovered = false;
    };

    void stop_servers(Milliseconds patience);
    std::shared_ptr<Server> find(std::uint16_t slot) const;
    Milliseconds left_until(Time end) const;
    Awaitable<bool> apply(const ServerError& error, const Call& call, Route& route, Time end);
    Awaitable<bool> redirect(const ServerError& error, const Call& call, Route& route, Time end);
    Awaitable<bool> rediscover(const Call& call, Route& route, Time end);
    Awaitable<bool> pause(Milliseconds duration, Time end);
    Failure settle(
        const ServerError& error, std::string_view text, const Call& call, Server& server);
    void note_allowed(const Call& call);
    void load_scripts(const std::shared_ptr<Server>& server);
    static Awaitable<void> load(std::shared_ptr<Topology> self, std::shared_ptr<Server> server);

    const Settings settings_;
    NodeParts parts_;
    CallWriter writer_;
    Complaints complaints_;
    std::optional<Sentinel> sentinel_;
    std::shared_ptr<Server> only_;  // a single server, or the primary that Sentinels name
    std::optional<Cluster> cluster_;
    std::string forbidden_;                     // what a script was told last
    const Script* forbidden_script_ = nullptr;  // which; until it is allowed again
    bool is_stopped_ = false;
};

}  // namespace orggate::redis
