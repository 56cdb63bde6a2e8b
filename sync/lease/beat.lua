-- beat renews all leases of a member, and gives back what it does not name.
-- ARGV: id, ttl, channel, number of shards, what the member does: willing to
-- take shards, leaving, gone; whether it believes in its leases, the epoch it
-- last heard of, the members it knew then, its leases as "shard:token".
if fresh then return {'unseeded'} end
local shards, does, believes, epoch = tonumber(ARGV[4]), ARGV[5], ARGV[6] == '1', ARGV[7]
local news = false

local will = does == 'willing' and '1' or '0'
local before = state['m:' .. id]
state['m:' .. id] = string.format('%.0f %s', now, will)
census()
if does == 'gone' then
  redis.call('HDEL', key, 'm:' .. id)
else
  redis.call('HSET', key, 'm:' .. id, state['m:' .. id])
end
if not before or string.sub(before, -1) ~= will then news = true end

local awaited = {}
if grace() then
  redis.call('HDEL', key, 'a:' .. id)
  state['a:' .. id] = nil
  if epoch ~= state.epoch and ARGV[8] ~= '' then
    redis.call('HSET', key, 'witness', '1')
    state.witness = '1'
    for member in string.gmatch(ARGV[8], '%S+') do
      if not live[member] then
        redis.call('HSET', key, 'a:' .. member, '1')
        state['a:' .. member] = '1'
      end
    end
  end
  for field in pairs(state) do
    if string.sub(field, 1, 2) == 'a:' then awaited[#awaited + 1] = string.sub(field, 3) end
  end
  if state.witness and #awaited == 0 then
    redis.call('HSET', key, 'until', '0')
    state['until'] = '0'
    news = true
  end
end

local named = {}
for shard, fence in string.gmatch(ARGV[9], '(%d+):(%d+)') do named[shard] = fence end
local lost, open = {}, {}
for n = 0, shards - 1 do
  local shard = tostring(n)
  local fence, by = holder(shard)
  local mine = named[shard]
  if mine and not fence and believes then
    hold(shard, mine, id) -- the data went, and nobody else can have it
    if tonumber(mine) > tonumber(state.fence) then
      state.fence = mine
      redis.call('HSET', key, 'fence', mine)
    end
  elseif not (mine and by == id and fence == mine) then
    if mine then lost[#lost + 1] = shard end
    if by == id then
      hold(shard, fence, '')
      news = true
    end
    if free(shard) then open[#open + 1] = shard end
  end
end

if news then redis.call('PUBLISH', channel, id) end
return {
  'ok', state.epoch, tostring(now - oldest), table.concat(willing, ' '), table.concat(awaited, ' '),
  table.concat(lost, ' '), table.concat(open, ' '),
}
