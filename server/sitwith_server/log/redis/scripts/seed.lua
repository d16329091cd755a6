-- Incarnations: an instance that is empty, or an older copy, is filled by all who held its rooms,
-- and opens once for everybody.
--
-- Of a room's copies the one of the highest epoch counts, for all its streams at once; among those
-- of one epoch each stream goes up to the highest number that anybody has, and has all entries that
-- anybody has; some may be missing between them. Where two have other entries under one number, who
-- has the higher head counts, else who came first.
--
-- An epoch's upper bits are the room's life. Whoever knows of a higher one brings the news that the
-- room has forgotten: whatever is there of a lower life goes, even if nothing but a record comes in
-- its place, and even if the instance is open. Of a lower life nothing is taken.
--
-- In a room's meta, `si` is the incarnation that it was offered to, `se` the epoch of the copy that
-- counts (-1: only its record is known), `sd` up to which control entry those had come who said when
-- it is due, and `f` the epoch that begins with the opening.
--
-- An incarnation stays closed for the window that its first comer asks for, while somebody offers,
-- and for as long as somebody who is known to live has not offered all; each up to a limit.
--
-- KEYS: 1 gate, 2 incarnation, 3 leases, 4 last beat
-- ARGV: 1 operation, 2 entries to keep of a stream, 3… its arguments

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local now_ms = math.floor(now / 1000)
local LEAST, MOST, FOR_THE_LIVING = 300, 10000, 3000
local NOTHING = string.rep('\0', 8)
local leases, last_beat = KEYS[3], KEYS[4]

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

-- Of a position; nothing where only a number is known.
local function event_at(position)
  local event = position and string.sub(position, 17)
  return event ~= NOTHING and event or nil
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
  for _, worker in ipairs(redis.call('ZRANGEBYSCORE', leases, now, '+inf')) do
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
  local last = redis.call('HGET', last_beat, 'at')
  if last then
    redis.call('HSET', last_beat, 'since', last, 'until', now, 'at', now)
  end
  redis.call('HSET', KEYS[2], 'opened:' .. m[1], 1)
  redis.call('SET', KEYS[1], m[1])
  return 0
end

-- incarnation, worker, its lease (ms), its last beat (µs), how many other workers it knows to live and
-- those, the workers that it knows to have lapsed
function op.beat()
  if not offered_to() then
    return 'other'
  end
  local worker, ttl, last = take(), number(), number()
  redis.call('ZADD', leases, now + ttl * 1000, worker)
  redis.call('HSET', KEYS[2], 'wait:' .. worker, 1)
  if last > tonumber(redis.call('HGET', last_beat, 'at') or 0) then
    redis.call('HSET', last_beat, 'at', last)
    redis.call('PEXPIRE', last_beat, 86400000)
  end
  for _ = 1, number() do
    -- Who died with the instance has to lapse, else nobody would look for it.
    local peer = take()
    redis.call('HSETNX', KEYS[2], 'wait:' .. peer, 1)
    redis.call('ZADD', leases, 'NX', now + ttl * 1000, peer)
  end
  while place < #ARGV do
    redis.call('ZADD', leases, 'NX', now - 1, take())
  end
  redis.call('PEXPIRE', leases, 86400000)
end

-- incarnation, worker: it has offered all it had
function op.done()
  if redis.call('HGET', KEYS[2], 'id') == take() then
    redis.call('HSET', KEYS[2], 'wait:' .. take(), 0)
  end
end

-- incarnation, then for each ended room: prefix of its keys, until when it is remembered (µs)
function op.tombs()
  local incarnation = offered_to()
  if not incarnation then
    return 'other'
  end
  while place < #ARGV do
    local house, till = house_of(take(), now), number()
    if till > now then
      house.finish(till)
    end
  end
end

-- The event of an entry, if it is known: `last` is the stream's head.
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
  if high > top or not have or (high == top and not event_at(have)) then
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

-- Everything of a lower life goes. Returns what is left of the control stream: a number that nobody has
-- an entry of, one further, so that nothing that was decided in that life can be taken.
local function forget(house, room)
  local head = seq_of(redis.call('HGET', room .. 'heads', 'room'))
  house.forget()
  house.delist()
  redis.call('HDEL', room .. 'meta', 'sd')
  redis.call('HSET', room .. 'meta', 'r', 0)
  return head > 0 and head + 1 or 0
end

-- What is known of the room's life: the epoch that begins with the opening, that of the copy that
-- counts, its version, its last moment, and the number that is left of the control stream of a life
-- that this offer ends. Nothing, but "old" or "late", if nothing is taken of the offer.
local function known_of(house, room, epoch, incarnation, open)
  local m = redis.call('HMGET', room .. 'meta', 'f', 'si', 'se', 'v', 'x')
  if not m[1] then
    redis.call('HSET', room .. 'meta', 'r', 0, 't', 0)
    return {next_ = life_of(epoch) * LIFE + 1, counts = -1, version = -1}
  end
  local next_, counts = tonumber(m[1]), tonumber(m[3])
  if life_of(epoch) < life_of(next_) then
    return 'old'
  elseif life_of(epoch) > life_of(next_) then
    return {next_ = epoch, counts = -1, version = -1, left = forget(house, room)}
  elseif open then
    return 'late'
  elseif m[2] ~= incarnation and not (m[2] and redis.call('HEXISTS', KEYS[2], 'opened:' .. m[2]) == 0) then
    -- Neither offered to this incarnation nor half offered when another one ended.
    next_, counts = next_ + 1, next_
  end
  local offered = m[2] == incarnation
  return {next_ = next_, counts = counts, version = tonumber(m[4]), expires = m[5], offered = offered}
end

-- When the room is due and who has connections in it, from whoever had come furthest. Who knows only
-- its record says that it is due at its end, unless something else is known.
local function restore(house, room, position, due, workers)
  if position == '' then
    if not house.is_due() then
      house.set_due(due)
    end
    return
  end
  local seq, before = seq_of(position), tonumber(redis.call('HGET', room .. 'meta', 'sd') or -1)
  if seq > before then
    redis.call('HSET', room .. 'meta', 'sd', seq)
    house.set_due(due)
    house.set_workers(workers)
  elseif seq == before then
    house.set_due(math.min(due, house.is_due()))
  end
end

local function take_all(room, expires)
  local rights, at, position, state = number(), number(), take(), take()
  local m = redis.call('HMGET', room .. 'meta', 'r', 't', 'sp')
  -- Of a number without an entry the rights are those of the entries that take its place.
  local known = event_at(redis.call('HGET', room .. 'heads', 'room')) and tonumber(m[1]) or 0
  local n = math.floor(math.max(now, at, tonumber(m[2])) / 600000000)
  local bucket, outcomes = room .. 'o:' .. n, number()
  for _ = 1, outcomes do
    redis.call('HSETNX', bucket, take(), take())
  end
  if outcomes > 0 then
    redis.call('PEXPIREAT', bucket, math.min(expires, (n + 2) * 600000 + 1000))
  end
  for _ = 1, number() do
    merge(room, expires)
  end
  local head = redis.call('HGET', room .. 'heads', 'room')
  local least = event_at(head) and 0 or seq_of(head)
  redis.call('HSET', room .. 'meta', 'r', math.max(rights, known, least), 't', math.max(at, tonumber(m[2])))
  -- A state counts if the entry that it came after has stayed.
  local kept = stands(room, m[3]) and seq_of(m[3]) or -1
  if position ~= '' and stands(room, position) and seq_of(position) > kept then
    redis.call('HSET', room .. 'meta', 'sp', position, 'sb', state)
  end
end

-- One room: prefix of its keys; epoch, version and text of its record, its last moment (ms); when it is
-- due (µs), who has connections in it, after which control entry's position that was so, "" if all
-- that is known is its record; "1" if all of it is offered, then: rights number, last commit (µs),
-- position and text of its state or "", count of outcomes, (field, outcome)…, count of streams, (name,
-- head, count of entries, (seq, meta, blob)…)…
local function offer(incarnation, open)
  local room, epoch, version, record, expires = take(), number(), number(), take(), number()
  local due, workers, position, full = number(), take(), take(), take() == '1'
  local meta, heads, house = room .. 'meta', room .. 'heads', house_of(room, now)
  if expires <= now_ms or house.is_ended() then
    return 'ended'
  end
  local known = known_of(house, room, epoch, incarnation, open)
  if type(known) == 'string' then
    return known
  end
  if not full and known.offered and version <= known.version and epoch < known.next_ then
    return 'taken'
  end
  if version > known.version then
    redis.call('HSET', meta, 'rec', record, 'v', version)
  elseif known.expires then
    expires = tonumber(known.expires)
  end
  local next_, counts = math.max(known.next_, epoch + 1), known.counts
  if full and epoch > counts and counts >= 0 then
    house.forget()
    redis.call('HSET', meta, 'r', 0)
  end
  if full then
    counts = math.max(counts, epoch)
  end
  redis.call('HSET', meta, 'f', next_, 'si', incarnation, 'se', counts)
  if full and epoch == counts then
    take_all(room, expires)
  end
  if redis.call('HEXISTS', heads, 'room') == 0 then
    redis.call('HSET', heads, 'room', struct.pack('>I8I8c8', next_, known.left or 0, NOTHING))
    redis.call('HSET', meta, 'r', known.left or 0)
  end
  house.expire(expires)
  restore(house, room, position, due, workers)
  if open then
    house.tell()
    local head = seq_of(redis.call('HGET', heads, 'room'))
    redis.call('PUBLISH', room .. 'bell', 'b' .. struct.pack('>I8I8', next_, head) .. 'room')
  end
  return 'taken'
end

-- incarnation, then a room of which all is offered
function op.offer()
  local incarnation, open = offered_to()
  return incarnation and offer(incarnation, open) or 'other'
end

-- incarnation, then any number of rooms of which only the record is known
function op.records()
  local incarnation, open = offered_to()
  while incarnation and place < #ARGV do
    offer(incarnation, open)
  end
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
