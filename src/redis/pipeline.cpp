#include "redis/pipeline.hpp"

#include <algorithm>
#include <utility>

namespace orggate::redis {

void Pipeline::push(const Entry& entry)
{
    places_.push_back(entry);
    bytes_ += entry.bytes;
    ++unwritten_;
}

void Pipeline::note_written()
{
    unwritten_ = 0;
}

Pipeline::Arrival Pipeline::arrive()
{
    Arrival arrival;
    // What was not even sent cannot have been asked.
    if (places_.size() == unwritten_) return arrival;
    Entry& front = places_.front();
    arrival.kind = Arrival::Kind::preliminary;
    if (--front.replies > 0) return arrival;
    arrival.kind = Arrival::Kind::answer;
    arrival.who = front.who;
    arrival.asked = front.asked;
    bytes_ -= front.bytes;
    places_.pop_front();
    return arrival;
}

std::vector<ReplyWait*> Pipeline::expire(Time now)
{
    std::vector<ReplyWait*> late;
    for (Entry& place : places_)
        if (place.who != nullptr && place.deadline <= now)
            late.push_back(std::exchange(place.who, nullptr));
    return late;
}

std::vector<Pipeline::Left> Pipeline::clear()
{
    std::vector<Left> left;
    const std::size_t written = places_.size() - unwritten_;
    for (std::size_t i = 0; i < places_.size(); ++i)
        if (places_[i].who != nullptr) left.push_back({places_[i].who, i < written});
    places_.clear();
    bytes_ = unwritten_ = 0;
    return left;
}

std::optional<Pipeline::Time> Pipeline::next_deadline() const
{
    std::optional<Time> next;
    for (const Entry& place : places_)
        if (place.who != nullptr) next = std::min(next.value_or(place.deadline), place.deadline);
    return next;
}

std::optional<Pipeline::Time> Pipeline::oldest() const
{
    if (places_.empty()) return std::nullopt;
    return places_.front().asked;
}

}  // namespace orggate::redis
