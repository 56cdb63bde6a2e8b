-- take gives a process one more connection to a host, and one login at it, if
-- all processes together stay within the limits.
-- KEYS: the processes by the end of their time, the connections to the host by
-- process, when its logins are used up.
-- ARGV: id, how many connections it has, how many all may have, the time that a
-- login costs in microseconds, how many may come at once.
-- Returns how many milliseconds to wait before it asks again; 0: it may.
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local id, mine, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local cost, burst = tonumber(ARGV[4]), tonumber(ARGV[5])

local all = mine
local held = redis.call('HGETALL', KEYS[2])
for i = 1, #held, 2 do
  if held[i] ~= id then
    local over = redis.call('ZSCORE', KEYS[1], held[i])
    if over and tonumber(over) * 1000 > now then
      all = all + tonumber(held[i + 1])
    else
      redis.call('HDEL', KEYS[2], held[i]) -- it died with all that it had
    end
  end
end
if all >= limit then
  if mine > 0 then redis.call('HSET', KEYS[2], id, mine) else redis.call('HDEL', KEYS[2], id) end
  return 200
end

local used = tonumber(redis.call('GET', KEYS[3]) or 0)
if used < now then used = now end
local early = used - now - (burst - 1) * cost
if early > 0 then return math.ceil(early / 1000) end
redis.call('SET', KEYS[3], string.format('%.0f', used + cost), 'PX', math.ceil((used + cost - now) / 1000) + 1000)
redis.call('HSET', KEYS[2], id, mine + 1)
return 0
