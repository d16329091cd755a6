-- One commit, whole or not at all.
--
-- Every check comes before the first write. The first write is one that a full Redis refuses: a script
-- that has begun to write may go on, so a commit that begins also ends. A commit by which the room
-- forgets begins with a write that even a full Redis takes, as no answer tells anybody that it did.
--
-- An ACL may deny one command and allow another. So each command that a whole commit needs is used once
-- before the first entry is written, in a way that does no harm if the script stops there.
--
-- Each argument and each call costs about as much as its work. So the numbers come in one packed header,
-- and nothing is read that another reply already tells. Effects come in words after the blobs and are
-- handled by a second script: this one with room_keys.lua before it.
--
-- KEYS: 1 gate, 2 prefix of the room's keys
-- ARGV: 1 incarnation, 2 entries to keep at least, 3 header, 4 stream's name, 5 origin, key and outcome of
--   the last entry, 6… blobs
-- The header: 1 for the control stream (1 byte), 1 if it changes rights (1), 1 if there are effects (1),
--   expect (8), at_head or -1 (8), not before (µs) or -1 (8), how many bytes of ARGV[5] are origin and
--   key, 0 without a key (4); of the pace: the time in which a token comes, how much later than now its
--   bucket may be full (µs, 4 each) and the length of its name, 0 without a pace (2); the events' ids (8
--   each, first those of control entries); the pace's name.
-- The words of the effects, each only if there is one: blobs of control entries, record, snapshot, entry
--   of the audit trail, blanks (see keys.blank), workers (see keys.set_workers), names of files to drop;
--   and last their numbers: how many words these are, this one among them (4 bytes); 1 for each of record,
--   snapshot, audit, blanks, workers that there is (1 each); 1 if the room forgets (1); 1 if it ends (1);
--   how many control entries (4); how many files (4); control_head or -1 (8); due (µs) or -1 (8); the
--   room's last moment (ms) or -1 (8); the trail's ttl (ms, 8) and how many entries it keeps (4).
-- Returns one string: "C", time (µs), epoch, first seq (8 bytes each), with effects also the first control
--   entry's seq, the record's version or 0, the room's last moment (ms); or "D" and the outcome; or "P"
--   (too fast), "X" (conflict), "E" (too early) or "G" (no room).
-- The notification: "e", epoch, last seq (8 each), how many entries, length of the stream's name (2 each),
--   for each entry the lengths of its two parts (4 each), the name, those parts, then the blanks as above;
--   or, where that would be too large, "b", epoch, last seq and the name.

local call, pack, unpack_ = redis.call, struct.pack, struct.unpack
local room, name, tail = KEYS[2], ARGV[4], ARGV[5]
if call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('UNSEEDED')
end
local is_control, changes, has_effects, expect, at_head, not_before, key, step, burst, named =
  unpack_('>BBBi8i8i8I4I4I4I2', ARGV[3])
-- The pace is read and written together with other fields, so it costs no call of its own.
local pace = named > 0 and 'p:' .. string.sub(ARGV[3], -named) or 'b'
local meta = call('HMGET', room .. 'meta', 'f', 'r', 't', 'x', 'b', pace)
if not meta[1] then
  return 'G'
end
local epoch, rights, expires = tonumber(meta[1]), tonumber(meta[2]), meta[4]
local time = call('TIME')
local now = math.max(time[1] * 1000000 + time[2], tonumber(meta[3]))

local bucket = math.floor(now / 600000000)
local place, field
if key > 0 then
  place, field = room .. 'o:' .. bucket, string.sub(tail, 1, key)
  local known = call('HGET', place, field) or call('HGET', room .. 'o:' .. (bucket - 1), field)
  if known then
    return 'D' .. known
  end
end

-- When the pace's bucket is full.
local full_at
if named > 0 then
  full_at = math.max(tonumber(meta[6] or 0), now)
  if full_at - now > burst then
    return 'P'
  end
end

local head = call('HGET', room .. 'heads', name)
local seq = head and unpack_('>I8', head, 9) or 0
if expect ~= (is_control == 1 and seq or rights) or (at_head >= 0 and at_head ~= seq) then
  return 'X'
end

local count, controls, control_seq, effects = #ARGV - 5, 0, 0, nil
if has_effects == 1 then
  effects = {}
  local words, record, snapshot, audit, blanks, workers, control_head, files
  words, record, snapshot, audit, blanks, workers, effects.forgets, effects.ends, controls, files,
    control_head, effects.due, effects.expires, effects.ttl, effects.kept =
    unpack_('>I4BBBBBBBI4I4i8i8i8i8I4', ARGV[#ARGV])
  count = count - words
  local at = 5 + count + controls
  local function take(there)
    at = at + there
    return there == 1 and ARGV[at] or nil
  end
  effects.record, effects.snapshot, effects.audit = take(record), take(snapshot), take(audit)
  effects.blanks, effects.workers = take(blanks), take(workers)
  effects.files = files > 0 and {} or nil
  for n = at + 1, at + files do
    effects.files[ARGV[n]] = true
  end
  control_seq = unpack_('>I8', call('HGET', room .. 'heads', 'room'), 9)
  if control_head >= 0 and control_head ~= control_seq then
    return 'X'
  end
end
if now < not_before then
  return 'E'
end

local size = 0
for n = 6, 5 + count + controls do
  size = size + #ARGV[n]
end

set_piece_size(ARGV[2])
local carry, keys = size <= MAX_NOTIFICATION, nil
if effects then
  keys = room_keys(room, now)
  carry = size + #(effects.blanks or '') <= MAX_NOTIFICATION or effects.ends == 1
  if effects.forgets == 1 then
    -- A full Redis refuses a script only at its first write, and never a DEL.
    call('DEL', room .. 'full')
  end
end
if named == 0 then
  call('HSET', room .. 'meta', 't', now)
elseif call('HSET', room .. 'meta', 't', now, pace, full_at + step) > 0 then
  -- The field is new: now and then delete the paces whose buckets are full again.
  local fields = call('HKEYS', room .. 'meta')
  for _, each in ipairs(#fields % 64 == 0 and fields or {}) do
    if string.sub(each, 1, 2) == 'p:' and tonumber(call('HGET', room .. 'meta', each)) <= now then
      call('HDEL', room .. 'meta', each)
    end
  end
end
if effects then
  if effects.forgets == 1 then
    keys.forget()
    epoch, meta[5] = next_life(epoch), nil
    call('HSET', room .. 'meta', 'f', epoch)
  end
end

-- Turn 1 writes the control entries that come with a message, turn 2 the stream's own entries.
local first, control_first, notifications = seq + 1, control_seq + 1, {}
for turn = controls > 0 and 1 or 2, 2 do
  local to, last, n, word, ids, blanks = name, seq, count, 6, 42 + 8 * controls, effects and effects.blanks
  if turn == 1 then
    to, last, n, word, ids, blanks = 'room', control_seq, controls, 6 + count, 42, nil
  end
  local stream, lengths, bodies, event = room .. 's:' .. to .. ':', '', '', nil
  for k = 0, n - 1 do
    last = last + 1
    if changes == 1 then
      rights = last
    end
    event = string.sub(ARGV[3], ids + 8 * k, ids + 7 + 8 * k)
    local origin = tail
    if key > 0 and (k < n - 1 or (turn == 1 and count > 0)) then
      -- Only the commit's last entry holds key and outcome.
      origin = string.sub(tail, 1, key - 8)
    end
    local about = pack('>I8c8I8I8', epoch, event, rights, now) .. origin
    local piece, id, blob = piece_of(last), last .. '-0', ARGV[word + k]
    if not call('XADD', stream .. piece, 'NOMKSTREAM', id, 'm', about, 'b', blob) then
      call('DEL', stream .. (piece - BEHIND - 1))
      call('PEXPIREAT', room .. 'heads', expires)
      call('XADD', stream .. piece, id, 'm', about, 'b', blob)
      call('PEXPIREAT', stream .. piece, expires)
    end
    if carry then
      lengths, bodies = lengths .. pack('>I4I4', #about, #blob), bodies .. about .. blob
    end
  end
  if n > 0 then
    call('HSET', room .. 'heads', to, pack('>I8I8c8', epoch, last, event))
  end
  if carry and (n > 0 or blanks) then
    local begin = pack('>c1I8I8I2I2', 'e', epoch, last, n, #to)
    notifications[#notifications + 1] = begin .. lengths .. to .. bodies .. (blanks or '')
  elseif n > 0 or blanks then
    notifications[#notifications + 1] = pack('>c1I8I8', 'b', epoch, last) .. to
  end
end
local opens = field and tonumber(meta[5]) ~= bucket
if opens then
  -- Lookups read two buckets, so each outcome is found for at least 600 s. The long value makes Redis
  -- store the bucket as a hash table; as a listpack every lookup would scan it.
  call('HSET', place, field, string.sub(tail, key + 1), '', string.rep('-', 100))
  call('PEXPIREAT', place, math.min(expires, (bucket + 2) * 600000 + 1000))
  call('HSET', room .. 'meta', 'b', bucket)
elseif field then
  call('HSET', place, field, string.sub(tail, key + 1))
end
if changes == 1 then
  call('HSET', room .. 'meta', 'r', rights)
end

local reply = pack('>c1I8I8I8', 'C', now, epoch, first)
if effects then
  local version = 0
  if effects.forgets == 1 then
    call('PEXPIREAT', room .. 'heads', expires)
  end
  if effects.snapshot then
    call('HSET', room .. 'meta', 'sp', call('HGET', room .. 'heads', 'room'), 'sb', effects.snapshot)
  end
  if effects.blanks then
    keys.blank(effects.blanks, expires)
  end
  if effects.files then
    keys.drop_files(effects.files)
  end
  if effects.due >= 0 then
    keys.set_due(effects.due)
  end
  if effects.workers then
    keys.set_workers(effects.workers)
  end
  if effects.expires >= 0 then
    -- At least one ms ahead: a key that expires in the past would be gone within this script.
    expires = math.max(effects.expires, math.floor(time[1] * 1000 + time[2] / 1000) + 1)
    call('HSET', room .. 'meta', 'x', expires)
  end
  if effects.record then
    call('HSET', room .. 'meta', 'rec', effects.record)
  end
  if effects.record or effects.expires >= 0 then
    version = call('HINCRBY', room .. 'meta', 'v', 1)
    keys.tell()
  end
  if effects.audit then
    keys.audit(effects.audit, effects.ttl, effects.kept)
  end
  if effects.expires >= 0 then
    -- After all that needs the keys: in Redis 6 a key may expire while a script runs.
    keys.expire(expires)
  end
  if effects.ends == 1 then
    keys.finish(now + TOMBSTONE)
  end
  reply = reply .. pack('>I8I8I8', control_first, version, expires)
end
-- Last: where the ACL denies PUBLISH, the commit is still whole and its outcome remembered.
for _, notification in ipairs(notifications) do
  call('PUBLISH', room .. 'bell', notification)
end
return reply
