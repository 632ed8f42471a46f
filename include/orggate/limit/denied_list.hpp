// Who was refused lately, for people who ask. Thread-safe, bounded: the longest silent
// one makes room.

#pragma once

#include "orggate/limit/quota.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::limit {

struct Denied {
    std::string subject, limit;  // quota's name
    std::uint64_t times = 0;
    std::chrono::system_clock::time_point last{};
};

class DeniedList {
public:
    explicit DeniedList(std::size_t capacity = 1024);
    ~DeniedList();

    // One row per subject and quota, whatever the member. No allocation for a known row.
    void note(const Check& check, Instant now);
    // Those of the last `span`, the latest first.
    std::vector<Denied> lately(Seconds span, Instant now) const;
    void forget(std::string_view subject);

private:
    struct Rows;
    std::unique_ptr<Rows> rows_;
};

}  // namespace orggate::limit
