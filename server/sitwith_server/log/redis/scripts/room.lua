-- All operations on one room or many except commits, by name.
--
-- KEYS: 1 gate, 2 the prefix of the room's keys, 3 leases
-- ARGV: 1 incarnation, 2 operation, 3 entries to keep of a stream, 4… its arguments

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('UNSEEDED')
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local room, leases = KEYS[2], KEYS[3]
local meta = room .. 'meta'
local heads = room .. 'heads'
local a, b, c = ARGV[4], ARGV[5], ARGV[6]
set_piece_size(ARGV[3])

local function alive()
  return redis.call('HGET', meta, 'x')
end

-- If the clock was set back, the room's last commit may lie in the future: its time counts then.
local function keys()
  return room_keys(room, math.max(now, tonumber(redis.call('HGET', meta, 't') or 0)))
end

local function pieces_of(stream)
  return room .. 's:' .. stream .. ':'
end

local function head_of(stream)
  local head = redis.call('HGET', heads, stream)
  return head and struct.unpack('>I8', head, 9) or 0
end

local function shard(n)
  return 'sw:{' .. n .. '}:'
end

local op = {}

-- Args: record, the room's last moment (ms). Returns its epoch, version and last moment.
function op.create()
  local here = keys()
  if here.is_ended() or alive() then
    return false
  end
  -- At least one ms ahead: a key that expires in the past would be gone within this script.
  local last = math.max(tonumber(b), math.floor(now / 1000) + 1)
  redis.call('HSET', meta, 'f', 1, 'r', 0, 't', 0, 'v', 1, 'x', last, 'rec', a)
  redis.call('HSET', heads, 'room', struct.pack('>I8I8I8', 1, 0, 0))
  redis.call('PEXPIREAT', meta, last)
  redis.call('PEXPIREAT', heads, last)
  here.set_due((last - LINGER) * 1000)
  here.enlist(last)
  here.tell()
  return {1, 1, last}
end

function op.record()
  return redis.call('HGET', meta, 'rec')
end

-- Args: the key's field.
function op.outcome()
  if not alive() then
    return false
  end
  local at = math.max(now, tonumber(redis.call('HGET', meta, 't')))
  local bucket = math.floor(at / 600000000)
  return redis.call('HGET', room .. 'o:' .. bucket, a)
    or redis.call('HGET', room .. 'o:' .. (bucket - 1), a)
end

-- Args: stream, after, limit. Returns "E" and entries, or "T" and the lowest seq that can be read. Where
-- a re-seed could not restore some entries, the result ends before them.
function op.read()
  local last, next_, limit = head_of(a), tonumber(b) + 1, tonumber(c)
  local read = {}
  for piece = math.max(lowest_of(last), piece_of(next_)), piece_of(last) do
    for _, entry in ipairs(redis.call('XRANGE', pieces_of(a) .. piece, next_, '+', 'COUNT', limit)) do
      local seq = entry_seq(entry)
      if seq ~= next_ then
        return read[1] and {'E', read} or {'T', seq}
      end
      read[#read + 1] = entry
      next_, limit = seq + 1, limit - 1
    end
    if limit == 0 then
      break
    end
  end
  return (read[1] or next_ > last) and {'E', read} or {'T', last + 1}
end

local function heads_of(prefix)
  local m = redis.call('HMGET', prefix .. 'meta', 'f', 'r')
  if not m[1] then
    return false
  end
  return {tonumber(m[1]), tonumber(m[2]), redis.call('HGETALL', prefix .. 'heads')}
end

function op.heads()
  return heads_of(room)
end

function op.snapshot()
  return redis.call('HMGET', meta, 'sp', 'sb')
end

-- Stores a piece of a file, or its name once all pieces are stored. All belong to one life of the room;
-- the first piece has life -1 for any. Returns the life, or -1 if there is no room or it has forgotten
-- since.
local function put(hash, name, what, life)
  local m = redis.call('HMGET', meta, 'x', 'f')
  if not m[1] or (tonumber(life) >= 0 and tonumber(life) ~= life_of(m[2])) then
    return -1
  end
  redis.call('HSET', room .. hash, name, what)
  redis.call('PEXPIREAT', room .. hash, m[1])
  return life_of(m[2])
end

-- Args: name of a piece, bytes, life.
function op.put_piece()
  return put('pieces', a, b, c)
end

-- Args: name, count of pieces, life.
function op.put_file()
  return put('files', a, b, c)
end

function op.file()
  return redis.call('HGET', room .. 'files', a)
end

function op.piece()
  return redis.call('HGET', room .. 'pieces', a)
end

function op.files()
  return redis.call('HKEYS', room .. 'files')
end

-- Args: names.
function op.drop_files()
  local gone = {}
  for n = 4, #ARGV do
    gone[ARGV[n]] = true
  end
  keys().drop_files(gone)
end

op['end'] = function()
  -- A full Redis refuses a script only at its first write: DEL is never refused, so the end is not.
  redis.call('DEL', room .. 'full')
  keys().finish(now + TOMBSTONE)
end

function op.ended()
  return keys().is_ended() and 1 or 0
end

-- Args: blob, ttl (ms), entries to keep.
function op.audit()
  keys().audit(a, tonumber(b), tonumber(c))
end

function op.read_audit()
  return redis.call('LRANGE', room .. 'trail', 0, -1)
end

function op.drop_audit()
  -- A write that a full Redis refuses: no trail is deleted while nothing can be committed.
  redis.call('SET', room .. 'full', '', 'PX', 1)
  redis.call('DEL', room .. 'trail', room .. 'trail_ttl')
end

-- --- many rooms: named by the prefix of their keys, or by their quoted ids in an index -----------

-- Args: prefixes. Returns for each the control stream's head and the sum of all heads' numbers (8
-- bytes), "" if there is no room.
function op.progress()
  local found = {}
  for n = 4, #ARGV do
    local all = redis.call('HEXISTS', ARGV[n] .. 'meta', 'f') == 1
      and redis.call('HGETALL', ARGV[n] .. 'heads') or {}
    local head, count = '', 0
    for k = 1, #all, 2 do
      count = count + struct.unpack('>I8', all[k + 1], 9)
      if all[k] == 'room' then
        head = all[k + 1]
      end
    end
    found[#found + 1] = head ~= '' and head .. struct.pack('>I8', count) or ''
  end
  return found
end

-- Args: prefixes.
function op.many_heads()
  local found = {}
  for n = 4, #ARGV do
    found[#found + 1] = heads_of(ARGV[n])
  end
  return found
end

-- Args: prefixes. Returns for each its epoch, version, last moment and record, or nils.
function op.records()
  local found = {}
  for n = 4, #ARGV do
    found[#found + 1] = redis.call('HMGET', ARGV[n] .. 'meta', 'f', 'v', 'x', 'rec')
  end
  return found
end

-- Args: a shard. Returns its rooms, and its ended rooms with until when each is remembered.
function op.index()
  return {
    redis.call('ZRANGE', shard(a) .. 'rooms', 0, -1),
    redis.call('ZRANGE', shard(a) .. 'tombs', 0, -1, 'WITHSCORES'),
  }
end

-- Args: first and last shard.
function op.rooms()
  local found = {}
  for n = a, b do
    local from = '(' .. string.format('%.0f', now)
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', shard(n) .. 'rooms', from, '+inf')) do
      found[#found + 1] = id
    end
  end
  return found
end

-- Args: how late (µs), for how long each is given to no other caller (µs), how many at most.
function op.due()
  local found, late, claim, limit = {}, now - a, now + b, tonumber(c)
  for n = 0, SHARDS - 1 do
    local index = shard(n)
    local due = redis.call('ZRANGEBYSCORE', index .. 'due', '-inf', late, 'LIMIT', 0, limit - #found)
    for _, id in ipairs(due) do
      local prefix = index .. id .. ':'
      if redis.call('HGET', prefix .. 'meta', 'f') then
        redis.call('ZADD', index .. 'due', claim, id)
        found[#found + 1] = id
      else
        room_keys(prefix, now).delist()
      end
    end
    if #found >= limit then
      break
    end
  end
  return found
end

-- Args: first and last shard, how many at most, workers.
function op.orphans()
  local found, limit, wanted = {}, tonumber(c), {}
  for n = 7, #ARGV do
    wanted[ARGV[n]] = true
  end
  local function has(packed)
    local at = 1
    while at <= #packed do
      local length = struct.unpack('>I2', packed, at)
      if wanted[string.sub(packed, at + 2, at + 1 + length)] then
        return true
      end
      at = at + 2 + length
    end
  end
  for n = a, b do
    local index = shard(n)
    local all = redis.call('HGETALL', index .. 'at')
    for m = 1, #all, 2 do
      if #found < limit and has(all[m + 1]) and redis.call('HGET', index .. all[m] .. ':meta', 'f') then
        found[#found + 1] = all[m]
      end
    end
  end
  return found
end

-- --- workers -------------------------------------------------------------------------------------

-- Args: workers.
function op.living()
  local found = {}
  for n = 4, #ARGV do
    local till = redis.call('ZSCORE', leases, ARGV[n])
    if till and tonumber(till) > now then
      found[#found + 1] = ARGV[n]
    end
  end
  return found
end

-- Args: a worker that has lapsed.
function op.drop_lapsed()
  local till = redis.call('ZSCORE', leases, a)
  if till and tonumber(till) <= now then
    redis.call('ZREM', leases, a)
  end
end

return op[ARGV[2]]()
