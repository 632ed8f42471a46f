// The control thread: workers, keys, telemetry, signals, and the way out.

#pragma once

#include "app/readiness.hpp"
#include "app/telemetry.hpp"
#include "app/worker.hpp"
#include "orggate/keys/feed.hpp"

#include <boost/asio/signal_set.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace orggate::app {

class Control {
public:
    // Throws std::runtime_error with a message for the operator: an address that cannot
    // be bound, a certificate that cannot be read.
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
    Awaitable<void> watch_signals();
    void log_state();
    Awaitable<void> drain(Milliseconds delay);
    Awaitable<void> let_connections_end();
    Awaitable<void> pause(Milliseconds duration);

    Awaitable<Page> answer(PageRequest request);
    Awaitable<Page> readiness(PageRequest request);
    Page liveness() const;
    Page metrics() const;

    std::shared_ptr<const config::Config> config_;
    observe::Log& log_;
    boost::asio::io_context io_{1};
    net::Deadlines deadlines_;
    std::vector<net::ListeningSocket> sockets_;
    std::optional<net::ListeningSocket> telemetry_socket_;
    Shared shared_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::optional<keys::Feed> feed_;
    std::shared_ptr<const token::KeySet> keys_;
    std::optional<Telemetry> telemetry_;
    std::optional<AppHealth> health_;
    boost::asio::basic_signal_set<Executor> signals_;
    Phase phase_ = Phase::serving;
    bool is_unready_ = false;
};

}  // namespace orggate::app
