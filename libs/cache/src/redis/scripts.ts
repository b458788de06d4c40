/** Every script reads the server's own clock, in milliseconds: gateways' clocks need not agree. */
const NOW = `local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
`;

/** The decision of `takeAt` (gcra.ts). KEYS: bucket. ARGV: perMinute, burst, cost. Answers allowed, ms until full. */
export const TAKE = `${NOW}
local each = 60000 / ARGV[1]
local from = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local next = from + ARGV[3] * each
if next - now - ARGV[2] * each > 0.001 then return {0, string.format('%.3f', from - now)} end
if next > now then redis.call('SET', KEYS[1], string.format('%.3f', next), 'PX', math.ceil(next - now)) end
return {1, string.format('%.3f', next - now)}`;

/** KEYS: a sorted set of members by the time their lease lapses. ARGV: member, max, ttl. Answers granted, held, again. */
export const ACQUIRE = `${NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local held = redis.call('ZCARD', KEYS[1])
local again = redis.call('ZSCORE', KEYS[1], ARGV[1]) and 1 or 0
if again == 0 then
  if held >= tonumber(ARGV[2]) then return {0, held, 0} end
  held = held + 1
end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return {1, held, again}`;

/** KEYS: the set. ARGV: ttl, members. */
export const RENEW = `${NOW}
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i]) end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return #ARGV - 1`;

/** KEYS: the counter. ARGV: n, floor, ttl. Answers the total as text: beyond 2^31 a script's numbers are cut. */
export const ADD = `
local total = string.format('%.0f', math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), tonumber(ARGV[2])) + ARGV[1])
redis.call('SET', KEYS[1], total, 'PX', ARGV[3])
return total`;

/** KEYS: state, answer. ARGV: ttl of a claim. Answers new, running, duplicate, or the answer. */
export const CLAIM = `
local state = redis.call('GET', KEYS[1])
if not state then
  redis.call('SET', KEYS[1], 'running', 'PX', ARGV[1])
  return {'new'}
end
if state == 'running' then return {'running'} end
local answer = redis.call('GET', KEYS[2])
if answer then return {'answered', answer} end
return {'duplicate'}`;

/** KEYS: state, answer. ARGV: the answer, how long it is replayed, how long the id counts as used. */
export const ANSWER = `
redis.call('SET', KEYS[1], 'answered', 'PX', ARGV[3])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1`;

/** KEYS: state. */
export const ABANDON = `if redis.call('GET', KEYS[1]) == 'running' then return redis.call('DEL', KEYS[1]) end
return 0`;
