#include "redis/sentinel.hpp"

#include "orggate/net/await.hpp"

#include "redis/sentinel_list.hpp"
#include "redis/slot_map.hpp"
#include "redis/topology_asker.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <utility>

namespace orggate::redis {

namespace {

namespace asio = boost::asio;

constexpr Milliseconds patience{300};  // with one Sentinel, all in all
constexpr Milliseconds between_looks{1'000};
constexpr Milliseconds silence{10'000};  // of a subscription, then it is asked whether it lives

// Who named it, over which connection.
struct Found {
    std::optional<config::Address> primary;
    std::unique_ptr<Connection> connection;
    std::string reason;  // why nobody did
};

Credentials credentials_of(const config::Redis& redis)
{
    return {redis.sentinel_username, redis.sentinel_password};
}

}  // namespace

struct Sentinel::State {
    State(const NodeParts& parts)
        : asker(parts, credentials_of(parts.settings.redis)),
          name(parts.settings.redis.master),
          log(parts.log),
          sentinels(parts.settings.redis.addresses),
          look_timer(parts.executor),
          listen_timer(parts.executor)
    {
    }

    using Self = std::shared_ptr<State>;
    static Awaitable<std::optional<config::Address>> find(Self self);
    static Awaitable<void> look(Self self);
    static Awaitable<void> listen(Self self);

    Awaitable<Found> walk();
    Awaitable<std::optional<config::Address>> ask(Connection& connection);
    Awaitable<std::optional<config::Address>> look_once();
    Awaitable<void> hear(Connection& connection, const config::Address& sentinel);
    void heard(const Reply& message, const config::Address& sentinel);
    void note(const Found& found);
    void change(const config::Address& primary, std::string_view how);

    Asker asker;
    std::string name;
    observe::Log& log;
    SentinelList sentinels;
    std::optional<config::Address> given;  // by find(), the last time
    std::function<void()> primary_changed;
    std::unique_ptr<Connection> looking;
    Connection* listening = nullptr;
    Timer look_timer, listen_timer;
    std::string trouble;
    bool is_failing = false, is_stopped = false;
};

Sentinel::Sentinel(const NodeParts& parts) : state_(std::make_shared<State>(parts)) {}

Sentinel::~Sentinel()
{
    stop();
}

FindAddress Sentinel::find_primary() const
{
    return [self = state_] { return State::find(self); };
}

const std::string& Sentinel::trouble() const
{
    return state_->trouble;
}

void Sentinel::start(std::function<void()> primary_changed)
{
    state_->primary_changed = std::move(primary_changed);
    asio::co_spawn(state_->asker.executor, State::look(state_), asio::detached);
    asio::co_spawn(state_->asker.executor, State::listen(state_), asio::detached);
}

void Sentinel::stop()
{
    if (std::exchange(state_->is_stopped, true)) return;
    state_->primary_changed = nullptr;
    state_->look_timer.cancel();
    state_->listen_timer.cancel();
    if (state_->looking) state_->looking->close();
    if (state_->listening != nullptr) state_->listening->close();
}

Awaitable<std::optional<config::Address>> Sentinel::State::find(Self self)
{
    const Found found = co_await self->walk();
    if (found.primary) self->given = found.primary;
    self->note(found);
    co_return found.primary;
}

// In order, until one answers.
Awaitable<Found> Sentinel::State::walk()
{
    Found found;
    const std::vector<config::Address> all = sentinels.all();
    for (const config::Address& sentinel : all) {
        if (is_stopped) break;
        const auto begun = asker.clock().steady;
        Introduced made = co_await asker.connect(sentinel, patience);
        found.connection = std::move(made.connection);
        found.reason = std::move(made.reason);
        if (!found.connection) continue;
        const auto left = patience - (asker.clock().steady - begun);
        const TimeLimit limit(
            asker.deadlines, *found.connection, std::chrono::ceil<Milliseconds>(left));
        found.primary = co_await ask(*found.connection);
        found.reason = "it knows no primary of that name";
        if (!found.primary) continue;
        sentinels.answered(sentinel);
        break;
    }
    co_return found;
}

Awaitable<std::optional<config::Address>> Sentinel::State::ask(Connection& connection)
{
    Command command = make_command({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", name});
    const Command others = make_command({"SENTINEL", "SENTINELS", name});
    command.bytes += others.bytes;
    const Failure failure = co_await connection.send(std::move(command.bytes), patience);
    if (failure != Failure::none) co_return std::nullopt;
    const Outcome primary = co_await connection.receive(patience);
    if (primary.failure != Failure::none) co_return std::nullopt;
    const Outcome rest = co_await connection.receive(patience);
    if (rest.failure != Failure::none) co_return std::nullopt;
    auto address = read_primary(primary.reply);
    if (address) sentinels.learn(rest.reply);
    co_return address;
}

Awaitable<void> Sentinel::State::look(Self self)
{
    while (!self->is_stopped) {
        self->look_timer.expires_after(between_looks);
        co_await self->look_timer.async_wait(net::as_values);
        if (self->is_stopped) break;
        const auto primary = co_await self->look_once();
        if (primary) self->change(*primary, "a look");
    }
    self->looking.reset();
}

Awaitable<std::optional<config::Address>> Sentinel::State::look_once()
{
    if (looking && looking->is_open()) {
        const TimeLimit limit(asker.deadlines, *looking, patience);
        const auto primary = co_await ask(*looking);
        if (primary) co_return primary;
    }
    looking.reset();
    Found found = co_await walk();
    if (found.primary && !is_stopped) looking = std::move(found.connection);
    co_return found.primary;
}

Awaitable<void> Sentinel::State::listen(Self self)
{
    for (std::size_t turn = 0; !self->is_stopped; ++turn) {
        const auto& all = self->sentinels.all();
        if (all.empty()) break;
        const config::Address sentinel = all[turn % all.size()];
        const Introduced made = co_await self->asker.connect(sentinel, patience);
        if (made.connection && !self->is_stopped) {
            self->listening = made.connection.get();
            co_await self->hear(*made.connection, sentinel);
            self->listening = nullptr;
        }
        if (self->is_stopped) break;
        self->listen_timer.expires_after(between_looks);
        co_await self->listen_timer.async_wait(net::as_values);
    }
}

// Until the connection is lost, or says nothing even when asked.
Awaitable<void> Sentinel::State::hear(Connection& connection, const config::Address& sentinel)
{
    const Command subscribe = make_command({"SUBSCRIBE", "+switch-master"});
    const Command ping = make_command({"PING"});
    Failure failure = co_await connection.send(subscribe.bytes, patience);
    bool is_asked = true;
    while (failure == Failure::none && !is_stopped) {
        const Outcome outcome = co_await connection.receive(is_asked ? patience : silence);
        failure = outcome.failure;
        if (failure == Failure::none && outcome.reply.is(Reply::Kind::error)) co_return;
        if (failure == Failure::none) {
            is_asked = false;
            heard(outcome.reply, sentinel);
        } else if (failure == Failure::timed_out && !is_asked) {
            is_asked = true;
            failure = co_await connection.send(ping.bytes, patience);
        }
    }
}

void Sentinel::State::heard(const Reply& message, const config::Address& sentinel)
{
    const auto primary = read_switch(message, name);
    if (!primary) return;
    sentinels.answered(sentinel);  // it knows: the next question goes there
    change(*primary, "+switch-master");
}

// Once, until one does again.
void Sentinel::State::note(const Found& found)
{
    const bool was_failing = std::exchange(is_failing, !found.primary);
    trouble = found.primary ? std::string() : "no sentinel names the primary: " + found.reason;
    if (is_stopped || was_failing || found.primary) return;
    log.event(observe::Level::warn, "no sentinel names the primary",
        {{"name", name}, {"reason", found.reason}});
}

void Sentinel::State::change(const config::Address& primary, std::string_view how)
{
    if (is_stopped || !given || is_same(primary, *given)) return;
    log.event(observe::Level::info, "sentinel names another primary",
        {{"name", name}, {"server", text_of(primary)}, {"how", how}});
    given = primary;
    if (looking) looking->close();  // whom it asks may be behind
    primary_changed();
}

}  // namespace orggate::redis
