#include "limit/script_lua.hpp"

namespace orggate::limit {

// The state: sum u32, then per slot the time of its last admission f64 and units u32. An
// allowed request decodes only what has expired and the last entry; sums are kept in front.
// At most most_entries (743 is 12 bytes for each of them, less one).
const std::string_view window_lua = R"lua(
local function freed_at(s, pos, units)
  for p = pos, #s, 12 do
    local t, n = unpack('<dI4', s, p)
    units = units - n
    if units <= 0 then return t end
  end
  return now
end

local function window(s, charge, cap, length, step, least, most, askers, back, slot)
  local at, used, pos, size, must = now, 0, 5, s and #s or 0
  local oldest, newest, first, last
  if size > 4 then
    newest, last = unpack('<dI4', s, size - 11)
    if newest - now > 1000000 then
      local parts, ahead = {sub(s, 1, 4)}, newest - now
      for p = 5, size, 12 do
        local t, n = unpack('<dI4', s, p)
        parts[#parts + 1] = pack('<dI4', t - ahead, n)
      end
      s, newest, must = table.concat(parts), now, true
    elseif newest > now then
      at = newest
    end
    if back > 0 then
      for p = size - 11, 5, -12 do
        local t, n = unpack('<dI4', s, p)
        if floor(t / step) == slot then
          local less = min(back, n)
          s = pack('<I4', unpack('<I4', s) - less) .. sub(s, 5, p - 1) ..
            (n > less and pack('<dI4', t, n - less) or '') .. sub(s, p + 12)
          size, must = #s, true
          break
        end
      end
      if size > 4 then newest, last = unpack('<dI4', s, size - 11) end
    end
    if size > 4 then used, oldest, first = unpack('<I4dI4', s) end
    local horizon = at - length
    while pos < size and oldest <= horizon do
      used, pos = used - first, pos + 12
      if pos < size then oldest, first = unpack('<dI4', s, pos) end
    end
  end

  local left, granted, wait, value, ttl = cap - used, 0, 0
  if least > left then
    granted, wait = false, least > cap and -1 or freed_at(s, pos, least - left) + length - now
  elseif charge then
    granted = share(left, least, most, askers)
  end
  if granted and granted > 0 then
    used, left = used + granted, left - granted
    if pos > size then
      oldest = at
      value = pack('<I4dI4', used, at, granted)
    elseif floor(newest / step) == floor(at / step) then
      if size - pos < 12 then oldest = at end
      value = pack('<I4', used) .. sub(s, pos, size - 12) .. pack('<dI4', at, last + granted)
    else
      local kept
      if size - pos >= 743 then
        local _, n1, t2, n2 = unpack('<dI4dI4', s, pos)
        oldest, kept = t2, pack('<dI4', t2, n1 + n2) .. sub(s, pos + 24)
      else
        kept = sub(s, pos)
      end
      value = pack('<I4', used) .. kept .. pack('<dI4', at, granted)
    end
    ttl = at + length - now
  elseif must then
    value = pack('<I4', used) .. sub(s, pos)
    ttl = pos < size and newest + length - now or 0
  end
  local more = 0
  if used > 0 then more = (left >= 0 and oldest or freed_at(s, pos, 1 - left)) + length - now end
  return granted, left, wait, more, floor(at / step), value, ttl
end
)lua";

}  // namespace orggate::limit
