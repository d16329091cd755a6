-- One commit, whole or not at all. Every check comes before the first write, and the first write is
-- one that a full Redis refuses: what it lets begin, it lets end. A right may be missing for one command
-- and not for another: of what makes a commit whole each command is used once before the first entry is
-- there, to no harm if nothing follows.
--
-- Each argument and each call costs about as much as what it asks for, so numbers come in one
-- header, and nothing is asked that another reply already tells.
--
-- KEYS: 1 gate, 2 prefix of the room's keys
-- ARGV: 1 incarnation, 2 entries to keep at least, 3 header, 4 stream's name, 5 origin, key and outcome of
--   the last entry, 6… blobs
-- The header: 1 for the control stream (1 byte), 1 if it changes rights (1), expect (8), at_head
--   or -1 (8), not before (µs) or -1 (8), how many bytes of ARGV[5] are origin and key, 0 if there
--   is no key (4), the events' ids (8 each).
-- Returns one string: "C", at in µs, epoch, first seq (8 bytes each), or "D" and the outcome, or
-- "X", "E" (too early) or "G".

local call, pack, unpack_ = redis.call, struct.pack, struct.unpack
local room, name, tail = KEYS[2], ARGV[4], ARGV[5]
if call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('UNSEEDED')
end
local meta = call('HMGET', room .. 'meta', 'f', 'r', 't', 'x', 'b')
if not meta[1] then
  return 'G'
end
local epoch, rights = tonumber(meta[1]), tonumber(meta[2])
local time = call('TIME')
local now = math.max(time[1] * 1000000 + time[2], tonumber(meta[3]))
local is_control, changes, expect, at_head, not_before, key = unpack_('>BBi8i8i8I4', ARGV[3])

local bucket = math.floor(now / 600000000)
local place, field
if key > 0 then
  place, field = room .. 'o:' .. bucket, string.sub(tail, 1, key)
  local known = call('HGET', place, field) or call('HGET', room .. 'o:' .. (bucket - 1), field)
  if known then
    return 'D' .. known
  end
end

local head = call('HGET', room .. 'heads', name)
local seq = head and unpack_('>I8', head, 9) or 0
if expect ~= (is_control == 1 and seq or rights) or (at_head >= 0 and at_head ~= seq) then
  return 'X'
end
if now < not_before then
  return 'E'
end

call('HSET', room .. 'meta', 't', now)
local count = #ARGV - 5
local first = seq + 1
if count > 0 then
  local stream, event = room .. 's:' .. name .. ':', nil
  lie_in_pieces(ARGV[2])
  for n = 1, count do
    seq = seq + 1
    if changes == 1 then
      rights = seq
    end
    event = string.sub(ARGV[3], 23 + 8 * n, 30 + 8 * n)
    -- An entry that isn't the last one has its origin alone.
    local origin = (n == count or key == 0) and tail or string.sub(tail, 1, key - 8)
    local about = pack('>I8c8I8I8', epoch, event, rights, now) .. origin
    local piece, id, blob = piece_of(seq), seq .. '-0', ARGV[5 + n]
    if not call('XADD', stream .. piece, 'NOMKSTREAM', id, 'm', about, 'b', blob) then
      call('DEL', stream .. (piece - BEHIND - 1))
      call('PEXPIREAT', room .. 'heads', meta[4])
      call('XADD', stream .. piece, id, 'm', about, 'b', blob)
      call('PEXPIREAT', stream .. piece, meta[4])
    end
  end
  call('HSET', room .. 'heads', name, pack('>I8I8c8', epoch, seq, event))
end
local opens = field and tonumber(meta[5]) ~= bucket
if opens then
  -- Two buckets are looked into, so that each outcome lives for 600 s or longer. A long word makes
  -- Redis keep the bucket as a table: it would look through a list from its begin each time.
  call('HSET', place, field, string.sub(tail, key + 1), '', string.rep('-', 100))
  call('PEXPIREAT', place, math.min(tonumber(meta[4]), math.floor(now / 1000) + 1201000))
  call('HSET', room .. 'meta', 'b', bucket)
elseif field then
  call('HSET', place, field, string.sub(tail, key + 1))
end
if changes == 1 then
  call('HSET', room .. 'meta', 'r', rights)
end
if count > 0 then
  call('PUBLISH', room .. 'bell', 'b' .. pack('>I8', seq) .. name)
end
return pack('>c1I8I8I8', 'C', now, epoch, first)
