// The control thread: workers, keys, tenants, the fleet, telemetry, admin, signals, and the
// way out.

#pragma once

#include "app/admin.hpp"
#include "app/page_server.hpp"
#include "app/readiness.hpp"
#include "app/tenant_sources.hpp"
#include "app/tenants_file.hpp"
#include "app/worker.hpp"
#include "orggate/keys/feed.hpp"
#include "orggate/redis/fleet.hpp"

#include <boost/asio/signal_set.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace orggate::app {

class Control {
public:
    // Throws std::runtime_error with a message for the operator: an address that cannot
    // be bound, a certificate or a tenants file that cannot be read.
    Control(std::shared_ptr<const config::Config> config, observe::Log& log);
    ~Control();
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;

    // Where we listen, as JSON for the address file.
    std::string addresses() const;
    // The same for humans: "127.0.0.1:8080, [::]:8443".
    std::string listening() const;

    // Serves until a signal ends it. The exit code.
    int run();

private:
    enum class Phase { serving, draining, closed };

    void make_shared();
    void run_loop();
    void start_keys();
    void adopt_keys(std::shared_ptr<const token::KeySet> keys);
    void publish();

    void publish_tenants();
    void read_tenants_at_start();
    Awaitable<void> watch_tenants_file();
    void take_tenants(TenantSource source, TenantMap tenants);
    void hear_fleet(const redis::TenantTexts& texts);
    void make_fleet();
    void make_admin();
    void open_admin();
    void start_store();
    void stop_store();
    Awaitable<void> watch_signals();
    void log_state();
    Awaitable<void> drain(Milliseconds delay);
    Awaitable<void> let_connections_end();
    Awaitable<void> pause(Milliseconds duration);

    Awaitable<Page> answer(PageRequest request);
    Awaitable<Page> readiness(PageRequest request);
    std::string redis_line() const;
    void log_readiness(const std::vector<std::string>& reasons);
    Page liveness() const;
    Page metrics() const;

    std::shared_ptr<const config::Config> config_;
    observe::Log& log_;
    boost::asio::io_context io_{1};
    net::Deadlines deadlines_;
    std::vector<net::ListeningSocket> sockets_;
    std::optional<net::ListeningSocket> telemetry_socket_, admin_socket_;
    Shared shared_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::optional<keys::Feed> feed_;
    std::shared_ptr<const token::KeySet> keys_;
    TenantSources tenant_sources_;
    std::shared_ptr<const policy::Tenants> tenants_;
    std::optional<TenantsFile> tenants_file_;
    observe::StoreCounters store_counters_;
    std::unique_ptr<redis::Store> store_;  // null without Redis, like the next
    std::unique_ptr<redis::Fleet> fleet_;
    std::optional<Admin> admin_;
    std::optional<PageServer> telemetry_, admin_server_;
    std::optional<AppHealth> health_;
    std::optional<std::string> readiness_;  // as logged last: the reasons, or empty for ready
    boost::asio::basic_signal_set<Executor> signals_;
    Phase phase_ = Phase::serving;
    bool is_unready_ = false;
};

}  // namespace orggate::app
