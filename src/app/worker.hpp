// One data thread: its own io_context, accept loop, upstream pools, counters and, with Redis,
// its own connection and limiter.
// Everything it is told from outside arrives as a posted message.

#pragma once

#include "orggate/edge/clients.hpp"
#include "orggate/edge/listener.hpp"
#include "orggate/edge/station.hpp"
#include "orggate/limit/denied_list.hpp"
#include "orggate/limit/local.hpp"
#include "orggate/net/listening_socket.hpp"
#include "orggate/redis/limiter.hpp"
#include "orggate/redis/store.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace orggate::app {

// What the workers of a process share.
struct Shared {
    std::shared_ptr<const config::Config> config;
    observe::Log& log;
    std::shared_ptr<limit::LocalTable> limits{};
    limit::DeniedList denied{};
    std::unique_ptr<edge::Clients> clients{};         // null: no limits per address
    std::unique_ptr<net::ClientContext> redis_tls{};  // null: clear text, or no Redis
    redis::FleetView fleet{};
    std::vector<std::unique_ptr<net::ClientContext>>
        upstream_tls{};  // as Config::upstreams; null: clear
    std::unique_ptr<net::ServerContext> server_tls{};
    std::unique_ptr<http::AssertionSigner> signer{};
    std::atomic<std::size_t> open_connections{0};
    // Asks for a key on behalf of a worker; the answer is Worker::key_answered.
    std::function<void(const std::string& key_id)> ask_for_key{};
};

class Worker {
    using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
        boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

public:
    // `number` tells it apart from the process's other workers.
    Worker(Shared& shared, const std::vector<net::ListeningSocket>& sockets, int number);
    ~Worker();  // joins; only after stop(), if it was started
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    void start();

    // From any thread.
    void adopt(std::shared_ptr<const edge::Serving> serving);
    void key_answered(std::string key_id);
    void discourage();  // answers carry Connection: close from now on
    void stop_listening();
    void close_resting();
    // Cuts what is still open; the thread ends when the last connection has.
    void stop();
    bool has_ended() const { return ended_.load(); }

    const observe::Counters& counters() const { return counters_; }
    // Whether the loop has turned within the last few seconds.
    bool has_turned_lately() const;

private:
    void make_limiter(int number);
    void run();
    Awaitable<void> tick();
    void cut_connections();
    Awaitable<void> leave_store();

    Shared& shared_;
    observe::Counters counters_;
    boost::asio::io_context io_{1};
    net::Deadlines deadlines_;
    std::unique_ptr<redis::Store> store_;  // null without Redis, like the next
    redis::RedisLimiter* redis_limiter_ = nullptr;
    std::unique_ptr<limit::Limiter> limiter_;
    std::optional<edge::Station> station_;
    std::vector<std::unique_ptr<edge::Listener>> listeners_;
    std::atomic<std::int64_t> last_turn_{0};  // steady seconds
    bool stopping_ = false;
    Timer tick_timer_;
    std::atomic<bool> ended_{false};
    std::thread thread_;
};

}  // namespace orggate::app
