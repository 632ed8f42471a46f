#include "orggate/net/deadlines.hpp"

#include <algorithm>
#include <utility>

namespace orggate::net {

namespace {

constexpr Milliseconds between_sweeps{5};
// Further away than any process lives; adding more to a time point could overflow.
constexpr Milliseconds for_ever{std::chrono::hours{24 * 365 * 10}};

}  // namespace

Deadline::Deadline(Deadlines& all) : all_(&all), next_(all.first_)
{
    if (next_ != nullptr) next_->previous_ = this;
    all.first_ = this;
}

Deadline::~Deadline()
{
    if (all_ == nullptr) return;
    if (all_->sweeping_ == this) all_->sweeping_ = next_;
    if (next_ != nullptr) next_->previous_ = previous_;
    (previous_ != nullptr ? previous_->next_ : all_->first_) = next_;
}

void Deadline::on_expiry(void (*function)(void*), void* owner)
{
    function_ = function;
    owner_ = owner;
}

void Deadline::set(Milliseconds from_now)
{
    if (from_now >= for_ever) return clear();
    at_ = std::chrono::steady_clock::now() + from_now;
    if (all_ != nullptr) all_->expect(at_);
}

void Deadline::clear()
{
    // The timer may stay armed for it: a needless sweep costs less than arming again.
    at_ = Time::max();
}

Deadlines::Deadlines(Executor executor)
    : timer_(executor), self_(std::make_shared<Deadlines*>(this))
{
}

Deadlines::~Deadlines()
{
    *self_ = nullptr;
    for (Deadline* entry = first_; entry != nullptr; entry = entry->next_)
        entry->all_ = nullptr;
}

void Deadlines::stop()
{
    stopped_ = true;
    timer_.cancel();
}

void Deadlines::expect(Time at)
{
    at = std::max(at, not_before_);
    if (stopped_ || at >= armed_) return;
    armed_ = at;
    timer_.expires_at(at);
    // A completion already on its way when the timer moves or dies still arrives, hence
    // the guard.
    timer_.async_wait([self = self_](const boost::system::error_code& error) {
        if (!error && *self != nullptr) (*self)->sweep();
    });
}

void Deadlines::sweep()
{
    if (stopped_) return;
    const Time now = std::chrono::steady_clock::now();
    armed_ = now;  // what the functions below set is found by the loop that follows
    not_before_ = now + between_sweeps;
    for (sweeping_ = first_; sweeping_ != nullptr;) {
        Deadline& entry = *std::exchange(sweeping_, sweeping_->next_);
        if (entry.at_ > now) continue;
        entry.at_ = Time::max();
        entry.expired_ = true;
        if (entry.function_ != nullptr) entry.function_(entry.owner_);
    }
    Time earliest = Time::max();
    for (const Deadline* entry = first_; entry != nullptr; entry = entry->next_)
        earliest = std::min(earliest, entry->at_);
    armed_ = Time::max();
    if (earliest != Time::max()) expect(earliest);
}

}  // namespace orggate::net
