#include "redis/question.hpp"

#include "orggate/limit/key.hpp"

namespace orggate::redis {

void Question::begin(std::span<const limit::Check> wanted, std::span<limit::Decision> answered,
    std::string_view name_space)
{
    checks = wanted;
    decisions = answered;
    is_counted_here = false;
    if (parts_.size() < checks.size()) parts_.resize(checks.size());
    for (std::size_t i = 0; i < checks.size(); ++i) {
        auto key = std::move(parts_[i].key);  // for its memory
        key.clear();
        limit::append_key(key, name_space, checks[i]);
        parts_[i] = Part{};
        parts_[i].slot = limit::slot_of(key);
        parts_[i].key = std::move(key);
        parts_[i].terms = limit::terms_of(*checks[i].quota);
        parts_[i].turn.wanted = {.least = checks[i].weight, .most = checks[i].weight, .askers = 1};
        decisions[i] = limit::Decision{};
    }
}

bool Question::gather(bool by_slot, std::uint64_t holder)
{
    members_.clear();
    items_.clear();
    std::size_t used = 0;
    for (std::size_t i = 0; i < checks.size(); ++i) {
        const Part& part = parts_[i];
        if (part.state != Part::State::open) continue;
        if (members_.empty()) slot_ = part.slot;
        if (by_slot && part.slot != slot_) continue;
        members_.push_back(i);
        if (keys_.size() <= used) keys_.emplace_back();
        keys_[used++].assign(part.key);
        items_.push_back(
            {part.terms, part.turn.wanted, checks[i].enforced, part.turn.refund, holder});
    }
    keys_.resize(used);
    arguments_.clear();
    limit::append_arguments(arguments_, items_);
    answers_.assign(items_.size(), limit::Answer{});
    return !members_.empty();
}

}  // namespace orggate::redis
