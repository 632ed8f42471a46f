#include "redis/topology.hpp"

#include "orggate/net/await.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>

namespace orggate::redis {

namespace {

namespace asio = boost::asio;
using Kind = config::Redis::Topology;

constexpr int max_redirects = 3;
constexpr int max_tries = 16;  // whatever the clock says
constexpr Milliseconds between_looks{2};
constexpr Milliseconds shortest_wait{5}, more_wait{15};  // TRYAGAIN
constexpr Milliseconds load_deadline{2000};

Awaitable<std::optional<config::Address>> same_address(config::Address address)
{
    co_return address;
}

FindAddress always(const config::Address& address)
{
    return [address] { return same_address(address); };
}

Outcome failed(Failure failure)
{
    Outcome outcome;
    outcome.failure = failure;
    return outcome;
}

}  // namespace

Topology::Topology(Executor executor, net::Deadlines& deadlines, Settings settings,
    Surroundings world, observe::StoreCounters& counters, observe::Log& log)
    : settings_(std::move(settings)),
      parts_{executor, deadlines, settings_, world, counters, log},
      complaints_(log)
{
    const config::Redis& redis = settings_.redis;
    if (redis.topology == Kind::cluster) {
        cluster_.emplace(parts_);
        return;
    }
    const config::Address first =
        redis.addresses.empty() ? config::Address() : redis.addresses.front();
    FindAddress find_address = always(first);
    if (redis.topology == Kind::sentinel) find_address = sentinel_.emplace(parts_).find_primary();
    only_ = std::make_shared<Server>(parts_, first, std::move(find_address), Duty::primary);
}

void Topology::start()
{
    if (cluster_) return cluster_->start();
    only_->node.start();
    if (sentinel_)
        sentinel_->start([weak = std::weak_ptr(only_)] {
            if (const auto server = weak.lock()) server->node.reconnect();
        });
}

void Topology::stop(std::shared_ptr<Topology> self, Milliseconds patience)
{
    if (std::exchange(self->is_stopped_, true)) return;
    if (self->sentinel_) self->sentinel_->stop();
    // Behind the first steps of what was sent before: those are commands on their way out.
    const Executor executor = self->executor();
    asio::post(executor, [self = std::move(self), patience] { self->stop_servers(patience); });
}

void Topology::close()
{
    if (std::exchange(is_stopped_, true)) return;
    if (sentinel_) sentinel_->stop();
    stop_servers(Milliseconds{0});
}

void Topology::stop_servers(Milliseconds patience)
{
    if (cluster_) cluster_->stop(patience);
    if (only_) only_->node.stop(patience);
}

bool Topology::is_up(std::uint16_t slot) const
{
    if (is_stopped_) return false;
    if (only_) return only_->node.is_up();
    const auto server = cluster_->find(slot);
    return server && server->node.is_up();
}

std::shared_ptr<Server> Topology::find(std::uint16_t slot) const
{
    return only_ ? only_ : cluster_->find(slot);
}

Milliseconds Topology::left_until(Time end) const
{
    return std::chrono::floor<Milliseconds>(end - parts_.world.clock().steady);
}

Awaitable<Outcome> Topology::run(std::shared_ptr<Topology> self, Call call)
{
    const Time end = self->parts_.world.clock().steady + call.within;
    Route route;
    route.server = self->find(call.slot);
    Milliseconds left = call.within;
    for (int tries = 0; route.server && tries < max_tries; ++tries) {
        Command command = self->writer_.write(call, route.form, route.before);
        Outcome outcome = co_await route.server->node.execute(std::move(command), left);
        if (outcome.failure != Failure::none && self->cluster_) self->cluster_->refresh_soon();
        if (outcome.failure == Failure::none && !outcome.reply.is(Reply::Kind::error))
            self->note_allowed(call);
        if (outcome.failure != Failure::none || !outcome.reply.is(Reply::Kind::error))
            co_return outcome;
        const ServerError error = classify(outcome.reply.text);
        const std::shared_ptr<Server> answered = route.server;
        const bool again = co_await self->apply(error, call, route, end);
        if (!again) {
            outcome.failure = self->settle(error, outcome.reply.text, call, *answered);
            co_return outcome;
        }
        left = self->left_until(end);
        if (left <= Milliseconds{0}) co_return failed(Failure::down);
    }
    co_return failed(Failure::not_connected);
}

// Whether the call, which has not run, is sent again.
Awaitable<bool> Topology::apply(const ServerError& error, const Call& call, Route& route, Time end)
{
    switch (error.remedy) {
        case Remedy::none: co_return false;
        case Remedy::send_text:
            if (call.script == nullptr || route.form == Form::text) co_return false;
            route.form = Form::text;
            load_scripts(route.server);
            co_return true;
        case Remedy::follow:
        case Remedy::ask: co_return co_await redirect(error, call, route, end);
        case Remedy::wait: {
            const double share = parts_.world.fraction() * static_cast<double>(more_wait.count());
            const Milliseconds duration =
                shortest_wait + Milliseconds{static_cast<Milliseconds::rep>(share)};
            const bool is_in_time = co_await pause(duration, end);
            route.server = find(call.slot);
            route.before = Before::nothing;
            route.redirects = 0;  // the way there is the same again: the deadline ends it
            const bool goes_on = is_in_time && route.server;
            co_return goes_on;
        }
        case Remedy::rediscover: co_return co_await rediscover(call, route, end);
    }
    co_return false;
}

Awaitable<bool> Topology::redirect(
    const ServerError& error, const Call& call, Route& route, Time end)
{
    if (!cluster_ || ++route.redirects > max_redirects) co_return false;
    parts_.counters.redirects.add();
    config::Address address;
    address.host = error.host.empty() ? route.server->address.host : std::string(error.host);
    address.port = error.port;
    const bool is_moved = error.remedy == Remedy::follow;
    // The slot is the one we asked for, whatever the server calls it.
    const auto target = is_moved ? cluster_->moved(call.slot, address) : cluster_->at(address);
    if (!target) co_return false;
    route.server = target;
    route.before = is_moved ? Before::nothing : Before::asking;
    route.form = Form::digest;
    while (!target->node.is_up()) {
        const bool is_in_time = co_await pause(between_looks, end);
        if (!is_in_time) co_return false;
    }
    co_return true;
}

Awaitable<bool> Topology::rediscover(const Call& call, Route& route, Time end)
{
    if (std::exchange(route.is_rediscovered, true)) co_return false;
    // Not up: whoever was told the same before us has done it.
    if (route.server->node.is_up()) route.server->node.reconnect();
    if (cluster_) cluster_->refresh_soon();
    route.before = Before::nothing;
    route.form = Form::digest;
    while (true) {
        route.server = find(call.slot);
        if (route.server && route.server->node.is_up()) co_return true;
        const bool is_in_time = co_await pause(between_looks, end);
        if (!is_in_time) co_return false;
    }
}

// False, without waiting, if nothing could be done after it.
Awaitable<bool> Topology::pause(Milliseconds duration, Time end)
{
    if (is_stopped_ || left_until(end) <= duration) co_return false;
    Timer timer(parts_.executor, duration);
    co_await timer.async_wait(net::as_values);
    co_return !is_stopped_;
}

Failure Topology::settle(
    const ServerError& error, std::string_view text, const Call& call, Server& server)
{
    observe::StoreCounters& counters = parts_.counters;
    // A redirect where there is no Cluster is one that was not configured as such.
    const bool is_redirect = error.remedy == Remedy::follow || error.remedy == Remedy::ask;
    ServerError judged = error;
    if (is_redirect && !cluster_) judged.failure = Failure::forbidden;
    switch (judged.failure) {
        case Failure::down: counters.refused_by_server.add(); break;
        case Failure::forbidden: counters.forbidden.add(); break;
        default: counters.defects.add(); break;
    }
    complaints_.add(judged, text, server.address, parts_.world.clock().steady);
    // A server is none the worse for knowing that another one has the slot.
    if (!is_redirect && error.remedy != Remedy::wait)
        server.node.report(judged.failure, error.code);
    // A plain command may be refused by intention: whoever sent it does without.
    if (judged.failure == Failure::forbidden && call.script != nullptr) {
        forbidden_ = describe(judged, text);
        forbidden_script_ = call.script;
    }
    return judged.failure;
}

void Topology::note_allowed(const Call& call)
{
    if (forbidden_script_ == nullptr || forbidden_script_ != call.script) return;
    forbidden_script_ = nullptr;
    forbidden_.clear();
}

std::string Topology::trouble() const
{
    if (is_stopped_) return "stopped";
    std::string text = only_ ? std::string(only_->node.trouble()) : cluster_->trouble();
    const bool knows_no_primary = sentinel_ && !text.empty() && !sentinel_->trouble().empty();
    if (knows_no_primary) text = sentinel_->trouble();
    return text.empty() ? forbidden_ : text;
}

// One script was forgotten, so all were.
void Topology::load_scripts(const std::shared_ptr<Server>& server)
{
    if (std::exchange(server->is_loading, true)) return;
    asio::co_spawn(parts_.executor, load(shared_from_this(), server), asio::detached);
}

Awaitable<void> Topology::load(std::shared_ptr<Topology> self, std::shared_ptr<Server> server)
{
    for (const Script* script : self->settings_.scripts) {
        Command command = make_command({"SCRIPT", "LOAD", script->text});
        const Outcome outcome = co_await server->node.execute(std::move(command), load_deadline);
        if (outcome.failure != Failure::none) break;
        self->parts_.counters.script_loads.add();
    }
    server->is_loading = false;
}

}  // namespace orggate::redis
