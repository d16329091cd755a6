-- The format number of an instance's data: it changes when one version of the server can't read what
-- another has written. An instance without rooms, where no worker is alive that may hold some, takes
-- the number of the next process that enters.
--
-- KEYS: 1 the number, 2 gate, 3 incarnation, 4 leases
-- ARGV: 1 this process's number, 2 "look", "enter" or "return" (the process was here before and may hold
--   rooms that the instance has lost, so it goes before newcomers)
-- Returns "" if this process may use the instance; else the instance's number, "0" if its rooms are of a
-- version that had no format number.

local ours, how = ARGV[1], ARGV[2]
local now = redis.call('TIME')[1] * 1000000

local function lives(index)
  return redis.call('ZRANGEBYSCORE', index, '(' .. string.format('%.0f', now), '+inf', 'LIMIT', 0, 1)[1]
end

-- Looks wherever any version has had its index of rooms.
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
  -- A process of another number that is here is disconnected, and looks again.
  if theirs then
    redis.call('DEL', KEYS[2], KEYS[3])
  end
  redis.call('SET', KEYS[1], ours)
end
return ''
