-- beat renews all leases of a member, and gives back what it does not name.
-- ARGV: id, ttl, channel, number, how many shards there are, what the member does: willing to
-- take shards, leaving, gone; until when it believes in its leases, by this
-- server's clock (a request may be held up on its way for longer than they
-- stand), the epoch it last heard of, the members it knew then, its leases as
-- "shard:token".
if fresh then return {'unseeded'} end
local shards, does, believes, epoch = tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7]) > now, ARGV[8]

local will = does == 'willing' and '1' or '0'
local before = string.match(state['m:' .. id] or '', ' (%d) ')
remember(now, will)
census()
if does == 'gone' then redis.call('HDEL', key, 'm:' .. id) end
local news = before ~= will and 'members'

local whole = '1' -- all that may hold something are among those named in the answer
if grace() then
  redis.call('HDEL', key, 'a:' .. id)
  state['a:' .. id] = nil
  if epoch ~= state.epoch and ARGV[9] ~= '' then
    redis.call('HSET', key, 'witness', '1')
    state.witness = '1'
    for member in string.gmatch(ARGV[9], '%S+') do
      if not live[member] then
        redis.call('HSET', key, 'a:' .. member, '1')
        state['a:' .. member] = '1'
      end
    end
  end
  whole = state.witness or '0'
  local complete = state.witness
  for field in pairs(state) do
    local awaited = string.match(field, '^a:(.*)')
    if awaited then
      table.insert(others, awaited)
      complete = nil
    end
  end
  if complete and tonumber(state['until']) > tonumber(state.early) then
    redis.call('HSET', key, 'until', state.early)
    state['until'] = state.early
    news = 'members'
  end
end

local named = {}
for shard, fence in string.gmatch(ARGV[10], '(%d+):(%d+)') do named[shard] = fence end
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
    if mine then table.insert(lost, shard) end
    if by == id then
      hold(shard, fence, '')
      news = news or 'free'
    end
    if free(shard) then table.insert(open, shard) end
  end
end

if news then redis.call('PUBLISH', channel, news .. ' ' .. id) end
return {
  'ok', string.format('%.0f', now), state.epoch, whole, tostring(now - oldest), table.concat(willing, ' '), table.concat(others, ' '),
  table.concat(lost, ' '), table.concat(open, ' '),
}
