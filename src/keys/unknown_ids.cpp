#include "keys/unknown_ids.hpp"

#include "keys/schedule.hpp"

#include <utility>

namespace orggate::keys {

void UnknownIds::add(std::string key_id, Time now)
{
    if (until_.size() >= max_unknown_ids)
        std::erase_if(until_, [now](const auto& entry) { return entry.second <= now; });
    if (until_.size() >= max_unknown_ids && !until_.contains(key_id)) return;
    until_.insert_or_assign(std::move(key_id), now + cooldown);
}

bool UnknownIds::has(std::string_view key_id, Time now) const
{
    const auto found = until_.find(key_id);
    return found != until_.end() && now < found->second;
}

void UnknownIds::forget_those_in(const token::KeySet& keys)
{
    std::erase_if(until_, [&](const auto& entry) { return keys.find(entry.first) != nullptr; });
}

}  // namespace orggate::keys
