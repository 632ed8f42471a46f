#include "limit/script_lua.hpp"

namespace orggate::limit {

// The state: per holder its 8 bytes, permits u32, expires f64. `held` is -1 unless the holder
// says how many it has.
const std::string_view permits_lua = R"lua(
local function permits(s, charge, cap, _, held, least, _, _, _, _, holder)
  local others, mine, used, latest, must = {}, 0, 0, now
  for p = 1, s and #s or 0, 20 do
    local who, count, ends = unpack('<c8I4d', s, p)
    if ends - now > 16000000 then ends, must = now + 15000000, true end
    if ends > now then
      used = used + count
      if who == holder then
        mine = count
      else
        others[#others + 1] = pack('<c8I4d', who, count, ends)
        latest = max(latest, ends)
      end
    end
  end
  if held >= 0 then used, mine, must = used - mine + held, held, true end
  local left, granted, wait, value, ttl = cap - used, 0, 0
  if least > left then
    granted, wait = false, least > cap and -1 or 0
  elseif charge then
    granted = least
  end
  if must or granted and granted > 0 then
    mine, left = mine + (granted or 0), left - (granted or 0)
    value, ttl = table.concat(others), latest - now
    if mine > 0 then
      value, ttl = value .. pack('<c8I4d', holder, mine, now + 15000000), 15000000
    end
  end
  return granted, left, wait, 0, 0, value, ttl
end
)lua";

}  // namespace orggate::limit
