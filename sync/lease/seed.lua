-- seed begins an epoch where the data are gone or may be incomplete.
-- ARGV: id, ttl, channel, number, the highest token that anybody knows of
if not fresh then return {'ok'} end
local highest = math.max(tonumber(ARGV[5]), tonumber(state.fence or 0))
local wait, early = 0, 0
if highest > 0 then
  -- Tokens that were given out and never written down are passed over, and
  -- those who hold leases come first.
  highest = highest + 1048576
  wait, early = now + ttl, now + math.floor(ttl / 10)
end
redis.call('DEL', key)
redis.call('HSET', key, 'run', run, 'epoch', now .. '-' .. id, 'until', wait, 'early', early, 'fence', string.format('%.0f', highest))
return {'ok'}
