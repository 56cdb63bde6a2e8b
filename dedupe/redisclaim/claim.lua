-- claim claims keys, in their order, up to the first that somebody else has,
-- and returns how many it has claimed. Where there is such a one, a mark is
-- left that somebody waits.
-- ARGV: token, time in milliseconds
for i, key in ipairs(KEYS) do
  local value = redis.call('GET', key)
  if not value then
    redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
  elseif string.sub(value, 1, #ARGV[1]) ~= ARGV[1] then -- its own: an answer was lost
    if string.sub(value, -1) ~= '!' then redis.call('APPEND', key, '!') end
    return i - 1
  end
end
return #KEYS
