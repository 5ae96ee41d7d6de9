-- Keeps the places of requests that are still under way.
--
-- KEYS  1 the places that are taken (sorted set, by when they are given up)
-- ARGV  1 now in microseconds, or nothing, 2 how long a place is kept in microseconds, 3… the places

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1e6 + time[2]
end

local kept = tonumber(ARGV[2])
local renewed = { 'ZADD', KEYS[1], 'XX' }
for n = 3, #ARGV do
  renewed[#renewed + 1] = string.format('%.0f', now + kept)
  renewed[#renewed + 1] = ARGV[n]
end
-- Only what is there: one that was given back a moment ago stays free.
redis.call(unpack(renewed))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil(kept / 1000)))
