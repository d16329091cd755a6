-- The keys of a room other than its entries, and the indexes of its shard; their names follow from the
-- prefix of the room's keys. Stands before each script but that of a plain commit, which would pay for
-- every function made here.
--
-- The indexes name rooms by their quoted ids: `rooms` has each room's last moment (µs, with LINGER),
-- `due` when it is next due (µs), `tombs` until when an ended room is remembered (µs), `at` the workers
-- with connections in it.
--
-- room: prefix of the room's keys. now: µs.

local SHARDS, LIFE = 256, 16777216

local function life_of(epoch)
  return math.floor(epoch / LIFE)
end

local function next_life(epoch)
  return (life_of(epoch) + 1) * LIFE + 1
end

-- The lowest piece that a stream with this head may have.
local function lowest_of(head)
  return math.max(0, piece_of(head) - BEHIND)
end

-- stream: prefix of the keys of its pieces
local function drop_pieces(stream, head)
  for piece = lowest_of(head), piece_of(head) do
    redis.call('DEL', stream .. piece)
  end
end

local function entry_seq(found)
  return tonumber(string.match(found[1], '^%d+'))
end

local function room_keys(room, now)
  local call, pack, unpack_ = redis.call, struct.pack, struct.unpack
  local shard, id = string.match(room, '^(sw:{%d+}:)(.*):$')
  local meta, heads = room .. 'meta', room .. 'heads'
  local keys = {}

  -- Adds to an index, which expires with its last member.
  local function into(index, score, member)
    call('ZADD', index, score, member)
    call('ZREMRANGEBYSCORE', index, '-inf', now)
    local last = call('ZRANGE', index, -1, -1, 'WITHSCORES')[2]
    if last then
      call('PEXPIREAT', index, math.ceil(tonumber(last) / 1000))
    end
  end

  -- Makes another index expire with the index of rooms.
  local function bound(index)
    local last = call('ZRANGE', shard .. 'rooms', -1, -1, 'WITHSCORES')[2]
    if last then
      call('PEXPIREAT', index, math.ceil(tonumber(last) / 1000))
    end
  end

  local function each_piece(act)
    local all = call('HGETALL', heads)
    for n = 1, #all, 2 do
      local stream, head = room .. 's:' .. all[n] .. ':', unpack_('>I8', all[n + 1], 9)
      for piece = lowest_of(head), piece_of(head) do
        act(stream .. piece)
      end
    end
  end

  local function each_bucket(act)
    local bucket = math.floor(now / 600000000)
    for n = bucket - 2, bucket do
      act(room .. 'o:' .. n, (n + 2) * 600000 + 1000)
    end
  end

  function keys.enlist(expires)
    into(shard .. 'rooms', expires * 1000, id)
    bound(shard .. 'due')
    bound(shard .. 'at')
  end

  function keys.set_due(at)
    if call('ZADD', shard .. 'due', at, id) == 1 then
      bound(shard .. 'due')
    end
  end

  function keys.is_due()
    return call('ZSCORE', shard .. 'due', id)
  end

  -- packed: for each worker the length of its id (2 bytes) and the id
  function keys.set_workers(packed)
    if packed == '' then
      call('HDEL', shard .. 'at', id)
    elseif call('HSET', shard .. 'at', id, packed) == 1 then
      bound(shard .. 'at')
    end
  end

  function keys.delist()
    call('ZREM', shard .. 'rooms', id)
    call('ZREM', shard .. 'due', id)
    call('HDEL', shard .. 'at', id)
  end

  function keys.bury(till)
    into(shard .. 'tombs', till, id)
  end

  function keys.is_ended()
    local till = call('ZSCORE', shard .. 'tombs', id)
    return till and tonumber(till) > now
  end

  -- Publishes the record as it is now.
  function keys.tell()
    local m = call('HMGET', meta, 'f', 'v', 'x', 'rec')
    call('PUBLISH', shard .. 'rooms', 'r' .. pack('>I8I8I8I2', m[1], m[2], m[3], #id) .. id .. m[4])
    return m
  end

  -- Lets everything of the room expire at `at` (ms).
  function keys.expire(at)
    local function move(key)
      call('PEXPIREAT', key, at)
    end
    call('HSET', meta, 'x', at)
    each_piece(move)
    each_bucket(function(key, till)
      call('PEXPIREAT', key, math.min(at, till))
    end)
    for _, key in ipairs({meta, heads, room .. 'files', room .. 'pieces'}) do
      move(key)
    end
    local ttl = call('GET', room .. 'trail_ttl')
    if ttl then
      call('PEXPIREAT', room .. 'trail', at + ttl)
      call('PEXPIREAT', room .. 'trail_ttl', at + ttl)
    end
    keys.enlist(at)
  end

  -- Deletes everything but the record and the index entries.
  function keys.forget()
    each_piece(function(key)
      call('DEL', key)
    end)
    each_bucket(function(key)
      call('DEL', key)
    end)
    call('DEL', heads, room .. 'files', room .. 'pieces')
    call('HDEL', meta, 'sp', 'sb', 'b')
    for _, field in ipairs(call('HKEYS', meta)) do
      if string.sub(field, 1, 2) == 'p:' then
        call('HDEL', meta, field)
      end
    end
  end

  -- Deletes the room. till: until when it is remembered (µs)
  function keys.finish(till)
    keys.forget()
    call('DEL', meta)
    keys.delist()
    keys.bury(till)
    local ttl = call('GET', room .. 'trail_ttl')
    if ttl then
      call('PEXPIRE', room .. 'trail', ttl)
      call('PEXPIRE', room .. 'trail_ttl', ttl)
    end
    call('PUBLISH', shard .. 'rooms', 'z' .. pack('>I8', till) .. id)
  end

  function keys.drop_files(gone)
    for name in pairs(gone) do
      call('HDEL', room .. 'files', name)
    end
    for _, piece in ipairs(call('HKEYS', room .. 'pieces')) do
      if gone[string.match(piece, '^[^:]*')] then
        call('HDEL', room .. 'pieces', piece)
      end
    end
  end

  -- ttl: ms. kept: entries to keep
  function keys.audit(blob, ttl, kept)
    local trail, known = room .. 'trail', room .. 'trail_ttl'
    call('RPUSH', trail, blob)
    call('LTRIM', trail, -kept, -1)
    call('SET', known, ttl)
    local till = (call('HGET', meta, 'x') or math.floor(now / 1000)) + ttl
    call('PEXPIREAT', trail, till)
    call('PEXPIREAT', known, till)
  end

  -- Blanks entries of one piece. A piece that is already blanked is not rewritten: the request may be
  -- a repetition.
  local function blank_piece(key, gone, blob, expires)
    local all, found = call('XRANGE', key, '-', '+'), false
    for _, entry in ipairs(all) do
      if gone[entry[1]] and entry[2][4] ~= blob then
        entry[2][4], found = blob, true
      end
    end
    if found then
      call('DEL', key)
      for _, entry in ipairs(all) do
        call('XADD', key, entry[1], 'm', entry[2][2], 'b', entry[2][4])
      end
      call('PEXPIREAT', key, expires)
    end
  end

  -- packed: for each blank the length of the stream's name (2 bytes) and the name, how many numbers (4)
  -- and those (8 each), the length of the blob (4) and the blob
  function keys.blank(packed, expires)
    local at = 1
    while at <= #packed do
      local length = unpack_('>I2', packed, at)
      local stream = room .. 's:' .. string.sub(packed, at + 2, at + 1 + length) .. ':'
      at = at + 2 + length
      local gone, pieces, count = {}, {}, unpack_('>I4', packed, at)
      for n = 0, count - 1 do
        local seq = unpack_('>i8', packed, at + 4 + 8 * n)
        if seq >= 1 then
          gone[string.format('%.0f-0', seq)], pieces[piece_of(seq)] = true, true
        end
      end
      at = at + 4 + 8 * count
      length = unpack_('>I4', packed, at)
      local blob = string.sub(packed, at + 4, at + 3 + length)
      at = at + 4 + length
      for piece in pairs(pieces) do
        blank_piece(stream .. piece, gone, blob, expires)
      end
    end
  end

  return keys
end

