// One request's checks on their way to an answer: which are decided, which go to the store
// in one call. Plain; lent from request to request for its memory.

#pragma once

#include "orggate/limit/lease.hpp"
#include "orggate/limit/quota.hpp"
#include "orggate/limit/script.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::redis {

struct Part {
    enum class State {
        open,         // nobody has answered
        spent,        // units of a lease
        charged,      // by the store
        fallen_back,  // charged in this process, or let pass
    };
    std::string key;
    std::uint16_t slot = 0;
    limit::Terms terms;
    State state = State::open;
    limit::LeaseBook::Lease* lease = nullptr;  // null: counted exactly
    bool is_asking = false;                    // the lease waits for this part's question
    bool has_waited = false;                   // for another request's question, once
    limit::LeaseBook::Turn turn;               // of the lease: what is asked or was spent
    bool is_charged = false;                   // exactly, by the store
    std::int64_t charge_slot = 0;              // names what was charged, to give it back
};

class Question {
public:
    void begin(std::span<const limit::Check> checks, std::span<limit::Decision> decisions,
        std::string_view name_space);

    std::span<const limit::Check> checks;
    std::span<limit::Decision> decisions;
    std::uint64_t generation = 0;  // of the fleet when this began
    bool is_counted_here = false;  // whatever on_error says: not to be asked in the store
    std::span<Part> parts() { return {parts_.data(), checks.size()}; }
    const Part& part(std::size_t i) const { return parts_[i]; }

    // Whether this process decides where the store does not.
    bool is_local(std::size_t i) const
    {
        return is_counted_here || !checks[i].enforced ||
               checks[i].on_error == limit::OnError::local;
    }

    // The open parts that lie in the slot of the first of them (all of them where slots do
    // not matter) become the next call. False: none is open.
    bool gather(bool by_slot, std::uint64_t holder);

    // The next call.
    std::span<const std::size_t> members() const { return members_; }
    std::uint16_t slot() const { return slot_; }
    std::span<const std::string> keys() const { return keys_; }
    std::span<const std::string> arguments() const { return arguments_; }
    std::span<limit::Answer> answers() { return answers_; }

private:
    std::vector<Part> parts_;  // may be longer than the request
    std::vector<std::size_t> members_;
    std::uint16_t slot_ = 0;
    std::vector<std::string> keys_, arguments_;
    std::vector<limit::Item> items_;
    std::vector<limit::Answer> answers_;
};

}  // namespace orggate::redis
