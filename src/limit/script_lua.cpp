#include "limit/script_lua.hpp"

namespace orggate::limit {

// The last argument, behind one for each key, is a test's own time. TIME comes as two
// strings. Numbers go to Redis as numbers: Lua's own text keeps 14 digits.
const std::string_view head_lua = R"lua(
local now = tonumber(ARGV[#KEYS + 1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000000 + t[2]
end
local unpack, pack, sub = struct.unpack, struct.pack, string.sub
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min

local function share(left, least, most, askers)
  if most <= least then return least end
  return min(max(ceil(left / (2 * askers)), least, 1), most, left)
end
)lua";

// All keys are read and judged before any is written, so that an error changes nothing. What
// an item makes of its key stands in `values`, for a later item that names the same key. A
// refusal throws away what was charged, and asks again without charging. GET fails on a key
// of another type, where MGET would see nothing and SET overwrite it.
const std::string_view tail_lua = R"lua(
local values, ttls, reply, fits = {}, {}, {now, 0, 0, 0, 0, 0, 0}, true

local function ask(i, charge)
  local key = KEYS[i]
  local algorithm, _, cap, length, step, least, most, askers, back, slot, holder =
    unpack('<BBddddddddc8', ARGV[i])
  local count = algorithm == 1 and window or algorithm == 2 and bucket or algorithm == 3 and calendar or permits
  local granted, left, wait, more, id, value, ttl = count(values[key] or redis.call('GET', key),
    charge, cap, length, step, least, most, askers, back, slot, holder)
  if value then values[key], ttls[key] = value, ttl end
  local p = 6 * i - 4
  reply[p], reply[p + 1], reply[p + 2], reply[p + 4], reply[p + 5] = granted and 1 or 0, granted or 0, max(left, 0), more, id
  reply[p + 3] = wait
  return granted
end

local charge, shadows = mode == 'take', false
for i = 1, #KEYS do
  if string.byte(ARGV[i], 2) == 1 then
    if not ask(i, charge) then fits = false end
  else
    shadows = true
  end
end
if not fits and #KEYS > 1 then
  values, ttls = {}, {}
  for i = 1, #KEYS do
    if string.byte(ARGV[i], 2) == 1 then
      local p = 6 * i - 4
      local allowed, wait = reply[p], reply[p + 3]
      ask(i, false)
      reply[p], reply[p + 3] = allowed, wait
    end
  end
end
if shadows then
  for i = 1, #KEYS do
    if string.byte(ARGV[i], 2) == 0 then ask(i, charge and fits) end
  end
end
if mode ~= 'inspect' then
  for key, value in pairs(values) do
    redis.call('SET', key, value, 'PX', ceil(ttls[key] / 1000) + 1)
  end
end
return reply
)lua";

}  // namespace orggate::limit
