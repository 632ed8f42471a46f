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

Fleet::Told told_of(Failure failure)
{
    return failure == Failure::forbidden ? Fleet::Told::forbidden : Fleet::Told::unavailable;
}

}  // namespace

Awaitable<Fleet::State::Said> Fleet::State::ask(
    const Script& script, std::vector<std::string> with, std::vector<std::string> arguments)
{
    Said said;
    said.told = Told::unavailable;
    for (int i = 0; i < tries; ++i) {
        const auto outcome =
            co_await parts.store.evaluate(script, keys.slot, with, arguments, round_deadline);
        if (outcome.failure == Failure::none && outcome.reply.is(Reply::Kind::integer)) {
            if (outcome.reply.integer == list_is_lost) {
                co_await restore_tenants();
                continue;
            }
            hurry();
            said.integer = outcome.reply.integer;
            said.told = Told::done;
            co_return said;
        }
        said.told = told_of(outcome.failure);
        if (!is_worth_another_try(outcome.failure)) {
            complain("a change for the fleet failed", outcome.failure);
            break;
        }
    }
    co_return said;
}

Awaitable<void> Fleet::State::restore_tenants()
{
    const std::vector<std::string> names{keys.tenants_version, keys.tenants};
    std::vector<std::string> arguments{tenants_version};
    for (const auto& [org, text] : tenants) {
        arguments.push_back(org);
        arguments.push_back(text);
    }
    const auto outcome = co_await parts.store.evaluate(
        restore_tenants_script(), keys.slot, names, arguments, round_deadline);
    if (outcome.failure != Failure::none || !outcome.reply.is(Reply::Kind::integer))
        complain("the fleet's tenants cannot be written back", outcome.failure);
    else if (outcome.reply.integer == 1)
        parts.log.event(observe::Level::info, "the fleet's tenants were written back to redis");
}

Awaitable<Fleet::Told> Fleet::set_tenant(
    std::string org_id, std::string text, std::vector<std::string> over)
{
    const auto state = state_;
    std::vector<std::string> keys{state->keys.tenants_version, state->keys.tenants};
    std::vector<std::string> arguments{std::move(org_id), std::move(text),
        std::to_string(most_fleet_tenants), std::to_string(most_tenant_bytes),
        state->tenants_version};
    for (auto& org : over) {
        const auto known = state->tenants.find(org);
        if (known == state->tenants.end()) continue;
        arguments.push_back(known->first);
        arguments.push_back(known->second);
    }
    const auto said =
        co_await state->ask(set_tenant_script(), std::move(keys), std::move(arguments));
    if (said.told != Told::done) co_return said.told;
    co_return said.integer == 0 ? Told::full : Told::done;
}

Awaitable<Fleet::Told> Fleet::clear_tenant(std::string org_id)
{
    const auto state = state_;
    std::vector<std::string> keys{state->keys.tenants_version, state->keys.tenants};
    std::vector<std::string> arguments{std::move(org_id), state->tenants_version};
    const auto said =
        co_await state->ask(clear_tenant_script(), std::move(keys), std::move(arguments));
    if (said.told != Told::done) co_return said.told;
    co_return said.integer == 0 ? Told::nothing : Told::done;
}

Awaitable<Fleet::Told> Fleet::State::forget(std::vector<std::string> some)
{
    const auto slot = limit::slot_of(some.front());
    some.insert(some.begin(), "DEL");
    auto told = Told::unavailable;
    for (int i = 0; i < tries; ++i) {
        auto words = some;
        const auto outcome = co_await parts.store.command(slot, std::move(words));
        if (outcome.failure == Failure::none && outcome.reply.is(Reply::Kind::integer))
            co_return Told::done;
        told = told_of(outcome.failure);
        if (!is_worth_another_try(outcome.failure)) {
            complain("counters cannot be deleted", outcome.failure);
            break;
        }
    }
    co_return told;
}

// First the counters, then the generation: a refusal that is noted in between is a new one.
Awaitable<Fleet::Told> Fleet::reset(std::vector<std::string> keys)
{
    const auto state = state_;
    std::map<std::uint16_t, std::vector<std::string>> by_slot;
    for (auto& key : keys)
        by_slot[limit::slot_of(key)].push_back(std::move(key));
    for (auto& [slot, some] : by_slot) {
        const auto told = co_await state->forget(std::move(some));
        if (told != Told::done) co_return told;
    }
    std::vector<std::string> generation{state->keys.generation}, nothing;
    const auto said = co_await state->ask(bump_script(), std::move(generation), std::move(nothing));
    co_return said.told;
}

}  // namespace orggate::redis
