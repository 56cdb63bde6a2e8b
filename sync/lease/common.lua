-- What every script begins with. One hash holds everything, so that either all
-- of it is there or nothing:
--
--   run      the server process that wrote it; another one may have lost what
--            this one acknowledged (a restart, a replica that took over)
--   epoch    names the time since the data were last known to be complete
--   until    when leases may be taken freely after data went: before that,
--            somebody may still believe in a lease that nobody else knows of
--   early    before that, no word of anybody ends "until": somebody may have
--            taken a lease just before the data went, unknown to all others
--   witness  1 once somebody has told whom to wait for
--   fence    the last token
--   m:ID     a member: its heartbeat, 1 where it is willing to take shards, and
--            the number of its last request
--   a:ID     a member that is waited for before "until"
--   s:N      a shard: the token it was last taken under, and its holder
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local info = redis.pcall('INFO', 'server') -- not everybody may ask
local run = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or 'unknown'

local key, id, ttl, channel, number = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local state = {}
local flat = redis.call('HGETALL', key)
for i = 1, #flat, 2 do state[flat[i]] = flat[i + 1] end

local fresh = state.run ~= run

-- A request that was held up on its way would undo what a later one has done.
local last = string.match(state['m:' .. id] or '', '(%d+)$')
if last and tonumber(number) < tonumber(last) then return {'late'} end

local function remember(beat, will)
  state['m:' .. id] = string.format('%.0f %s %s', beat, will, number)
  redis.call('HSET', key, 'm:' .. id, state['m:' .. id])
end

local live, willing, others, oldest = {}, {}, {}, now
local function census()
  for field, value in pairs(state) do
    local member = string.match(field, '^m:(.*)')
    if member then
      local beat, will = string.match(value, '^(%d+) (%d)')
      beat = tonumber(beat)
      if beat + ttl <= now then
        redis.call('HDEL', key, field)
      else
        live[member] = true
        table.insert(will == '1' and willing or others, member)
        if member ~= id and beat < oldest then oldest = beat end
      end
    end
  end
end

local function grace() return tonumber(state['until']) > now end

-- holder returns a shard's token and holder; nothing where nobody has had it
-- in this epoch.
local function holder(shard) return string.match(state['s:' .. shard] or '', '^(%d+) (%S*)$') end

local function hold(shard, fence, by)
  state['s:' .. shard] = fence .. ' ' .. by
  redis.call('HSET', key, 's:' .. shard, fence .. ' ' .. by)
end

-- free tells whether a shard can be taken.
local function free(shard)
  local fence, by = holder(shard)
  if not fence then return not grace() end
  return by == '' or not live[by]
end

