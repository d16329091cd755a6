-- A beat: renews a worker's lease, notes an outage, and tests whether commits would be taken. Without
-- arguments after the incarnation it only tests: the process is not a worker.
--
-- KEYS: 1 gate, 2 leases, 3 last beat
-- ARGV: 1 incarnation, 2 worker, 3 ttl of its lease (ms), 4 the time without any beat that counts as an
--   outage (µs)
-- Returns when the last outage began and when it ended, the workers that are alive, and those whose
-- lease has run out.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('UNSEEDED')
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local leases, beat = KEYS[2], KEYS[3]

-- Calls every command that a commit or another script uses, so that whatever would be refused there is
-- refused here; what it writes it deletes at once. The first command is a write that needs memory: a
-- full Redis refuses a script only at its first write.
local function try_all()
  local call, key = redis.call, KEYS[3] .. ':try'
  call('SET', key, '', 'PX', 1000)
  call('DEL', key)
  call('GET', key)
  call('PEXPIRE', key, 1000)
  call('PEXPIREAT', key, 1)
  call('HDEL', key, 'a')
  call('HGET', key, 'a')
  call('HMGET', key, 'a')
  call('HGETALL', key)
  call('HKEYS', key)
  call('HEXISTS', key, 'a')
  call('ZREM', key, 'a')
  call('ZSCORE', key, 'a')
  call('ZRANGE', key, 0, -1)
  call('ZRANGEBYSCORE', key, 0, 1)
  call('ZREMRANGEBYSCORE', key, 0, 1)
  call('LTRIM', key, 0, 0)
  call('LRANGE', key, 0, -1)
  call('XRANGE', key, '-', '+')
  call('PUBLISH', key, '')
  call('HSET', key, 'a', 1)
  call('HSETNX', key, 'a', 1)
  call('HINCRBY', key, 'a', 1)
  call('DEL', key)
  call('XADD', key, '1-0', 'a', '')
  call('DEL', key)
  call('ZADD', key, 1, 'a')
  call('DEL', key)
  call('RPUSH', key, '')
  call('DEL', key)
end

try_all()
local worker, ttl = ARGV[2], ARGV[3]
if not worker then
  return redis.status_reply('OK')
end
redis.call('ZADD', leases, now + ttl * 1000, worker)
local last = redis.call('HGET', beat, 'at')
if last and now - last > tonumber(ARGV[4]) then
  redis.call('HSET', beat, 'since', last, 'until', now)
  -- Workers that were alive when the outage began could not renew their leases: they start afresh.
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', leases, last, now + ttl * 1000)) do
    redis.call('ZADD', leases, now + ttl * 1000, other)
  end
end
redis.call('HSET', beat, 'at', now)
-- Kept for a day: longer than any outage that workers wait for.
redis.call('PEXPIRE', beat, 86400000)
redis.call('PEXPIRE', leases, 86400000)
local found, at = redis.call('HMGET', beat, 'since', 'until'), string.format('%.0f', now)
return {
  found[1] or '',
  found[2] or '',
  redis.call('ZRANGEBYSCORE', leases, '(' .. at, '+inf'),
  redis.call('ZRANGEBYSCORE', leases, '-inf', at),
}
