-- One commit, whole or not at all. Every check comes before the first write, and the first write is
-- one that a full Redis refuses: what it lets begin, it lets end.
--
-- KEYS: 1 gate, 2 meta, 3 heads, 4 stream, 5 outcomes (a prefix), 6 bell (a channel)
-- ARGV: 1 incarnation, 2 stream's name, 3 "1" for the control stream, 4 expect, 5 "1" if it changes
--   rights, 6 at_head or "", 7 not before (µs) or "", 8 the key's field or "", 9 outcome, 10 entries
--   to keep, 11 event ids, 8 bytes each, 12 origin of each entry, 13 origin, key and outcome of the
--   last one, 14… blobs
-- Returns {"C", at in µs, epoch, first seq}, {"D", outcome}, {"X"}, {"E"} (too early) or {"G"}.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('UNSEEDED')
end
local meta = redis.call('HMGET', KEYS[2], 'f', 'r', 't', 'x')
if not meta[1] then
  return {'G'}
end
local epoch, rights = tonumber(meta[1]), tonumber(meta[2])
local time = redis.call('TIME')
local now = math.max(time[1] * 1000000 + time[2], tonumber(meta[3]))

local bucket = math.floor(now / 600000000)
local field = ARGV[8]
if field ~= '' then
  local known = redis.call('HGET', KEYS[5] .. bucket, field)
    or redis.call('HGET', KEYS[5] .. (bucket - 1), field)
  if known then
    return {'D', known}
  end
end

local head = redis.call('HGET', KEYS[3], ARGV[2])
local seq = 0
if head then
  seq = struct.unpack('>I8', head, 9)
end
local seen = ARGV[3] == '1' and seq or rights
if tonumber(ARGV[4]) ~= seen or (ARGV[6] ~= '' and tonumber(ARGV[6]) ~= seq) then
  return {'X'}
end
if ARGV[7] ~= '' and now < tonumber(ARGV[7]) then
  return {'E'}
end

local count = #ARGV - 13
local first = seq + 1
local event
for n = 1, count do
  seq = seq + 1
  if ARGV[5] == '1' then
    rights = seq
  end
  event = string.sub(ARGV[11], 8 * n - 7, 8 * n)
  redis.call('XADD', KEYS[4], 'MAXLEN', '=', ARGV[10], seq .. '-0',
    'm', struct.pack('>I8c8I8I8', epoch, event, rights, now) .. ARGV[n == count and 13 or 12],
    'b', ARGV[13 + n])
end
if count > 0 then
  if redis.call('XLEN', KEYS[4]) == count then
    redis.call('PEXPIREAT', KEYS[4], meta[4])
  end
  redis.call('HSET', KEYS[3], ARGV[2], struct.pack('>I8I8c8', epoch, seq, event))
end
if field ~= '' then
  local place = KEYS[5] .. bucket
  redis.call('HSET', place, field, ARGV[9])
  if redis.call('HLEN', place) == 1 then
    -- Two buckets are looked into, so that each outcome lives for 600 s or longer.
    redis.call('PEXPIREAT', place, math.min(tonumber(meta[4]), math.floor(now / 1000) + 1201000))
  end
end
redis.call('HSET', KEYS[2], 'r', rights, 't', now)
if count > 0 then
  redis.call('PUBLISH', KEYS[6], 'b' .. struct.pack('>I8', seq) .. ARGV[2])
end
return {'C', now, epoch, first}
