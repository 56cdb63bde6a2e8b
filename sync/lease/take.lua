-- take takes those shards that are free, each under a token of its own.
-- ARGV: id, ttl, channel, number, the shards
if fresh then return {'unseeded'} end
census()
if not live[id] then return {'absent'} end
remember(string.match(state['m:' .. id], '^(%d+) (%d)'))
local taken, fence = {}, tonumber(state.fence)
for shard in string.gmatch(ARGV[5], '%d+') do
  local _, by = holder(shard)
  if by == id or free(shard) then -- its own: the answer to an earlier take was lost
    fence = fence + 1
    hold(shard, string.format('%.0f', fence), id)
    table.insert(taken, shard .. ':' .. string.format('%.0f', fence))
  end
end
redis.call('HSET', key, 'fence', string.format('%.0f', fence))
return {'ok', table.concat(taken, ' ')}
