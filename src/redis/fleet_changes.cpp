// What an operator tells the fleet.

#include "redis/fleet_state.hpp"

#include "orggate/limit/key.hpp"

#include <map>
#include <utility>

namespace orggate::redis {
namespace {

constexpr int tries = 3;  // all of it can be done twice

bool is_worth_another_try(Failure failure)
{
    return failure == Failure::timed_out || failure == Failure::lost || failure == Failure::down;
}

}  // namespace

Awaitable<std::optional<std::int64_t>> Fleet::State::ask(
    const Script& script, std::vector<std::string> with, std::vector<std::string> arguments)
{
    for (int i = 0; i < tries; ++i) {
        const auto outcome =
            co_await parts.store.evaluate(script, keys.slot, with, arguments, round_deadline);
        if (outcome.failure == Failure::none && outcome.reply.is(Reply::Kind::integer)) {
            hurry();
            co_return outcome.reply.integer;
        }
        if (!is_worth_another_try(outcome.failure)) {
            complain("a change for the fleet failed", outcome.failure);
            break;
        }
    }
    co_return std::nullopt;
}

Awaitable<Fleet::Told> Fleet::set_tenant(std::string org_id, std::string text)
{
    const auto state = state_;
    std::vector<std::string> keys{state->keys.tenants_version, state->keys.tenants};
    std::vector<std::string> arguments{std::move(org_id), std::move(text),
        std::to_string(most_fleet_tenants), std::to_string(most_tenant_bytes)};
    const auto answer =
        co_await state->ask(set_tenant_script(), std::move(keys), std::move(arguments));
    if (!answer) co_return Told::unavailable;
    co_return *answer == 0 ? Told::full : Told::done;
}

Awaitable<Fleet::Told> Fleet::clear_tenant(std::string org_id)
{
    const auto state = state_;
    std::vector<std::string> keys{state->keys.tenants_version, state->keys.tenants};
    std::vector<std::string> arguments{std::move(org_id)};
    const auto answer =
        co_await state->ask(clear_tenant_script(), std::move(keys), std::move(arguments));
    if (!answer) co_return Told::unavailable;
    co_return *answer == 0 ? Told::nothing : Told::done;
}

Awaitable<bool> Fleet::State::forget(std::vector<std::string> some)
{
    const auto slot = limit::slot_of(some.front());
    some.insert(some.begin(), "DEL");
    for (int i = 0; i < tries; ++i) {
        auto words = some;
        const auto outcome = co_await parts.store.command(slot, std::move(words));
        if (outcome.failure == Failure::none && outcome.reply.is(Reply::Kind::integer))
            co_return true;
        if (!is_worth_another_try(outcome.failure)) {
            complain("counters cannot be deleted", outcome.failure);
            break;
        }
    }
    co_return false;
}

// First the counters, then the generation: a refusal that is noted in between is a new one.
Awaitable<Fleet::Told> Fleet::reset(std::vector<std::string> keys)
{
    const auto state = state_;
    std::map<std::uint16_t, std::vector<std::string>> by_slot;
    for (auto& key : keys)
        by_slot[limit::slot_of(key)].push_back(std::move(key));
    for (auto& [slot, some] : by_slot) {
        const bool done = co_await state->forget(std::move(some));
        if (!done) co_return Told::unavailable;
    }
    std::vector<std::string> generation{state->keys.generation}, nothing;
    const auto answer =
        co_await state->ask(bump_script(), std::move(generation), std::move(nothing));
    co_return answer ? Told::done : Told::unavailable;
}

}  // namespace orggate::redis
