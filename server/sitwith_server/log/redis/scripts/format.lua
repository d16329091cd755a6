-- Whose data an instance has: a number that each version of the server has, which changes when one can't
-- read what the other has written. Where there are no rooms, and nobody who may have some, it is taken.
--
-- KEYS: 1 the number, 2 gate, 3 incarnation, 4 leases
-- ARGV: 1 this process' number, 2 "look", "enter" or "return" (it has been here before and may hold
--   rooms that the instance has lost, so it goes before newcomers)
-- Returns "" if that is the instance's number now, or would be if it entered; else the number that is:
-- "0" if the rooms are of a version that knew none.

local ours, how = ARGV[1], ARGV[2]
local now = redis.call('TIME')[1] * 1000000

local function lives(index)
  return redis.call('ZRANGEBYSCORE', index, '(' .. string.format('%.0f', now), '+inf', 'LIMIT', 0, 1)[1]
end

-- Wherever any version has had its index of rooms.
local function has_rooms()
  if lives('sw:rooms') then
    return true
  end
  for shard = 0, 255 do
    if lives('sw:{' .. shard .. '}:rooms') then
      return true
    end
  end
end

local theirs = redis.call('GET', KEYS[1])
if theirs == ours then
  return ''
end
local free = not has_rooms() and (how == 'return' or not lives(KEYS[4]))
if not free and not (how == 'return' and not theirs) then
  return theirs or '0'
end
if how ~= 'look' then
  -- Who is there with another number is sent away and comes to look again.
  if theirs then
    redis.call('DEL', KEYS[2], KEYS[3])
  end
  redis.call('SET', KEYS[1], ours)
end
return ''
