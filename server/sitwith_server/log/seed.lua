-- Incarnations: an instance that is empty, or an older copy, is filled by all who held its rooms,
-- and opens once for everybody.
--
-- KEYS: 1 gate, 2 incarnation, 3 index of rooms, 4 index of tombstones
-- ARGV: 1 operation, 2… its arguments

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local now_ms = math.floor(now / 1000)

local op = {}

-- the server's run id, an id to be used if a new incarnation begins, how long it is offered to (ms)
-- Returns the incarnation's id.
function op.arrive()
  local m = redis.call('HMGET', KEYS[2], 'id', 'run')
  if m[1] and m[2] == ARGV[2] then
    return m[1]
  end
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[2], 'id', ARGV[3], 'run', ARGV[2], 'born', now_ms,
    'until', now_ms + tonumber(ARGV[4]))
  return ARGV[3]
end

-- incarnation
-- Returns 0 once commits may pass, else how long they have to wait (ms), or -1: it is another one.
function op.open()
  local m = redis.call('HMGET', KEYS[2], 'id', 'until')
  if m[1] ~= ARGV[2] then
    return -1
  end
  if redis.call('GET', KEYS[1]) ~= m[1] then
    if now_ms < tonumber(m[2]) then
      return tonumber(m[2]) - now_ms
    end
    redis.call('SET', KEYS[1], m[1])
  end
  return 0
end

return op[ARGV[1]]()
