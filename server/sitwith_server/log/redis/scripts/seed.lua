-- Re-seeding: an instance that is empty, or an older copy, is filled by all workers that hold its
-- rooms, and opens once for all of them. The time from one loss to the next is an incarnation.
--
-- Which data counts: of several copies of a room the one with the highest epoch, for all its streams.
-- Among copies of one epoch, each stream gets every entry that any worker has, up to the highest
-- number that any has; entries may be missing between them. Where two copies have different entries
-- under one number, the copy with the higher head counts, else the one that came first.
--
-- An epoch's upper bits are the room's life. A copy of a higher life means that the room has
-- forgotten: all data of a lower life is deleted, even if only a record replaces it, and even if the
-- instance is open. No data of a lower life is taken.
--
-- In a room's meta: `si` is the incarnation that the room was offered to; `se` the epoch of the copy
-- that counts (-1: only its record is known); `sd` the number of the control entry up to which the
-- worker had folded that said when the room is due; `f` the epoch that begins when the instance opens.
--
-- An incarnation stays closed for the window that its first worker asks for, while workers still
-- offer, and until every worker known to be alive has offered all; each up to a limit.
--
-- KEYS: 1 gate, 2 incarnation, 3 leases, 4 last beat
-- ARGV: 1 operation, 2 entries to keep of a stream, 3… its arguments

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local now_ms = math.floor(now / 1000)
local LEAST, MOST, FOR_THE_LIVING = 300, 10000, 3000
local leases, last_beat = KEYS[3], KEYS[4]

-- Reads the incarnation's id from the arguments; nil if another one has begun. Otherwise returns the
-- id and whether it is open. Each offer keeps a closed one closed a little longer, up to a limit.
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

-- Args: the server's run id, an id for a new incarnation, how long workers may offer (ms).
-- Returns the incarnation's id. A restarted server may be an older copy, so its run id decides.
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

-- Args: incarnation.
-- Returns 0 once commits are taken, else how long to wait (ms), or -1: another one has begun.
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

-- Args: incarnation, worker, its lease (ms), its last beat (µs), how many other workers it knows to be
-- alive and their ids, the workers that it knows to have lapsed.
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
    -- A worker that died with the instance must lapse, or nobody would find its connections.
    local peer = take()
    redis.call('HSETNX', KEYS[2], 'wait:' .. peer, 1)
    redis.call('ZADD', leases, 'NX', now + ttl * 1000, peer)
  end
  while place < #ARGV do
    redis.call('ZADD', leases, 'NX', now - 1, take())
  end
  redis.call('PEXPIRE', leases, 86400000)
end

-- Args: incarnation, worker. The worker has offered all that it holds.
function op.done()
  if redis.call('HGET', KEYS[2], 'id') == take() then
    redis.call('HSET', KEYS[2], 'wait:' .. take(), 0)
  end
end

-- Args: incarnation, then for each ended room: prefix of its keys, until when it is remembered (µs).
function op.tombs()
  local incarnation = offered_to()
  if not incarnation then
    return 'other'
  end
  while place < #ARGV do
    local keys, till = room_keys(take(), now), number()
    if till > now then
      keys.finish(till)
    end
  end
end

-- Deletes all data of a lower life. Returns the control stream's number from then on: one further than
-- its head and without an entry, so that no commit decided in that life can be taken.
local function forget(keys, room)
  local head = seq_of(redis.call('HGET', room .. 'heads', 'room'))
  keys.forget()
  keys.delist()
  redis.call('HDEL', room .. 'meta', 'sd')
  redis.call('HSET', room .. 'meta', 'r', 0)
  return head > 0 and head + 1 or 0
end

-- What is known of the room: next_, the epoch that begins when the instance opens; counts, the epoch
-- of the copy that counts; its record's version; expires, its last moment; left, the control stream's
-- number after a life that this offer ends. "old" or "late" where the offer is not taken.
local function known_of(keys, room, epoch, incarnation, open)
  local m = redis.call('HMGET', room .. 'meta', 'f', 'si', 'se', 'v', 'x')
  if not m[1] then
    redis.call('HSET', room .. 'meta', 'r', 0, 't', 0)
    return {next_ = life_of(epoch) * LIFE + 1, counts = -1, version = -1}
  end
  local next_, counts = tonumber(m[1]), tonumber(m[3])
  if life_of(epoch) < life_of(next_) then
    return 'old'
  elseif life_of(epoch) > life_of(next_) then
    return {next_ = epoch, counts = -1, version = -1, left = forget(keys, room)}
  elseif open then
    return 'late'
  elseif m[2] ~= incarnation and not (m[2] and redis.call('HEXISTS', KEYS[2], 'opened:' .. m[2]) == 0) then
    -- It was not offered to this incarnation, and was not cut short while another one was closed.
    next_, counts = next_ + 1, next_
  end
  local offered = m[2] == incarnation
  return {next_ = next_, counts = counts, version = tonumber(m[4]), expires = m[5], offered = offered}
end

-- Sets when the room is due and which workers have connections in it, as the worker says that had
-- folded furthest. A worker that knows only the record says that the room is due at its end; that
-- counts only while nothing else is known.
local function restore(keys, room, position, due, workers)
  if position == '' then
    if not keys.is_due() then
      keys.set_due(due)
    end
    return
  end
  local seq, before = seq_of(position), tonumber(redis.call('HGET', room .. 'meta', 'sd') or -1)
  if seq > before then
    redis.call('HSET', room .. 'meta', 'sd', seq)
    keys.set_due(due)
    keys.set_workers(workers)
  elseif seq == before then
    keys.set_due(math.min(due, keys.is_due()))
  end
end

local function take_all(room, expires)
  local rights, at, position, state = number(), number(), take(), take()
  local m = redis.call('HMGET', room .. 'meta', 'r', 't', 'sp')
  -- A number without an entry has no rights of its own: the offered entries' rights replace it.
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
  -- A snapshot counts if the entry that it follows is still there.
  local kept = stands(room, m[3]) and seq_of(m[3]) or -1
  if position ~= '' and stands(room, position) and seq_of(position) > kept then
    redis.call('HSET', room .. 'meta', 'sp', position, 'sb', state)
  end
end

-- Reads and takes one offered room. Args: prefix of its keys; epoch, version and text of its record;
-- its last moment (ms); when it is due (µs); the workers with connections in it; the position of the
-- control entry up to which that was folded, "" if only the record is known; "1" if the whole room is
-- offered. Then, if it is: rights number, time of the last commit (µs), position and text of its
-- snapshot or "", count of outcomes, (field, outcome)…, count of streams, (name, head, count of
-- entries, (seq, meta, blob)…)…
local function offer(incarnation, open)
  local room, epoch, version, record, expires = take(), number(), number(), take(), number()
  local due, workers, position, full = number(), take(), take(), take() == '1'
  local meta, heads, keys = room .. 'meta', room .. 'heads', room_keys(room, now)
  if expires <= now_ms or keys.is_ended() then
    return 'ended'
  end
  local known = known_of(keys, room, epoch, incarnation, open)
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
    keys.forget()
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
  keys.expire(expires)
  restore(keys, room, position, due, workers)
  if open then
    keys.tell()
    local head = seq_of(redis.call('HGET', heads, 'room'))
    redis.call('PUBLISH', room .. 'bell', 'b' .. struct.pack('>I8I8', next_, head) .. 'room')
  end
  return 'taken'
end

-- Args: incarnation, then a whole room.
function op.offer()
  local incarnation, open = offered_to()
  return incarnation and offer(incarnation, open) or 'other'
end

-- Args: incarnation, then any number of rooms of which only the record is known.
function op.records()
  local incarnation, open = offered_to()
  while incarnation and place < #ARGV do
    offer(incarnation, open)
  end
end

-- Args: prefix of the room's keys, then for each stream its name and a seq.
-- Returns epoch, rights number, heads, and for each stream the event id at that seq, "" if unknown;
-- nil if there is no room.
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
