// The Sentinels in the order they are asked, and what their replies say.
// Pure. Source: Redis documentation, Sentinel client specification.

#pragma once

#include "orggate/redis/store.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace orggate::redis {

class SentinelList {
public:
    static constexpr std::size_t most = 64;

    explicit SentinelList(std::vector<config::Address> configured);

    const std::vector<config::Address>& all() const { return all_; }

    // It goes to the front.
    void answered(const config::Address& address);
    // From the reply to SENTINEL SENTINELS: behind those that are configured stand the
    // others it names, and none that it does not. Anything else changes nothing.
    void learn(const Reply& reply);

private:
    std::vector<config::Address> configured_, all_;
};

// From the reply to SENTINEL GET-MASTER-ADDR-BY-NAME. Nothing: it names none.
std::optional<config::Address> read_primary(const Reply& reply);

// From a message of +switch-master: where the primary `name` is now. Nothing: it is about
// another one, or no such message.
std::optional<config::Address> read_switch(const Reply& message, std::string_view name);

}  // namespace orggate::redis
