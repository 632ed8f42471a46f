#include "limit/script_lua.hpp"

namespace orggate::limit {

// The state: when the period began (seconds since 1970) and units used, f64 each. The month is
// found in years that begin in March, where the leap day comes last.
// Source: Howard Hinnant, chrono-compatible low-level date algorithms.
const std::string_view calendar_lua = R"lua(
local function month_of(day)
  local e = (day + 719468) % 146097
  local y = floor((e - floor(e / 1460) + floor(e / 36524) - floor(e / 146096)) / 365)
  local d = e - (365 * y + floor(y / 4) - floor(y / 100))
  return day - d + floor((153 * floor((5 * d + 2) / 153) + 2) / 5)
end

local function calendar(s, charge, cap, monthly, _, least, most, askers, back, slot)
  local at, used, stored, must = now, 0
  if s then
    stored, used = unpack('<dd', s)
    local ahead = stored * 1000000 - now
    if used > 0 and ahead > 0 and ahead <= 1000000 then at = now + ahead end
  end
  local day = floor(at / 86400000000)
  local began, ends = day * 86400, (day + 1) * 86400
  if monthly > 0 then
    began = month_of(day)
    began, ends = began * 86400, month_of(began + 31) * 86400
  end
  if stored and stored < began then
    used = 0
  elseif stored and stored > began and used > 0 then
    must = true
  end
  if back > 0 and slot == began and used > 0 then used, must = used - min(back, used), true end
  local left, granted, wait, value, ttl = cap - used, 0, 0
  local rest = ends * 1000000 - now
  if least > left then
    granted, wait = false, least > cap and -1 or rest
  elseif charge then
    granted = share(left, least, most, askers)
  end
  if granted and granted > 0 then used, left = used + granted, left - granted end
  if must or granted and granted > 0 then
    value, ttl = pack('<dd', began, used), rest + 86400000000
  end
  return granted, left, wait, used > 0 and rest or 0, began, value, ttl
end
)lua";

}  // namespace orggate::limit
