// Which server of a Cluster owns which slot.
// Pure. Source: Redis documentation, CLUSTER SLOTS and the cluster specification.

#pragma once

#include "orggate/redis/store.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace orggate::redis {

// Whether it may be a name or an address: 1 to 253 letters, digits, `.`, `-`, `_`, `:`.
bool is_host(std::string_view text);

class SlotMap {
public:
    static constexpr std::uint16_t slots = 16'384;
    static constexpr std::size_t max_servers = 1000;  // as Redis itself recommends
    static constexpr std::uint16_t nobody = 0xffff;

    SlotMap() { owner_.fill(nobody); }

    // From the reply to CLUSTER SLOTS. An empty or null endpoint is the host of `asked`.
    // Nothing: it is no such reply, or it names no server. A server without a usable
    // address owns nothing here. Ranges do not overlap in a reply that is one.
    static std::optional<SlotMap> read(const Reply& reply, const config::Address& asked);

    // An index of servers(), or nobody. Slots past the last belong to nobody.
    std::uint16_t owner(std::uint16_t slot) const { return slot < slots ? owner_[slot] : nobody; }
    const std::vector<config::Address>& servers() const { return servers_; }
    // Whether every slot has an owner.
    bool is_full() const;

    // From now on `slot` lies there. False: there are too many servers already.
    bool assign(std::uint16_t slot, const config::Address& address);

private:
    std::uint16_t index_of(const config::Address& address);
    // How many slots it covers; nothing: it is no range.
    std::optional<std::size_t> read_range(const Reply& range, const config::Address& asked);

    std::vector<config::Address> servers_;
    std::array<std::uint16_t, slots> owner_;
};

bool is_same(const config::Address& a, const config::Address& b);

}  // namespace orggate::redis
