// The fleet's programs for Redis, their keys, and the meaning of their replies.
// Pure.

#pragma once

#include "orggate/redis/fleet.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace orggate::redis {

struct FleetKeys {
    explicit FleetKeys(std::string_view name_space);
    std::string members, tenants, tenants_version, generation;
    std::uint16_t slot;
};

// What one round learns.
struct Pulse {
    std::int64_t processes = 0;
    std::optional<std::int64_t> workers;  // of all; nothing: not asked, nobody was dropped
    std::string tenants_version;          // empty: none were ever set
    std::uint64_t generation = 0;
    bool is_new = false;  // this process was no member until now
};

// KEYS members, tenants-version, generation. ARGV member (empty: only look), milliseconds a
// member may be silent, [now in milliseconds, for tests alone].
const Script& pulse_script();
// Nothing if the reply is not one of ours.
std::optional<Pulse> read_pulse(const Reply& reply);

// KEYS members. ARGV member.
const Script& leave_script();

// KEYS tenants-version, tenants. ARGV the most there may be, the most bytes in all.
const Script& read_tenants_script();
struct TenantsRead {
    std::string version;
    TenantTexts texts;
};
// Nothing: not one of ours, or more than may be.
std::optional<TenantsRead> read_tenants(const Reply& reply);

// What set and clear reply where Redis holds an older list than the caller knows: it is to be
// restored first.
inline constexpr std::int64_t list_is_lost = -1;

// KEYS tenants-version, tenants. ARGV organisation id, text, the most there may be, the most
// bytes in all, the version known; then pairs of organisation id and text that are dropped if
// they are still so. Replies 1, or 0 if it is full.
const Script& set_tenant_script();
// KEYS tenants-version, tenants. ARGV organisation id, the version known. Replies how many
// were cleared.
const Script& clear_tenant_script();
// KEYS tenants-version, tenants. ARGV the version known; then its pairs of organisation id and
// text. Replies 1, or 0 if what is there is not older, or of that version and not empty.
const Script& restore_tenants_script();
// KEYS generation. Replies 1.
const Script& bump_script();

}  // namespace orggate::redis
