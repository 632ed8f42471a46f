#include "observe/organisations.hpp"

#include <algorithm>

namespace orggate::observe {

void TopOrganisations::count(std::string_view id, bool refused)
{
    if (capacity_ == 0) return;
    Entry& entry = find_or_replace(id);
    ++entry.rank;
    ++(refused ? entry.refused : entry.allowed);
}

// Linear: some hundred entries at most, and the hash is compared first.
TopOrganisations::Entry& TopOrganisations::find_or_replace(std::string_view id)
{
    const std::uint64_t hash = stable_hash(id);
    const auto known = std::find_if(entries_.begin(), entries_.end(),
        [&](const Entry& entry) { return entry.hash == hash && entry.id == id; });
    if (known != entries_.end()) return *known;
    if (entries_.size() < capacity_)
        return entries_.emplace_back(Entry{std::string(id), hash, 0, 0, 0});
    const auto lowest = std::min_element(entries_.begin(), entries_.end(),
        [](const Entry& a, const Entry& b) { return a.rank < b.rank; });
    *lowest = Entry{std::string(id), hash, lowest->rank, 0, 0};
    return *lowest;
}

std::uint64_t stable_hash(std::string_view text)
{
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash;
}

}  // namespace orggate::observe
