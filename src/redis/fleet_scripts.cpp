#include "redis/fleet_scripts.hpp"

#include "orggate/limit/key.hpp"

#include <algorithm>
#include <charconv>

namespace orggate::redis {
namespace {

// A member is NAME:WORKERS. Who lies in the future (Redis's clock went back) is dropped like
// who lies in the past; whoever is there comes back within one presence.
constexpr std::string_view pulse_text = R"(
local now = tonumber(ARGV[3])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local workers, added = -1, 0
if ARGV[1] ~= '' then
  local silent = tonumber(ARGV[2])
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - silent))
  redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('%.0f', now + silent), '+inf')
  added = redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
  workers = 0
  for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    workers = workers + (tonumber(string.match(member, ':(%d%d?%d?)$')) or 1)
  end
end
return {redis.call('ZCARD', KEYS[1]), workers,
  redis.call('GET', KEYS[2]) or '', redis.call('GET', KEYS[3]) or '', added}
)";

constexpr std::string_view leave_text = "return redis.call('ZREM', KEYS[1], ARGV[1])";

// Counted before it is sent: whatever somebody else wrote there must not swell the reply.
constexpr std::string_view read_tenants_text = R"(
local version = redis.call('GET', KEYS[1]) or ''
if redis.call('HLEN', KEYS[2]) > tonumber(ARGV[1]) then return {version} end
local all, kept, bytes = redis.call('HGETALL', KEYS[2]), {}, 0
for i = 1, #all, 2 do
  -- One that is too long for us must not hide the others.
  if #all[i] + #all[i + 1] <= 5000 then
    kept[#kept + 1], kept[#kept + 2] = all[i], all[i + 1]
    bytes = bytes + #all[i] + #all[i + 1]
  end
end
if bytes > tonumber(ARGV[2]) then return {version} end
return {version, kept}
)";

// A stamp that never repeats: the time, or one more than the last if that is not later.
#define ORGGATE_STAMP                                                                              \
    "local function stamp(key)\n"                                                                  \
    "  local t = redis.call('TIME')\n"                                                             \
    "  local last = tonumber(redis.call('GET', key) or '0') or 0\n"                                \
    "  local now = math.max(t[1] * 1000000 + t[2], last + 1)\n"                                    \
    "  redis.call('SET', key, string.format('%.0f', now))\n"                                       \
    "end\n"

#define ORGGATE_NUMBER "local function number(stamp) return tonumber(stamp or '0') or 0 end\n"

constexpr std::string_view set_tenant_text = ORGGATE_STAMP ORGGATE_NUMBER R"(
if number(redis.call('GET', KEYS[1])) < number(ARGV[5]) then return -1 end
local over, dropped = {}, {}
for i = 6, #ARGV, 2 do over[ARGV[i]] = ARGV[i + 1] end
local all, bytes, fields = redis.call('HGETALL', KEYS[2]), #ARGV[1] + #ARGV[2], 1
for i = 1, #all, 2 do
  if all[i] == ARGV[1] then
    -- replaced
  elseif over[all[i]] == all[i + 1] then
    dropped[#dropped + 1] = all[i]
  else
    fields, bytes = fields + 1, bytes + #all[i] + #all[i + 1]
  end
end
if fields > tonumber(ARGV[3]) or bytes > tonumber(ARGV[4]) then return 0 end
for _, org in ipairs(dropped) do redis.call('HDEL', KEYS[2], org) end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
stamp(KEYS[1])
return 1
)";

constexpr std::string_view clear_tenant_text = ORGGATE_STAMP ORGGATE_NUMBER R"(
if number(redis.call('GET', KEYS[1])) < number(ARGV[2]) then return -1 end
local cleared = redis.call('HDEL', KEYS[2], ARGV[1])
if cleared > 0 then stamp(KEYS[1]) end
return cleared
)";

constexpr std::string_view bump_text = ORGGATE_STAMP R"(
stamp(KEYS[1])
return 1
)";

// With the version it had, so that whoever knows it need not read.
constexpr std::string_view restore_tenants_text = ORGGATE_NUMBER R"(
local there, known = number(redis.call('GET', KEYS[1])), number(ARGV[1])
if there > known then return 0 end
if there == known and redis.call('HLEN', KEYS[2]) > 0 then return 0 end
redis.call('DEL', KEYS[2])
for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
redis.call('SET', KEYS[1], ARGV[1])
return 1
)";
#undef ORGGATE_NUMBER
#undef ORGGATE_STAMP

// No fleet is larger; what Redis says is not trusted in size.
constexpr std::int64_t most = 100'000;
constexpr std::size_t longest_stamp = 20;

bool is_stamp(const Reply& reply)
{
    return reply.is(Reply::Kind::text) && reply.text.size() <= longest_stamp;
}

}  // namespace

FleetKeys::FleetKeys(std::string_view name_space)
{
    const auto common = std::string(name_space) + ":f1:{fleet}:";
    members = common + "members";
    tenants = common + "tenants";
    tenants_version = common + "tenants-version";
    generation = common + "generation";
    slot = limit::slot_of(members);
}

const Script& pulse_script()
{
    static const Script script(pulse_text);
    return script;
}

const Script& leave_script()
{
    static const Script script(leave_text);
    return script;
}

const Script& read_tenants_script()
{
    static const Script script(read_tenants_text);
    return script;
}

const Script& set_tenant_script()
{
    static const Script script(set_tenant_text);
    return script;
}

const Script& clear_tenant_script()
{
    static const Script script(clear_tenant_text);
    return script;
}

const Script& restore_tenants_script()
{
    static const Script script(restore_tenants_text);
    return script;
}

const Script& bump_script()
{
    static const Script script(bump_text);
    return script;
}

const std::vector<const Script*>& fleet_scripts()
{
    static const std::vector<const Script*> all{&pulse_script(), &leave_script(),
        &read_tenants_script(), &set_tenant_script(), &clear_tenant_script(),
        &restore_tenants_script(), &bump_script()};
    return all;
}

std::optional<Pulse> read_pulse(const Reply& reply)
{
    if (!reply.is(Reply::Kind::array) || reply.elements.size() != 5) return {};
    const auto& processes = reply.elements[0];
    const auto& workers = reply.elements[1];
    const auto& generation = reply.elements[3];
    const auto& added = reply.elements[4];
    if (!processes.is(Reply::Kind::integer) || !workers.is(Reply::Kind::integer) ||
        !is_stamp(reply.elements[2]) || !is_stamp(generation) || !added.is(Reply::Kind::integer))
        return {};
    Pulse pulse;
    pulse.processes = std::clamp<std::int64_t>(processes.integer, 0, most);
    if (workers.integer >= 0) pulse.workers = std::min(workers.integer, most);
    pulse.tenants_version = reply.elements[2].text;
    pulse.is_new = added.integer > 0;
    const auto& digits = generation.text;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), pulse.generation);
    const bool is_number = error == std::errc() && end == digits.data() + digits.size();
    if (!digits.empty() && !is_number) return {};
    return pulse;
}

std::optional<TenantsRead> read_tenants(const Reply& reply)
{
    if (!reply.is(Reply::Kind::array) || reply.elements.size() != 2) return {};
    const auto& [version, all] = std::tie(reply.elements[0], reply.elements[1]);
    if (!is_stamp(version) || !all.is(Reply::Kind::array) || all.elements.size() % 2 != 0)
        return {};
    TenantsRead read;
    read.version = version.text;
    for (std::size_t i = 0; i < all.elements.size(); i += 2) {
        const auto& org = all.elements[i];
        const auto& text = all.elements[i + 1];
        if (!org.is(Reply::Kind::text) || !text.is(Reply::Kind::text)) return {};
        read.texts.insert_or_assign(org.text, text.text);
    }
    return read;
}

}  // namespace orggate::redis
