// What Redis does in one step. A hash under each answer's key holds the answer; one under its name
// the name's mark; one under `told:` and a source the source's mark, and where it was told to. A
// mark is a random text that is new whenever something was lost or has changed.

/** KEYS: answer, name, sources. ARGV: a fresh mark, edition, how long a name's mark lives. */
export const GET = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local marks, told = {ARGV[2]}, {}
for i = 3, #KEYS do
  local source = redis.call('HMGET', KEYS[i], 'mark', 'position')
  if not source[1] then marks = nil break end
  marks[i - 1] = source[1]
  told[i - 2] = tonumber(source[2])
end
local ticket = false
if marks then
  local mark = redis.call('HGET', KEYS[2], 'mark')
  if not mark then
    mark = ARGV[1]
    redis.call('HSET', KEYS[2], 'mark', mark)
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
  end
  marks[#marks + 1] = mark
  ticket = table.concat(marks, ' ')
end
local kept = redis.call('HMGET', KEYS[1], 'value', 'position', 'filled', 'until', 'marks')
if not kept[1] then return {ticket, told} end
local rest = tonumber(kept[4]) - now
local fresh = ticket and kept[5] == ticket and rest > 0
return {ticket, told, fresh and 1 or 0, kept[1], tonumber(kept[2]), now - tonumber(kept[3]), rest}
`

/** KEYS: answer, name. ARGV: ticket's marks, value, position, age, time to live, kept after it. */
export const FILL = `
local mark = redis.call('HGET', KEYS[2], 'mark')
if not mark or string.sub(ARGV[1], -#mark) ~= mark then return 0 end
local kept = redis.call('HMGET', KEYS[1], 'marks', 'position')
if kept[1] == ARGV[1] and tonumber(kept[2]) > tonumber(ARGV[3]) then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'value', ARGV[2], 'position', ARGV[3], 'marks', ARGV[1],
  'filled', string.format('%.0f', now - ARGV[4]), 'until', string.format('%.0f', now + ARGV[5]))
redis.call('PEXPIRE', KEYS[1], ARGV[5] + ARGV[6])
redis.call('PEXPIRE', KEYS[2], ARGV[5] + ARGV[6], 'GT')
return 1
`

/** KEYS: source, changed names. ARGV: fresh mark, from, to, known for, channel, source, names. */
export const TELL = `
local position = tonumber(redis.call('HGET', KEYS[1], 'position') or nil)
local chained = position == tonumber(ARGV[2])
local gap = not chained and (not position or position < tonumber(ARGV[3]))
if gap then redis.call('HSET', KEYS[1], 'mark', ARGV[1]) end
if gap or chained then
  redis.call('HSET', KEYS[1], 'position', ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
for i = 2, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 1 then redis.call('HSET', KEYS[i], 'mark', ARGV[1]) end
end
local told = {gap and 'gap' or 'told', ARGV[6], ARGV[2], ARGV[3], ARGV[7]}
redis.call('PUBLISH', ARGV[5], table.concat(told, '\\n'))
return 1
`

/** KEYS: sources. ARGV: fresh mark, known for, channel, then checkpoint and name of each source. */
export const VOUCH = `
local positions = {}
for i = 1, #KEYS do
  local reached, source = ARGV[2 + 2 * i], ARGV[3 + 2 * i]
  local position = tonumber(redis.call('HGET', KEYS[i], 'position') or nil)
  if not position or position < tonumber(reached) then
    redis.call('HSET', KEYS[i], 'mark', ARGV[1], 'position', reached)
    if position then redis.call('PUBLISH', ARGV[3], 'forgotten\\n' .. source) end
    position = tonumber(reached)
  end
  redis.call('PEXPIRE', KEYS[i], ARGV[2])
  positions[i] = position
end
return positions
`

/** KEYS: sources. ARGV: channel, sources. */
export const FORGET = `
redis.call('DEL', unpack(KEYS))
redis.call('PUBLISH', ARGV[1], 'forgotten\\n' .. ARGV[2])
return 1
`
