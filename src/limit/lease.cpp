#include "orggate/limit/lease.hpp"

#include "limit/lease_book.hpp"

namespace orggate::limit {

namespace {

// A lease with its blocks takes about 500 bytes and 20 ns to look at.
constexpr std::size_t looked_at_per_sweep = 4096;
constexpr std::size_t looked_at_when_full = 64;

}  // namespace

LeaseBook::LeaseBook(HashKey key, std::size_t capacity)
    : leases_(std::make_unique<Leases>(key, capacity))
{
}

LeaseBook::~LeaseBook() = default;

std::size_t LeaseBook::size() const
{
    return leases_->all.size();
}

LeaseBook::Lease* LeaseBook::demand(
    std::string_view key, const Terms& terms, std::int64_t weight, Time now)
{
    Lease* lease = leases_->find(key);
    if (!lease) lease = leases_->add(key, now);
    if (!lease) return nullptr;
    lease->demand.note(weight, now);
    lease->terms = terms;
    lease->choose_mode(now);
    return lease;
}

void LeaseBook::sweep(Sweep what, Time now,
    const std::function<void(std::string_view key, const Terms& terms, Refund refund)>& give_back)
{
    std::size_t left = leases_->all.size();
    if (what == Sweep::lapsed) left = std::min(left, looked_at_per_sweep);
    for (; left > 0; --left) {
        Lease& lease = leases_->look_at_next();
        const auto fate = fate_of_unspent(lease.terms);
        note_lapsed(
            what == Sweep::all ? lease.blocks.lapse_all(fate) : lease.blocks.lapse(now, fate));
        // Whoever asks often enough takes it along, for nothing.
        const bool goes_along = what == Sweep::lapsed && std::exchange(lease.has_asked, false);
        while (!goes_along && lease.blocks.owes()) {
            const Refund refund = lease.blocks.take_refund();
            counts_.returned += static_cast<std::uint64_t>(refund.units);
            give_back(lease.key, lease.terms, refund);
        }
        if (lease.is_idle(now)) leases_->forget(lease);
    }
}

void LeaseBook::drop_units()
{
    for (Lease* lease : leases_->all)
        note_lapsed(lease->blocks.drop());
}

LeaseBook::Lease* LeaseBook::Leases::find(std::string_view key) const
{
    const auto found = by_key.find(key);
    return found == by_key.end() ? nullptr : found->second.get();
}

LeaseBook::Lease* LeaseBook::Leases::add(std::string_view key, Time now)
{
    for (std::size_t seen = 0; all.size() >= capacity; ++seen) {
        if (seen == looked_at_when_full || all.empty()) return nullptr;
        Lease& candidate = look_at_next();
        if (candidate.is_idle(now)) forget(candidate);
    }
    auto made = std::make_unique<Lease>();
    made->key = key;
    made->place = all.size();
    Lease* lease = made.get();
    all.push_back(lease);
    by_key.emplace(lease->key, std::move(made));
    return lease;
}

LeaseBook::Lease& LeaseBook::Leases::look_at_next()
{
    if (next == 0) next = all.size();
    return *all[--next];
}

// From the back to the front, so that the last one, moved here, was looked at already.
void LeaseBook::Leases::forget(Lease& lease)
{
    all[lease.place] = all.back();
    all[lease.place]->place = lease.place;
    all.pop_back();
    next = std::min(next, all.size());
    by_key.erase(by_key.find(lease.key));
}

}  // namespace orggate::limit
