#include "redis/cluster.hpp"

#include "orggate/net/await.hpp"

#include "redis/slot_map.hpp"
#include "redis/topology_asker.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace orggate::redis {

namespace {

namespace asio = boost::asio;

constexpr Milliseconds patience{500};  // with one node that is asked for the map
constexpr Milliseconds between_refreshes{1'000}, refresh{60'000};
constexpr Milliseconds to_leave{200};
constexpr std::size_t most_asked = 8;  // beside the configured ones, in one refresh

Credentials credentials_of(const config::Redis& redis)
{
    return {redis.username, redis.password};
}

Awaitable<std::optional<config::Address>> same_address(config::Address address)
{
    co_return address;
}

}  // namespace

struct Cluster::State {
    explicit State(const NodeParts& node_parts)
        : parts(node_parts),
          asker(node_parts, credentials_of(node_parts.settings.redis)),
          configured(node_parts.settings.redis.addresses),
          log(node_parts.log),
          fraction(node_parts.world.fraction),
          timer(node_parts.executor)
    {
    }

    using Time = std::chrono::steady_clock::time_point;
    using Self = std::shared_ptr<State>;
    // A server, and whether a redirect led to it since the last map.
    struct Entry {
        std::shared_ptr<Server> server;
        bool is_used = false;
    };

    static Awaitable<void> run(Self self);
    Awaitable<void> refresh_map();
    Awaitable<std::optional<SlotMap>> ask(config::Address address);
    std::vector<config::Address> candidates() const;
    void adopt(SlotMap next);
    Entry* find_entry(const config::Address& address);
    Entry& open(const config::Address& address);
    Entry* follow(const config::Address& address);
    void align();
    bool is_whole() const;
    Milliseconds until_due() const;

    NodeParts parts;  // for new servers: not used once stopped
    Asker asker;
    std::vector<config::Address> configured;
    observe::Log& log;
    double (*fraction)();
    SlotMap map;
    std::vector<std::shared_ptr<Server>> owners;  // as map.servers()
    std::vector<Entry> all;
    std::vector<std::shared_ptr<Server>> leaving;  // until the next map
    Timer timer;
    std::optional<Time> asked;  // for the map
    std::string reason;         // why the last one asked did not give it
    bool is_wanted = false;     // the map, soon
    bool is_failing = false, is_stopped = false;
};

Cluster::Cluster(const NodeParts& parts) : state_(std::make_shared<State>(parts)) {}

Cluster::~Cluster()
{
    stop(Milliseconds{0});
}

void Cluster::start()
{
    asio::co_spawn(state_->asker.executor, State::run(state_), asio::detached);
}

void Cluster::stop(Milliseconds wait)
{
    if (std::exchange(state_->is_stopped, true)) return;
    state_->timer.cancel();
    for (const State::Entry& entry : state_->all)
        entry.server->node.stop(wait);
}

std::shared_ptr<Server> Cluster::find(std::uint16_t slot) const
{
    const std::uint16_t owner = state_->map.owner(slot);
    return owner == SlotMap::nobody ? nullptr : state_->owners[owner];
}

std::shared_ptr<Server> Cluster::at(const config::Address& address)
{
    State::Entry* entry = state_->follow(address);
    if (entry == nullptr) return nullptr;
    entry->is_used = true;
    return entry->server;
}

std::shared_ptr<Server> Cluster::moved(std::uint16_t slot, const config::Address& address)
{
    refresh_soon();
    if (state_->follow(address) == nullptr || !state_->map.assign(slot, address)) return nullptr;
    state_->align();
    return find(slot);
}

void Cluster::refresh_soon()
{
    if (std::exchange(state_->is_wanted, true)) return;
    state_->timer.cancel();
}

std::string Cluster::trouble() const
{
    for (const auto& owner : state_->owners)
        if (const auto why = owner->node.trouble(); !why.empty())
            return text_of(owner->address) + ": " + std::string(why);
    if (state_->map.is_full()) return {};
    if (state_->is_failing) return "no node of the cluster tells its slots: " + state_->reason;
    return state_->owners.empty() ? "the slots of the cluster are not known yet"
                                  : "some slots of the cluster have no server";
}

Awaitable<void> Cluster::State::run(Self self)
{
    while (!self->is_stopped) {
        const Milliseconds wait = self->until_due();
        if (wait <= Milliseconds{0}) {
            co_await self->refresh_map();
            continue;
        }
        self->timer.expires_after(wait);
        co_await self->timer.async_wait(net::as_values);
    }
}

// Looks every second whether there is a reason.
Milliseconds Cluster::State::until_due() const
{
    if (!asked) return Milliseconds{0};
    const auto since = asker.clock().steady - *asked;
    const auto soon = std::chrono::ceil<Milliseconds>(between_refreshes - since);
    if (soon > Milliseconds{0}) return soon;
    const bool is_due = is_wanted || !is_whole() || since >= refresh;
    return is_due ? Milliseconds{0} : between_refreshes;
}

// Every slot has an owner and every owner is reached.
bool Cluster::State::is_whole() const
{
    const auto is_up = [](const auto& server) { return server->node.is_up(); };
    return map.is_full() && std::ranges::all_of(owners, is_up);
}

Awaitable<void> Cluster::State::refresh_map()
{
    asked = asker.clock().steady;
    is_wanted = false;
    const std::vector<config::Address> addresses = candidates();
    for (const config::Address& address : addresses) {
        auto next = co_await ask(address);
        if (is_stopped) co_return;
        if (!next) continue;
        adopt(std::move(*next));
        if (std::exchange(is_failing, false))
            log.event(observe::Level::info, "the slots of the redis cluster are known again");
        co_return;
    }
    if (!std::exchange(is_failing, true))
        log.event(observe::Level::warn, "no node of the redis cluster tells its slots",
            {{"asked", static_cast<std::int64_t>(addresses.size())}, {"reason", reason}});
}

// Those that are up, beginning anywhere among them; then as configured; then the rest.
std::vector<config::Address> Cluster::State::candidates() const
{
    std::vector<config::Address> up, down;
    for (const auto& owner : owners)
        (owner->node.is_up() ? up : down).push_back(owner->address);
    const auto first = static_cast<std::ptrdiff_t>(fraction() * static_cast<double>(up.size()));
    std::ranges::rotate(up, up.begin() + std::clamp<std::ptrdiff_t>(first, 0, std::ssize(up)));
    up.resize(std::min(up.size(), most_asked));
    down.resize(std::min(down.size(), most_asked));
    up.insert(up.end(), configured.begin(), configured.end());
    up.insert(up.end(), down.begin(), down.end());
    return up;
}

Awaitable<std::optional<SlotMap>> Cluster::State::ask(config::Address address)
{
    const auto begun = asker.clock().steady;
    Introduced made = co_await asker.connect(address, patience);
    const auto left = patience - (asker.clock().steady - begun);
    reason = made.connection ? "no answer in time" : std::move(made.reason);
    if (!made.connection || left <= left.zero()) co_return std::nullopt;
    Command command = make_command({"CLUSTER", "SLOTS"});
    const Outcome outcome =
        co_await made.connection->ask(std::move(command), std::chrono::ceil<Milliseconds>(left));
    if (outcome.failure != Failure::none) co_return std::nullopt;
    reason = outcome.reply.is(Reply::Kind::error) ? told(outcome.reply.text)
                                                  : "its answer is no map with a server in it";
    co_return SlotMap::read(outcome.reply, address);
}

void Cluster::State::adopt(SlotMap next)
{
    map = std::move(next);
    align();
    leaving.clear();
    const auto is_forgotten = [this](Entry& entry) {
        const bool is_owner = std::ranges::find(owners, entry.server) != owners.end();
        if (is_owner || std::exchange(entry.is_used, false)) return false;
        entry.server->node.stop(to_leave);
        leaving.push_back(entry.server);
        return true;
    };
    std::erase_if(all, is_forgotten);
}

// The owners as the map has them now.
void Cluster::State::align()
{
    std::vector<std::shared_ptr<Server>> next;
    for (const config::Address& address : map.servers())
        next.push_back(open(address).server);
    owners = std::move(next);
}

Cluster::State::Entry* Cluster::State::find_entry(const config::Address& address)
{
    for (Entry& entry : all)
        if (is_same(entry.server->address, address)) return &entry;
    return nullptr;
}

Cluster::State::Entry& Cluster::State::open(const config::Address& address)
{
    if (Entry* known = find_entry(address)) return *known;
    auto server = std::make_shared<Server>(
        parts, address, [address] { return same_address(address); }, Duty::cluster_node);
    server->node.start();
    Entry& entry = all.emplace_back();
    entry.server = std::move(server);
    return entry;
}

// Where a redirect leads. A server cannot make us open any number of connections.
Cluster::State::Entry* Cluster::State::follow(const config::Address& address)
{
    if (is_stopped) return nullptr;
    Entry* known = find_entry(address);
    if (known == nullptr && all.size() >= SlotMap::max_servers) return nullptr;
    return known != nullptr ? known : &open(address);
}

}  // namespace orggate::redis
