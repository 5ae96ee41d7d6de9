-- Counts one request of one client, unless it would break a limit, and answers where the client stands.
--
-- KEYS  1 the windows (hash), 2 the places that are taken (sorted set, by when they are given up)
-- ARGV  1 now in microseconds, or nothing, 2 to 4 the limits of minute, day and concurrency, or nothing,
--       5 how long a place is kept in microseconds, 6 the name of this request's place, 7… places given back meanwhile
-- Answers which limit refused (0 none, 1 minute, 2 day, 3 concurrency), now, when the minute opened and what was used
-- of it, the same of the day, and how many requests are under way.

local MINUTE, DAY = 60e6, 86400e6

-- One clock for all instances, whatever theirs show: Redis' own. Only a test, which holds its clock, says what it is.
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1e6 + time[2]
end

-- Whole microseconds: Lua's own way to write a number would round them.
local function exact(micros)
  return string.format('%.0f', micros)
end

local function limit(n)
  return tonumber(ARGV[n]) or math.huge
end

-- A window that is over is as if there were none; so is one that was opened more than its length from now.
local function window(opened, used, length)
  opened = tonumber(opened)
  if not opened or now >= opened + length or now + length < opened then
    return nil, 0
  end
  return opened, tonumber(used)
end

local known = redis.call('HMGET', KEYS[1], 'minute', 'minute_used', 'day', 'day_used')
local minute, minute_used = window(known[1], known[2], MINUTE)
local day, day_used = window(known[3], known[4], DAY)

if #ARGV > 6 then
  redis.call('ZREM', KEYS[2], unpack(ARGV, 7))
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', exact(now))
local under_way = redis.call('ZCARD', KEYS[2])

local refused = 0
if day_used >= limit(3) then
  refused = 2
elseif minute_used >= limit(2) then
  refused = 1
elseif under_way >= limit(4) then
  refused = 3
else
  local kept = tonumber(ARGV[5])
  local opens_day = not day
  minute, day = minute or now, day or now
  minute_used, day_used, under_way = minute_used + 1, day_used + 1, under_way + 1
  redis.call('HSET', KEYS[1], 'minute', exact(minute), 'minute_used', exact(minute_used),
    'day', exact(day), 'day_used', exact(day_used))
  if opens_day then
    -- A minute that opens at the day's very end is over by then, too.
    redis.call('PEXPIRE', KEYS[1], exact((DAY + MINUTE) / 1000))
  end
  redis.call('ZADD', KEYS[2], exact(now + kept), ARGV[6])
  redis.call('PEXPIRE', KEYS[2], exact(math.ceil(kept / 1000)))
end

return { refused, now, minute or now, minute_used, day or now, day_used, under_way }
