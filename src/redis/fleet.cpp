#include "orggate/redis/fleet.hpp"

#include "orggate/net/await.hpp"

#include "redis/fleet_addresses.hpp"
#include "redis/fleet_state.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <optional>
#include <utility>

namespace orggate::redis {
namespace {

constexpr Milliseconds round_period{500};
// A process that has just come up must not serve half a second with what others have changed.
constexpr Milliseconds first_period{50};
constexpr int first_rounds = 40;
constexpr Milliseconds name_period{5'000}, name_deadline{2'000};
constexpr Seconds between_complaints{60};

FleetCount::Source source_of(const config::Redis& redis)
{
    return redis.fleet_dns.empty() ? FleetCount::Source::presence : FleetCount::Source::dns;
}

}  // namespace

Fleet::State::State(FleetParts p)
    : parts(std::move(p)),
      keys(parts.redis.name_space),
      member(parts.member + ":" + std::to_string(parts.workers)),
      count(parts.redis.fleet, parts.workers, source_of(parts.redis)),
      pause(parts.executor),
      name_pause(parts.executor)
{
    publish_count();
}

Fleet::Fleet(FleetParts parts) : state_(std::make_shared<State>(std::move(parts))) {}

Fleet::~Fleet() = default;

namespace {

// Keeps what it runs on alive.
template <class S>
Awaitable<void> hold(std::shared_ptr<S> state, Awaitable<void> (S::*step)())
{
    co_await (state.get()->*step)();
}

}  // namespace

Awaitable<void> Fleet::run()
{
    const auto state = state_;
    if (!state->parts.redis.fleet_dns.empty()) {
        auto names = hold(state, &State::count_names);
        boost::asio::co_spawn(state->parts.executor, std::move(names), boost::asio::detached);
    }
    co_await state->beat();
}

void Fleet::stop()
{
    auto& state = *state_;
    if (state.stopped) return;
    state.stopped = true;
    state.pause.cancel();
    state.name_pause.cancel();
    const std::vector<std::string> key{state.keys.members}, argument{state.member};
    if (state.parts.store.is_up(state.keys.slot))
        state.parts.store.send(leave_script(), state.keys.slot, key, argument);
}

bool Fleet::is_up() const
{
    return state_->parts.store.is_up(state_->keys.slot);
}

Awaitable<void> Fleet::State::beat()
{
    for (int rounds = 0; !stopped; ++rounds) {
        co_await round();
        if (stopped) co_return;
        pause.expires_after(was_away && rounds < first_rounds ? first_period : round_period);
        co_await pause.async_wait(net::as_values);
    }
}

Awaitable<void> Fleet::State::round()
{
    if (!parts.store.is_up(keys.slot)) {
        was_away = true;
        co_return;
    }
    const bool is_presence = count.presence_due(parts.clock().steady);
    const std::vector<std::string> names{keys.members, keys.tenants_version, keys.generation};
    const std::vector<std::string> arguments{is_presence ? member : std::string(),
        std::to_string(Milliseconds(longest_silence).count())};
    const auto outcome =
        co_await parts.store.evaluate(pulse_script(), keys.slot, names, arguments, round_deadline);
    const auto pulse = read_pulse(outcome.reply);
    if (outcome.failure != Failure::none || !pulse) {
        was_away = true;
        complain("the fleet's pulse failed", outcome.failure);
        co_return;
    }
    count.heard(*pulse, parts.clock().steady);
    publish_count();
    heed_loss(*pulse);
    if (is_older(pulse->tenants_version, tenants_version)) co_await restore_tenants();
    if (was_away || pulse->tenants_version != tenants_version) co_await read_tenants();
    const Matters matters{parts.has_calendar, !tenants.empty()};
    const bool is_advised = advised_for && (advised_for->tenants || !matters.tenants);
    if (!is_advised && !stopped) co_await advise(matters);
}

void Fleet::State::heed_loss(const Pulse& pulse)
{
    const auto loss = memory.heard(pulse);
    parts.view.generation.store(memory.generation());
    if (loss == FleetMemory::Loss::stamps)
        parts.log.event(observe::Level::warn,
            "redis lost data: limits may count anew; the fleet's tenants stay in force",
            {{"tenants", static_cast<std::int64_t>(tenants.size())}});
}

Awaitable<void> Fleet::State::read_tenants()
{
    const std::vector<std::string> names{keys.tenants_version, keys.tenants};
    const std::vector<std::string> arguments{
        std::to_string(most_fleet_tenants), std::to_string(most_tenant_bytes)};
    const auto outcome = co_await parts.store.evaluate(
        read_tenants_script(), keys.slot, names, arguments, round_deadline);
    auto read = redis::read_tenants(outcome.reply);
    if (outcome.failure != Failure::none || !read) {
        complain("the fleet's tenants cannot be read", outcome.failure);
        co_return;
    }
    // Lost since the pulse, or the list alone was evicted. The next round looks again.
    const bool is_gone =
        read->version == tenants_version && read->texts.empty() && !tenants.empty();
    if (is_gone) co_return co_await restore_tenants();
    if (is_older(read->version, tenants_version)) co_return;
    was_away = false;
    tenants_version = std::move(read->version);
    if (stopped || read->texts == tenants) co_return;
    tenants = std::move(read->texts);
    parts.tenants_changed(tenants);
}

Awaitable<void> Fleet::State::count_names()
{
    while (!stopped) {
        const auto found =
            co_await count_addresses(parts.redis.fleet_dns, parts.executor, name_deadline);
        if (stopped) co_return;
        count.resolved(found);
        publish_count();
        name_pause.expires_after(name_period);
        co_await name_pause.async_wait(net::as_values);
    }
}

void Fleet::State::publish_count()
{
    const auto before = parts.view.processes.exchange(count.processes());
    parts.view.workers.store(count.workers());
    if (before == count.processes()) return;
    parts.log.event(observe::Level::info, "the fleet's size changed",
        {{"processes", std::int64_t{count.processes()}}, {"workers", count.workers()}});
}

// Silence where INFO may not be asked: managed servers refuse it.
Awaitable<void> Fleet::State::advise(Matters matters)
{
    const bool is_first = !advised_for;
    advised_for = matters;
    std::string info;
    for (const auto* section : {"memory", "persistence", "replication"}) {
        std::vector<std::string> words{"INFO", section};
        const auto outcome = co_await parts.store.command(keys.slot, std::move(words));
        if (outcome.failure == Failure::none && outcome.reply.is(Reply::Kind::text))
            info.append(outcome.reply.text).append("\n");
    }
    for (const auto& advice : is_first ? advice_on(info, matters) : advice_on_tenants(info))
        parts.log.event(advice.level, advice.text);
}

// Once a minute: the store itself says when Redis is away.
void Fleet::State::complain(std::string_view what, Failure failure)
{
    const bool is_ours =
        failure == Failure::none || failure == Failure::forbidden || failure == Failure::defect;
    const auto now = parts.clock().steady;
    if (!is_ours || (complained_at && now - *complained_at < between_complaints)) return;
    complained_at = now;
    const auto why = failure == Failure::none
                         ? std::string_view("the answer is too large or none of ours")
                         : name(failure);
    parts.log.event(observe::Level::warn, what, {{"error", why}});
}

}  // namespace orggate::redis
