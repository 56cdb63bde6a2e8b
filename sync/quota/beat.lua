-- beat says that a process is there.
-- KEYS: the processes by the end of their time. ARGV: id, its time in milliseconds.
-- Returns whether it was known, and how many there are.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local known = redis.call('ZSCORE', KEYS[1], ARGV[1]) and 1 or 0
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return {known, redis.call('ZCARD', KEYS[1])}
