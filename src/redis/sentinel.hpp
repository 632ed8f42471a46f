// Asks Sentinels who the primary is, and hears from them when that changes.
// One io_context, not thread-safe.
// Source: Redis documentation, Sentinel client specification.

#pragma once

#include "redis/node.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace orggate::redis {

class Sentinel {
public:
    explicit Sentinel(const NodeParts& parts);
    ~Sentinel();
    Sentinel(Sentinel&&) = delete;

    // The Sentinels in order, 300 ms each; the first that answers is asked first next time.
    // Nothing: none of them knows. Valid after this object has gone.
    FindAddress find_primary() const;

    // Why find_primary() gave nothing the last time; empty: it did.
    const std::string& trouble() const;

    // Looks every second, and on a Sentinel's +switch-master: `primary_changed` is called
    // when another address is named than find_primary() gave last. Until stop().
    void start(std::function<void()> primary_changed);
    void stop();

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace orggate::redis
