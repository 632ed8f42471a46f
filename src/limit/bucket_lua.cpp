#include "limit/script_lua.hpp"

namespace orggate::limit {

// The state: full at (ticks since 2025), newest charge, interval, since: f64 each.
const std::string_view bucket_lua = R"lua(
local function bucket(s, charge, cap, _, step, least, most, askers, back, slot)
  local epoch = 1735689600000000
  local at, used, newest, since, must = now, 0, now, now - 1
  if s then
    local full, interval
    full, newest, interval, since = unpack('<dddd', s)
    if newest - now > 1000000 then
      full, since, newest, must = full - (newest - now) * 16, newest, now, true
    end
    at = max(now, newest)
    used = max(full - (at - epoch) * 16, 0)
    if interval ~= step then
      used, newest, since, must = ceil(used * (step / interval)), at, at, true
    end
  end
  if back > 0 and slot > since and slot <= at then
    local worth = min(back, cap) * step - (at - slot) * 16
    if worth > 0 and used > 0 then used, must = max(used - worth, 0), true end
  end
  local level = cap * step - used
  local left, granted, wait, value, ttl = floor(level / step), 0, 0
  if least > left then
    granted, wait = false, least > cap and -1 or ceil((least * step - level) / 16) + at - now
  elseif charge then
    granted = share(left, least, most, askers)
  end
  if granted and granted > 0 then
    used, level, left, newest = used + granted * step, level - granted * step, left - granted, at
  end
  if must or granted and granted > 0 then
    value = pack('<dddd', (at - epoch) * 16 + used, newest, step, since)
    ttl = used / 16 + at - now
  end
  local more = used > 0 and ceil(((max(left, 0) + 1) * step - level) / 16) + at - now or 0
  return granted, left, wait, more, at, value, ttl
end
)lua";

}  // namespace orggate::limit
