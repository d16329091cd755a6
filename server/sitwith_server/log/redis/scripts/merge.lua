-- Merging one stream of a room: what an instance has of it with what a worker offers. Stands before
-- seed.lua and reads the arguments of its operations.
--
-- ARGV: 1 operation, 2 entries to keep of a stream, 3… its arguments

local NOTHING = string.rep('\0', 8)

set_piece_size(ARGV[2])
local place = 2
local function take()
  place = place + 1
  return ARGV[place]
end
local function number()
  return tonumber(take())
end

local function seq_of(position)
  return position and struct.unpack('>I8', position, 9) or 0
end

-- Of a position; nothing where only a number is known.
local function event_at(position)
  local event = position and string.sub(position, 17)
  return event ~= NOTHING and event or nil
end

-- The event id of entry `seq`, nil if it is not known. last: the stream's head.
local function event_of(entries, last, seq)
  if seq_of(last) == seq then
    return event_at(last)
  end
  return entries[seq] and string.sub(entries[seq][1], 9, 16)
end

local function read_all(stream, head)
  local entries = {}
  for piece = lowest_of(head), piece_of(head) do
    for _, found in ipairs(redis.call('XRANGE', stream .. piece, '-', '+')) do
      entries[entry_seq(found)] = {found[2][2], found[2][4]}
    end
  end
  return entries
end

-- Reads one offered stream from the arguments and merges it into the stored one, up to the higher
-- head.
local function merge(room, expires)
  local name, head = take(), take()
  local offered, agree = {}, true
  for _ = 1, number() do
    offered[number()] = {take(), take()}
  end
  local stream, heads = room .. 's:' .. name .. ':', room .. 'heads'
  local have = redis.call('HGET', heads, name)
  local top, high = seq_of(have), seq_of(head)
  local there = read_all(stream, top)

  local function compare(seq)
    local mine, theirs = event_of(there, have, seq), event_of(offered, head, seq)
    agree = agree and (seq == 0 or not mine or not theirs or mine == theirs)
  end
  compare(top)
  compare(high)
  for seq in pairs(offered) do
    compare(seq)
  end
  if high > top or not have or (high == top and not event_at(have)) then
    redis.call('HSET', heads, name, head)
  elseif not agree then
    return
  end
  local merged, order = agree and there or {}, {}
  for seq, entry in pairs(offered) do
    local known = merged[seq]
    -- Where an entry has two bodies, the shorter one was blanked.
    if not known or #entry[2] < #known[2] then
      merged[seq] = entry
    end
  end
  local last = math.max(top, high)
  for seq in pairs(merged) do
    if seq <= last and piece_of(seq) >= lowest_of(last) then
      order[#order + 1] = seq
    end
  end
  table.sort(order)
  drop_pieces(stream, top)
  for n, seq in ipairs(order) do
    local key, entry = stream .. piece_of(seq), merged[seq]
    redis.call('XADD', key, seq .. '-0', 'm', entry[1], 'b', entry[2])
    if n == #order or piece_of(order[n + 1]) > piece_of(seq) then
      redis.call('PEXPIREAT', key, expires)
    end
  end
end

local function find(room, name, seq)
  return redis.call('XRANGE', room .. 's:' .. name .. ':' .. piece_of(seq), seq, seq)[1]
end

-- Whether the control entry at this position is there, or is older than all that are.
local function stands(room, position)
  if not position then
    return false
  end
  local seq, event = seq_of(position), string.sub(position, 17)
  local head = redis.call('HGET', room .. 'heads', 'room')
  if seq >= seq_of(head) then
    return head == position
  end
  local found = find(room, 'room', seq)
  return not found or string.sub(found[2][2], 9, 16) == event
end
