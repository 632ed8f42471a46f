// The permits one worker holds, by counter, as the store is to know them: always the whole
// number, so that whatever was lost on the way heals with the next word.
// Plain. One worker, not thread-safe.

#pragma once

#include "orggate/limit/script.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace orggate::redis {

class PermitBook {
public:
    struct Holding {
        limit::Terms terms;
        std::uint16_t slot = 0;
        std::int64_t held = 0;
        std::int64_t asked = 0;   // on their way: the store may count them already
        bool is_unsure = false;   // the last word may not have arrived
        bool told_asked = false;  // the last word counted what was only asked for
    };

    // A question for one permit goes out. answered() follows.
    void ask(const std::string& key, const limit::Terms& terms, std::uint16_t slot);
    enum class Fate { granted, refused, unknown };
    // True: the store was told too many meanwhile; tell it again.
    bool answered(const std::string& key, Fate fate);
    // One that nobody was asked for: the store is away.
    void hold(const std::string& key, const limit::Terms& terms, std::uint16_t slot);
    void release(const std::string& key);

    // What to tell the store of this counter now; null if it is not in the book.
    Holding* find(const std::string& key);
    static std::int64_t to_tell(const Holding& holding) { return holding.held + holding.asked; }

    // Every counter with permits or doubts: to be told again, so that they stay alive.
    std::vector<std::string> to_remind() const;
    // The store has heard `count`, the last word. A counter without permits is forgotten.
    void heard(const std::string& key, std::int64_t count);
    // Nothing is held any more; every counter that was in the book is to be told so.
    void drop_all();

private:
    std::unordered_map<std::string, Holding> holdings_;
};

}  // namespace orggate::redis
