-- Incarnations: an instance that is empty, or an older copy, is filled by all who held its rooms,
-- and opens once for everybody.
--
-- Of a room's copies the one of the highest epoch counts, for all its streams at once; among those
-- of one epoch each stream goes up to the highest number that anybody has, and has all entries that
-- anybody has; some may be missing between them. Where two have other entries under one number, who
-- has the higher head counts, else who came first.
--
-- In a room's meta, `si` is the incarnation that it was offered to, `se` the epoch of the copy that
-- counts (-1: only its record is known) and `f` the epoch that begins with the opening.
--
-- An incarnation stays closed for the window that its first comer asks for, while somebody offers,
-- and for as long as somebody who is known to live has not offered all; each up to a limit.
--
-- KEYS: 1 gate, 2 incarnation, 3 index of rooms, 4 index of tombstones, 5 leases, 6 last beat
-- ARGV: 1 operation, 2 entries to keep of a stream, 3… its arguments

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local now_ms = math.floor(now / 1000)
local LEAST, MOST, FOR_THE_LIVING = 300, 10000, 3000

lie_in_pieces(ARGV[2])
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

local function into(index, score, member)
  redis.call('ZADD', index, 'GT', score, member)
  local last = redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')[2]
  redis.call('PEXPIREAT', index, math.ceil(tonumber(last) / 1000))
end

-- The incarnation that the arguments begin with, or nothing if it is another one by now. While
-- somebody still offers it stays closed, up to a limit.
local function offered_to()
  local m = redis.call('HMGET', KEYS[2], 'id', 'until', 'born')
  if m[1] ~= take() then
    return nil
  end
  local open = redis.call('GET', KEYS[1]) == m[1]
  if not open then
    local till = math.min(math.max(tonumber(m[2]), now_ms + LEAST), tonumber(m[3]) + MOST)
    redis.call('HSET', KEYS[2], 'until', math.max(till, tonumber(m[2])))
  end
  return m[1], open
end

local function forget(room, meta)
  local heads = room .. 'heads'
  local all = redis.call('HGETALL', heads)
  for n = 1, #all, 2 do
    drop_pieces(room .. 's:' .. all[n] .. ':', seq_of(all[n + 1]))
  end
  redis.call('DEL', heads)
  redis.call('HDEL', meta, 'sp', 'sb')
  redis.call('HSET', meta, 'r', 0)
end

local op = {}

-- the server's run id, an id to be used if a new incarnation begins, how long it is offered to (ms)
-- Returns the incarnation's id. A server that was started anew may be an older copy.
function op.arrive()
  local run, id, window = take(), take(), number()
  local m = redis.call('HMGET', KEYS[2], 'id', 'run')
  if m[1] and m[2] == run then
    return m[1]
  end
  redis.call('DEL', KEYS[1])
  for _, name in ipairs(redis.call('HKEYS', KEYS[2])) do
    if string.sub(name, 1, 5) == 'wait:' then
      redis.call('HDEL', KEYS[2], name)
    end
  end
  redis.call('HSET', KEYS[2], 'id', id, 'run', run, 'born', now_ms, 'until', now_ms + window)
  for _, worker in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], now, '+inf')) do
    redis.call('HSET', KEYS[2], 'wait:' .. worker, 1)
  end
  return id
end

-- incarnation
-- Returns 0 once commits may pass, else how long they have to wait (ms), or -1: it is another one.
function op.open()
  local m = redis.call('HMGET', KEYS[2], 'id', 'until', 'born')
  if m[1] ~= take() then
    return -1
  end
  if redis.call('GET', KEYS[1]) == m[1] then
    return 0
  end
  if now_ms < tonumber(m[2]) then
    return tonumber(m[2]) - now_ms
  end
  if now_ms < tonumber(m[3]) + FOR_THE_LIVING then
    local all = redis.call('HGETALL', KEYS[2])
    for n = 1, #all, 2 do
      if string.sub(all[n], 1, 5) == 'wait:' and all[n + 1] == '1' then
        return 20
      end
    end
  end
  local last = redis.call('HGET', KEYS[6], 'at')
  if last then
    redis.call('HSET', KEYS[6], 'since', last, 'until', now, 'at', now)
  end
  redis.call('HSET', KEYS[2], 'opened:' .. m[1], 1)
  redis.call('SET', KEYS[1], m[1])
  return 0
end

-- incarnation, worker, its lease (ms), its last beat (µs), the other workers that it knows to live
function op.beat()
  if not offered_to() then
    return 'other'
  end
  local worker, ttl, last = take(), number(), number()
  into(KEYS[5], now + ttl * 1000, worker)
  if last > tonumber(redis.call('HGET', KEYS[6], 'at') or 0) then
    redis.call('HSET', KEYS[6], 'at', last)
    redis.call('PEXPIRE', KEYS[6], 86400000)
  end
  redis.call('HSET', KEYS[2], 'wait:' .. worker, 1)
  while place < #ARGV do
    redis.call('HSETNX', KEYS[2], 'wait:' .. take(), 1)
  end
end

-- incarnation, worker: it has offered all it had
function op.done()
  if redis.call('HGET', KEYS[2], 'id') == take() then
    redis.call('HSET', KEYS[2], 'wait:' .. take(), 0)
  end
end

-- incarnation, then for each ended room: prefix of its keys, id, until when it is remembered (µs)
function op.tombs()
  local incarnation = offered_to()
  if not incarnation then
    return 'other'
  end
  while place < #ARGV do
    local room, id, till = take(), take(), number()
    if till > now then
      into(KEYS[4], till, id)
      redis.call('ZREM', KEYS[3], id)
      forget(room, room .. 'meta')
      redis.call('DEL', room .. 'meta', room .. 'files', room .. 'pieces')
    end
  end
end

-- The event of an entry, if it is known: `last` is the stream's head.
local function event_of(entries, last, seq)
  if seq_of(last) == seq then
    return last and string.sub(last, 17)
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

-- One stream: what is there and what is offered become one, up to the higher head.
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
  if high > top or not have then
    redis.call('HSET', heads, name, head)
  elseif not agree then
    return
  end
  local merged, order = agree and there or {}, {}
  for seq, entry in pairs(offered) do
    local known = merged[seq]
    -- Of two bodies of one entry the shorter one has been blanked.
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

-- Whether the control stream's entry at this position is there, or was before those that are.
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

-- incarnation; prefix of its keys, room; epoch, version and text of its record, when it expires
-- (ms); "1" if all of it is offered, then: rights number, last commit (µs), position and text of
-- its state or "", count of outcomes, (field, outcome)…, count of streams, (name, head, count of
-- entries, (seq, meta, blob)…)…
function op.offer()
  local incarnation, open = offered_to()
  if not incarnation then
    return 'other'
  end
  local room, id, epoch, version, record, expires = take(), take(), number(), number(), take(), number()
  local full = take() == '1'
  local meta, heads = room .. 'meta', room .. 'heads'
  local ended = redis.call('ZSCORE', KEYS[4], id)
  if expires <= now_ms or (ended and tonumber(ended) > now) then
    return 'ended'
  end
  local known = redis.call('HMGET', meta, 'f', 'si', 'se', 'v', 'x')
  if known[1] and open then
    return 'late'
  end
  local next_, counts, had = 1, -1, tonumber(known[4] or -1)
  if known[1] and known[2] == incarnation then
    next_, counts = tonumber(known[1]), tonumber(known[3])
  elseif known[2] and redis.call('HEXISTS', KEYS[2], 'opened:' .. known[2]) == 0 then
    -- Half offered when that incarnation ended.
    next_, counts = tonumber(known[1]), tonumber(known[3])
  elseif known[1] then
    next_, counts = tonumber(known[1]) + 1, tonumber(known[1])
  else
    redis.call('HSET', meta, 'r', 0, 't', 0)
  end
  if version > had then
    redis.call('HSET', meta, 'rec', record, 'v', version)
  end
  expires = math.max(expires, tonumber(known[5] or 0))
  if full and epoch > counts and counts >= 0 then
    forget(room, meta)
  end
  if full then
    counts = math.max(counts, epoch)
  end
  next_ = math.max(next_, epoch + 1)
  redis.call('HSET', meta, 'f', next_, 'si', incarnation, 'se', counts, 'x', expires)
  into(KEYS[3], expires * 1000, id)

  if full and epoch == counts then
    local rights, at, position, state = number(), number(), take(), take()
    local m = redis.call('HMGET', meta, 'r', 't', 'sp')
    redis.call('HSET', meta, 'r', math.max(rights, tonumber(m[1])), 't', math.max(at, tonumber(m[2])))
    local bucket = room .. 'o:' .. math.floor(math.max(now, at, tonumber(m[2])) / 600000000)
    local outcomes = number()
    for _ = 1, outcomes do
      redis.call('HSETNX', bucket, take(), take())
    end
    if outcomes > 0 then
      redis.call('PEXPIREAT', bucket, math.min(expires, now_ms + 1201000))
    end
    for _ = 1, number() do
      merge(room, expires)
    end
    -- A state counts if the entry that it came after has stayed.
    local kept = stands(room, m[3]) and seq_of(m[3]) or -1
    if position ~= '' and stands(room, position) and seq_of(position) > kept then
      redis.call('HSET', meta, 'sp', position, 'sb', state)
    end
  end
  if redis.call('HEXISTS', heads, 'room') == 0 then
    redis.call('HSET', heads, 'room', struct.pack('>I8I8I8', next_, 0, 0))
  end
  redis.call('PEXPIREAT', meta, expires)
  redis.call('PEXPIREAT', heads, expires)
  return 'taken'
end

-- prefix of the room's keys, then for each stream: name, a seq
-- Returns epoch, rights number, heads, and of each stream the event at that seq, "" if not known;
-- nothing if there is no room.
function op.look()
  local room = take()
  local m = redis.call('HMGET', room .. 'meta', 'f', 'r')
  if not m[1] then
    return false
  end
  local events = {}
  while place < #ARGV do
    local name, seq = take(), number()
    local head = redis.call('HGET', room .. 'heads', name)
    local event = ''
    if head and seq_of(head) == seq then
      event = string.sub(head, 17)
    else
      local found = find(room, name, seq)
      event = found and string.sub(found[2][2], 9, 16) or ''
    end
    events[#events + 1] = event
  end
  return {tonumber(m[1]), tonumber(m[2]), redis.call('HGETALL', room .. 'heads'), events}
end

return op[ARGV[1]]()
