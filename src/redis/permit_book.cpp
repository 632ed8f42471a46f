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

std::vector<std::string> PermitBook::to_remind() const
{
    std::vector<std::string> keys;
    keys.reserve(holdings_.size());
    for (const auto& [key, holding] : holdings_)
        if (to_tell(holding) != 0 || holding.is_unsure) keys.push_back(key);
    return keys;
}

void PermitBook::heard(const std::string& key, std::int64_t count)
{
    const auto found = holdings_.find(key);
    if (found == holdings_.end() || to_tell(found->second) != count) return;
    found->second.is_unsure = false;
    if (count == 0) holdings_.erase(found);
}

void PermitBook::drop_all()
{
    for (auto& [key, holding] : holdings_) {
        holding.held = holding.asked = 0;
        holding.is_unsure = true;
    }
}

}  // namespace orggate::redis
