#include "app/control.hpp"

#include "app/clock.hpp"
#include "app/redis_settings.hpp"
#include "orggate/http/assertion.hpp"
#include "orggate/limit/local.hpp"
#include "orggate/observe/json_text.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace orggate::app {
namespace {

constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable_t<Executor>());
constexpr int forced_quit = 3;
constexpr Milliseconds last_word{500};
// Before a resting connection is closed: its client may be about to ask.
constexpr Milliseconds resting_grace{1'000};
constexpr Milliseconds look_period{20};
constexpr Milliseconds cut_patience{5'000};

net::ListeningSocket open(const config::Address& address)
{
    auto opened = net::ListeningSocket::open(address);
    if (!opened) throw std::runtime_error(opened.error());
    return std::move(*opened);
}

}  // namespace

Control::Control(std::shared_ptr<const config::Config> config, observe::Log& log)
    : config_(std::move(config)),
      log_(log),
      deadlines_(io_.get_executor()),
      shared_{.config = config_, .log = log_},
      signals_(io_)
{
    // From here on a signal is kept until run() can heed it.
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1})
        signals_.add(signal);
    make_shared();
    read_tenants_at_start();
    for (const auto& address : config_->listen)
        sockets_.push_back(open(address));
    if (config_->telemetry) telemetry_socket_.emplace(open(*config_->telemetry));
    for (int i = 0; i < config_->workers; ++i)
        workers_.push_back(std::make_unique<Worker>(shared_, sockets_, i));
    health_.emplace(config_, shared_.upstream_tls, deadlines_);
    if (telemetry_socket_)
        telemetry_.emplace(io_.get_executor(), deadlines_, *telemetry_socket_,
            [this](PageRequest request) { return answer(std::move(request)); });
    make_fleet();
    make_admin();
}

Control::~Control() = default;

void Control::run_loop()
{
    for (;;) {
        try {
            io_.run();
            return;
        } catch (const std::exception& e) {
            log_.event(observe::Level::error, "unexpected exception on the control thread",
                {{"error", std::string_view(e.what())}});
        }
    }
}

void Control::make_shared()
{
    shared_.limits = std::make_shared<limit::LocalTable>(HashKey{random_number(), random_number()});
    const auto& clients = config_->clients;
    if (clients.unauthenticated || clients.refused || clients.connections)
        shared_.clients =
            std::make_unique<edge::Clients>(*config_, HashKey{random_number(), random_number()});
    if (config_->redis) shared_.redis_tls = make_redis_tls(*config_->redis);
    for (const auto& upstream : config_->upstreams) {
        const auto& tls = upstream.tls;
        const auto& name = tls.server_name.empty() ? upstream.address.host : tls.server_name;
        shared_.upstream_tls.push_back(upstream.is_tls
                                           ? std::make_unique<net::ClientContext>(
                                                 tls.ca_file, name, tls.cert_file, tls.key_file)
                                           : nullptr);
    }
    if (const auto& tls = config_->tls)
        shared_.server_tls = std::make_unique<net::ServerContext>(
            tls->cert_file, tls->key_file, tls->client_ca_file);
    if (config_->assertion) {
        const auto& wanted = *config_->assertion;
        auto signer =
            http::AssertionSigner::make({wanted.audience, wanted.key_pem, wanted.lifetime});
        if (!signer) throw std::runtime_error("assertion: " + signer.error());
        shared_.signer = std::move(*signer);
    }
    shared_.ask_for_key = [this](const std::string& key_id) {
        boost::asio::post(io_, [this, key_id] {
            const auto tell = [this, key_id] {
                for (auto& worker : workers_)
                    worker->key_answered(key_id);
            };
            feed_ ? feed_->ask(key_id, tell) : tell();
        });
    };
}

std::string Control::listening() const
{
    std::string text;
    for (const auto& socket : sockets_)
        text.append(text.empty() ? "" : ", ").append(socket.address());
    return text;
}

std::string Control::addresses() const
{
    std::string json = "{\"pid\":" + std::to_string(::getpid()) + ",\"listen\":[";
    for (std::size_t i = 0; i < sockets_.size(); ++i)
        json += (i == 0 ? "\"" : ",\"") + sockets_[i].address() + "\"";
    json += "]";
    if (telemetry_socket_) json += ",\"telemetry\":\"" + telemetry_socket_->address() + "\"";
    if (admin_socket_) {
        json += ",\"admin\":";
        observe::append_json_string(json, admin_socket_->address());
    }
    return json + "}\n";
}

int Control::run()
{
    start_keys();
    for (auto& worker : workers_)
        worker->start();
    for (auto* server : {&telemetry_, &admin_server_})
        if (*server) boost::asio::co_spawn(io_, (*server)->run(), boost::asio::detached);
    if (tenants_file_) boost::asio::co_spawn(io_, watch_tenants_file(), boost::asio::detached);
    start_store();
    boost::asio::co_spawn(io_, watch_signals(), boost::asio::detached);
    run_loop();
    return 0;
}

// ---- keys --------------------------------------------------------------------------

void Control::start_keys()
{
    const auto& clerk = config_->clerk;
    if (!clerk.jwt_key_pem.empty()) {
        auto keys = token::KeySet::parse_pem(clerk.jwt_key_pem);
        if (!keys) throw std::runtime_error("clerk.jwt_key: " + keys.error());
        adopt_keys(std::move(*keys));
        return;
    }
    adopt_keys(nullptr);
    feed_.emplace(io_.get_executor(), deadlines_,
        keys::Source{.url = clerk.jwks_url,
            .secret = clerk.jwks_needs_secret ? clerk.secret_key : std::string(),
            .ca_file = clerk.jwks_ca_file,
            .refresh = clerk.jwks_refresh,
            .max_age = clerk.jwks_max_age},
        &now, &random_fraction, log_,
        [this](std::shared_ptr<const token::KeySet> keys) { adopt_keys(std::move(keys)); });
    boost::asio::co_spawn(io_, feed_->run(), boost::asio::detached);
}

void Control::adopt_keys(std::shared_ptr<const token::KeySet> keys)
{
    keys_ = std::move(keys);
    publish();
}

void Control::publish()
{
    const auto serving =
        std::make_shared<const edge::Serving>(edge::Serving{config_, keys_, tenants_});
    for (auto& worker : workers_)
        worker->adopt(serving);
}

// ---- signals and the way out -------------------------------------------------------

Awaitable<void> Control::watch_signals()
{
    for (;;) {
        const auto [error, signal] = co_await signals_.async_wait(token);
        if (error) co_return;
        if (signal == SIGHUP) {
            log_.event(observe::Level::warn, "the configuration is read at start only");
        } else if (signal == SIGUSR1) {
            log_state();
            log_.reopen();
        } else if (phase_ == Phase::serving) {
            const auto delay = signal == SIGINT ? Milliseconds{0} : config_->drain_delay;
            boost::asio::co_spawn(io_, drain(delay), boost::asio::detached);
        } else {
            log_.event(observe::Level::warn, "second signal: quitting at once");
            log_.flush(last_word);
            std::_Exit(forced_quit);
        }
    }
}

void Control::log_state()
{
    log_.event(observe::Level::info, "state",
        {{"connections", static_cast<std::int64_t>(shared_.open_connections.load())},
            {"draining", phase_ != Phase::serving}, {"has_keys", keys_ != nullptr},
            {"counters", static_cast<std::int64_t>(shared_.limits->size())},
            {"redis", std::string_view(!fleet_           ? "none"
                                       : fleet_->is_up() ? "up"
                                                         : "away")},
            {"processes", shared_.fleet.processes.load()},
            {"tenants", static_cast<std::int64_t>(tenants_->size())},
            {"log_lines_dropped", static_cast<std::int64_t>(log_.dropped())}});
}

// Discourage first, so that whoever balances load has time to notice; then stop.
Awaitable<void> Control::drain(Milliseconds delay)
{
    phase_ = Phase::draining;
    is_unready_ = config_->unready_at_once;
    log_.event(observe::Level::info, "draining", {{"delay_ms", std::int64_t{delay.count()}}});
    for (auto& worker : workers_)
        worker->discourage();
    co_await pause(delay);
    is_unready_ = true;
    sockets_.clear();  // the workers' duplicates still listen
    for (auto& worker : workers_)
        worker->stop_listening();
    co_await let_connections_end();

    const auto cut = shared_.open_connections.load();
    phase_ = Phase::closed;
    stop_store();
    for (auto& worker : workers_)
        worker->stop();
    for (Milliseconds waited{0}; waited < cut_patience; waited += look_period) {
        if (std::ranges::all_of(workers_, [](const auto& w) { return w->has_ended(); })) break;
        co_await pause(look_period);
    }
    log_.event(
        observe::Level::info, "stopped", {{"connections_cut", static_cast<std::int64_t>(cut)}});
    if (!std::ranges::all_of(workers_, [](const auto& w) { return w->has_ended(); })) {
        log_.flush(last_word);
        std::_Exit(0);
    }
    if (feed_) feed_->stop();
    for (auto* server : {&telemetry_, &admin_server_})
        if (*server) (*server)->stop();
    boost::system::error_code ignored;
    signals_.cancel(ignored);
    deadlines_.stop();
    // Whoever still holds a telemetry connection, or a fetch on its way, is not waited for.
    io_.stop();
}

Awaitable<void> Control::let_connections_end()
{
    for (Milliseconds waited{0}; waited < config_->drain_timeout; waited += look_period) {
        if (shared_.open_connections.load() == 0) co_return;
        if (waited >= std::min(resting_grace, config_->drain_timeout / 2))
            for (auto& worker : workers_)
                worker->close_resting();
        co_await pause(look_period);
    }
}

Awaitable<void> Control::pause(Milliseconds duration)
{
    boost::asio::basic_waitable_timer<std::chrono::steady_clock,
        boost::asio::wait_traits<std::chrono::steady_clock>, Executor>
        timer(io_.get_executor(), duration);
    co_await timer.async_wait(token);
}

}  // namespace orggate::app
