#include "orggate/redis/store.hpp"

#include "redis/topology.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <utility>

namespace orggate::redis {

namespace {

namespace asio = boost::asio;

constexpr Milliseconds in_background{2'000};

// A call that owns what it names.
struct Errand {
    Call call;
    std::vector<std::string> keys, arguments;
};

Awaitable<Outcome> run_errand(std::shared_ptr<Topology> topology, Errand errand)
{
    errand.call.keys = errand.keys;
    errand.call.arguments = errand.arguments;
    errand.call.within = in_background;
    co_return co_await Topology::run(std::move(topology), errand.call);
}

Awaitable<Outcome> refused()
{
    Outcome outcome;
    outcome.failure = Failure::not_connected;
    co_return outcome;
}

}  // namespace

Store::Store(Executor executor, net::Deadlines& deadlines, Settings settings, Surroundings world,
    observe::StoreCounters& counters, observe::Log& log)
    : topology_(std::make_shared<Topology>(
          executor, deadlines, std::move(settings), world, counters, log))
{
}

Store::~Store()
{
    topology_->close();
}

void Store::start()
{
    topology_->start();
}

void Store::stop(Milliseconds patience)
{
    Topology::stop(topology_, patience);
}

bool Store::is_up(std::uint16_t slot) const
{
    return topology_->is_up(slot);
}

bool Store::is_cluster() const
{
    return topology_->is_cluster();
}

std::string Store::trouble() const
{
    return topology_->trouble();
}

Awaitable<Outcome> Store::evaluate(const Script& script, std::uint16_t slot,
    std::span<const std::string> keys, std::span<const std::string> arguments, Milliseconds within)
{
    if (topology_->is_stopped()) return refused();
    return Topology::run(topology_, Call{&script, slot, keys, arguments, within});
}

void Store::send(const Script& script, std::uint16_t slot, std::span<const std::string> keys,
    std::span<const std::string> arguments)
{
    if (!is_up(slot)) return;
    Errand errand;
    errand.call.script = &script;
    errand.call.slot = slot;
    errand.keys.assign(keys.begin(), keys.end());
    errand.arguments.assign(arguments.begin(), arguments.end());
    asio::co_spawn(topology_->executor(), run_errand(topology_, std::move(errand)), asio::detached);
}

Awaitable<Outcome> Store::command(std::uint16_t slot, std::vector<std::string> words)
{
    if (topology_->is_stopped()) return refused();
    Errand errand;
    errand.call.slot = slot;
    errand.arguments = std::move(words);
    return run_errand(topology_, std::move(errand));
}

}  // namespace orggate::redis
