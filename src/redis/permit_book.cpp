#include "redis/permit_book.hpp"

namespace orggate::redis {

void PermitBook::ask(const std::string& key, const limit::Terms& terms, std::uint16_t slot)
{
    auto& holding = holdings_[key];
    holding.terms = terms;
    holding.slot = slot;
    ++holding.asked;
}

bool PermitBook::answered(const std::string& key, Fate fate)
{
    auto& holding = holdings_[key];
    --holding.asked;
    if (fate == Fate::granted) ++holding.held;
    if (fate == Fate::unknown) holding.is_unsure = true;
    return fate == Fate::refused && holding.told_asked;
}

void PermitBook::hold(const std::string& key, const limit::Terms& terms, std::uint16_t slot)
{
    auto& holding = holdings_[key];
    holding.terms = terms;
    holding.slot = slot;
    ++holding.held;
    holding.is_unsure = true;
}

void PermitBook::release(const std::string& key)
{
    const auto found = holdings_.find(key);
    if (found == holdings_.end() || found->second.held == 0) return;
    --found->second.held;
    found->second.is_unsure = true;
}

PermitBook::Holding* PermitBook::find(const std::string& key)
{
    const auto found = holdings_.find(key);
    return found == holdings_.end() ? nullptr : &found->second;
}

void PermitBook::remind(const Tell& tell)
{
    for (auto entry = holdings_.begin(); entry != holdings_.end();) {
        auto& [key, holding] = *entry;
        const bool is_empty = to_tell(holding) == 0;
        if (!is_empty || holding.is_unsure) tell(key, holding);
        holding.is_unsure = false;
        entry = is_empty ? holdings_.erase(entry) : std::next(entry);
    }
}

void PermitBook::drop_all(const Tell& tell)
{
    for (auto& [key, holding] : holdings_) {
        holding.held = holding.asked = 0;
        tell(key, holding);
    }
    holdings_.clear();
}

}  // namespace orggate::redis
