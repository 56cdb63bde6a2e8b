-- release lets go of those keys that are claimed under the token, and wakes
-- who waits for them.
-- ARGV: token, channel
for _, key in ipairs(KEYS) do
  local value = redis.call('GET', key)
  if value and string.sub(value, 1, #ARGV[1]) == ARGV[1] then
    redis.call('DEL', key)
    if #value > #ARGV[1] then redis.call('PUBLISH', ARGV[2], key) end
  end
end
return #KEYS
