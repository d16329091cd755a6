-- Everything of a room that isn't a commit, by the name of the operation.
--
-- KEYS: 1 gate, 2 the prefix of the room's keys, 3 index of rooms (also the channel that tells of
--   them), 4 index of tombstones, 5 leases
-- ARGV: 1 incarnation, 2 operation, 3 room, 4 entries to keep of a stream, 5… its arguments

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('UNSEEDED')
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local room = KEYS[2]
local meta = room .. 'meta'
local heads = room .. 'heads'
local a, b, c = ARGV[5], ARGV[6], ARGV[7]
lie_in_pieces(ARGV[4])

local function alive()
  return redis.call('HGET', meta, 'x')
end

-- Tells all of a new record, and returns what it is told by: epoch, version, expiry in ms.
local function tell(record)
  local m = redis.call('HMGET', meta, 'f', 'v', 'x')
  redis.call('PUBLISH', KEYS[3], 'r' .. struct.pack('>I8I8I8I4', m[1], m[2], m[3], #ARGV[3])
    .. ARGV[3] .. record)
  return {tonumber(m[1]), tonumber(m[2]), tonumber(m[3])}
end

-- An index lives as long as its last member.
local function into(index, score, member)
  redis.call('ZADD', index, score, member)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
  local last = redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')[2]
  if last then
    redis.call('PEXPIREAT', index, math.ceil(tonumber(last) / 1000))
  end
end

local function is_ended()
  local until_ = redis.call('ZSCORE', KEYS[4], ARGV[3])
  return until_ and tonumber(until_) > now
end

local function pieces_of(stream)
  return room .. 's:' .. stream .. ':'
end

local function head_of(stream)
  local head = redis.call('HGET', heads, stream)
  return head and struct.unpack('>I8', head, 9) or 0
end

local op = {}

-- record, ttl in ms
function op.create()
  if is_ended() or alive() then
    return false
  end
  local expires = math.floor(now / 1000) + tonumber(b)
  redis.call('HSET', meta, 'f', 1, 'r', 0, 't', 0, 'v', 1, 'x', expires, 'rec', a)
  redis.call('HSET', heads, 'room', struct.pack('>I8I8I8', 1, 0, 0))
  redis.call('PEXPIREAT', meta, expires)
  redis.call('PEXPIREAT', heads, expires)
  into(KEYS[3], expires * 1000, ARGV[3])
  return tell(a)
end

function op.record()
  return redis.call('HGET', meta, 'rec')
end

function op.put_record()
  if not alive() then
    return false
  end
  redis.call('HSET', meta, 'rec', a)
  redis.call('HINCRBY', meta, 'v', 1)
  return tell(a)
end

-- the key's field
function op.outcome()
  if not alive() then
    return false
  end
  local at = math.max(now, tonumber(redis.call('HGET', meta, 't')))
  local bucket = math.floor(at / 600000000)
  return redis.call('HGET', room .. 'o:' .. bucket, a)
    or redis.call('HGET', room .. 'o:' .. (bucket - 1), a)
end

-- stream, after, limit. Returns "E" and entries, or "T" and the lowest seq that can be read. Where
-- nobody could tell a new instance of some entries, they end before those.
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

function op.heads()
  local m = redis.call('HMGET', meta, 'f', 'r')
  if not m[1] then
    return false
  end
  return {tonumber(m[1]), tonumber(m[2]), redis.call('HGETALL', heads)}
end

-- stream, seqs with commas, blob. What is so already is left as it is: every worker asks for it.
function op.blank()
  local gone, pieces = {}, {}
  for word in string.gmatch(b, '[^,]+') do
    local seq = tonumber(word)
    if seq >= 1 then
      gone[seq .. '-0'], pieces[piece_of(seq)] = true, true
    end
  end
  for piece in pairs(pieces) do
    local key, found = pieces_of(a) .. piece, false
    local all = redis.call('XRANGE', key, '-', '+')
    for _, entry in ipairs(all) do
      if gone[entry[1]] and entry[2][4] ~= c then
        entry[2][4], found = c, true
      end
    end
    if found then
      redis.call('DEL', key)
      for _, entry in ipairs(all) do
        redis.call('XADD', key, entry[1], 'm', entry[2][2], 'b', entry[2][4])
      end
      redis.call('PEXPIREAT', key, alive())
    end
  end
end

function op.drop()
  drop_pieces(pieces_of(a), head_of(a))
end

-- position, blob
function op.put_snapshot()
  if not alive() then
    return
  end
  local kept = redis.call('HGET', meta, 'sp')
  if not kept or struct.unpack('>I8', kept, 9) <= struct.unpack('>I8', a, 9) then
    redis.call('HSET', meta, 'sp', a, 'sb', b)
  end
end

function op.snapshot()
  return redis.call('HMGET', meta, 'sp', 'sb')
end

-- name of a piece, bytes
-- Of a file, whose pieces are there before its name is. Returns 0 if there is no room.
function op.put_piece()
  local expires = alive()
  if not expires then
    return 0
  end
  redis.call('HSET', room .. 'pieces', a, b)
  redis.call('PEXPIREAT', room .. 'pieces', expires)
  return 1
end

-- name, count of pieces
function op.put_file()
  local expires = alive()
  if not expires then
    return 0
  end
  redis.call('HSET', room .. 'files', a, b)
  redis.call('PEXPIREAT', room .. 'files', expires)
  return 1
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

-- names
function op.drop_files()
  local gone = {}
  for n = 4, #ARGV do
    gone[ARGV[n]] = true
    redis.call('HDEL', room .. 'files', ARGV[n])
  end
  for _, piece in ipairs(redis.call('HKEYS', room .. 'pieces')) do
    if gone[string.match(piece, '^[^:]*')] then
      redis.call('HDEL', room .. 'pieces', piece)
    end
  end
end

-- ttl in ms
op['end'] = function()
  local until_ = now + tonumber(a) * 1000
  into(KEYS[4], until_, ARGV[3])
  for _, stream in ipairs(redis.call('HKEYS', heads)) do
    drop_pieces(pieces_of(stream), head_of(stream))
  end
  local bucket = math.floor(math.max(now, tonumber(redis.call('HGET', meta, 't') or 0)) / 600000000)
  redis.call('DEL', meta, heads, room .. 'o:' .. bucket, room .. 'o:' .. (bucket - 1),
    room .. 'files', room .. 'pieces')
  redis.call('ZREM', KEYS[3], ARGV[3])
  local ttl = redis.call('GET', room .. 'trail_ttl')
  if ttl then
    redis.call('PEXPIRE', room .. 'trail', ttl)
    redis.call('PEXPIRE', room .. 'trail_ttl', ttl)
  end
  redis.call('PUBLISH', KEYS[3], 'z' .. struct.pack('>I8', until_) .. ARGV[3])
end

function op.ended()
  return is_ended() and 1 or 0
end

function op.rooms()
  return redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. string.format('%.0f', now), '+inf')
end

-- workers
function op.living()
  local found = {}
  for n = 5, #ARGV do
    local until_ = redis.call('ZSCORE', KEYS[5], ARGV[n])
    if until_ and tonumber(until_) > now then
      found[#found + 1] = ARGV[n]
    end
  end
  return found
end

-- blob, ttl in ms, entries to keep
function op.audit()
  local trail, kept = room .. 'trail', room .. 'trail_ttl'
  redis.call('RPUSH', trail, a)
  redis.call('LTRIM', trail, -tonumber(c), -1)
  redis.call('SET', kept, b)
  local until_ = (tonumber(alive() or math.floor(now / 1000))) + tonumber(b)
  redis.call('PEXPIREAT', trail, until_)
  redis.call('PEXPIREAT', kept, until_)
end

function op.read_audit()
  return redis.call('LRANGE', room .. 'trail', 0, -1)
end

function op.drop_audit()
  redis.call('DEL', room .. 'trail', room .. 'trail_ttl')
end

return op[ARGV[2]]()
