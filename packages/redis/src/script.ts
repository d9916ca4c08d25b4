import { QUARANTINE_MS } from '@portslice/core/internal'

/** How long the server keeps the session of a process that does not renew it. */
export const SESSION_MS = 15_000

/**
 * One script does everything that must be atomic: it decides who has a port.
 *
 * All rows of a host are fields of one hash, so that they are lost together or not at all. A session is a key
 * that expires. Its value consists of the epoch of the data and the token of the connection that opened it. So
 * the session is dead once the data is lost, and a late command of an earlier connection changes nothing. If a
 * row is `out` and its owner has no session, the holder of the port is dead.
 */
export const SCRIPT = `
local prefix, command, owner, token = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local input = cjson.decode(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function parse(raw)
  if not raw then return nil end
  local ok, value = pcall(cjson.decode, raw)
  if ok and type(value) == 'table' then return value end
  return nil
end
local function get(field) return parse(redis.call('HGET', prefix, field)) end
local function set(field, row) redis.call('HSET', prefix, field, cjson.encode(row)) end
local function sliceRow(first) return get('slice:' .. first) end
local function portRow(port) return get('port:' .. port) end
local function write(port, row) set('port:' .. port, row) end
local server = get('server')
if server and type(server.epoch) ~= 'string' then server = nil end
local function sessionKey(one) return prefix .. ':session:' .. one end
local function isAlive(one)
  if not server or type(one) ~= 'string' then return false end
  local value = redis.call('GET', sessionKey(one))
  return value and string.sub(value, 1, #server.epoch) == server.epoch or false
end
local function isOwn()
  return server and redis.call('GET', sessionKey(owner)) == server.epoch .. ' ' .. token
end
local function note(port, event, row)
  local key = prefix .. ':history:' .. port
  redis.call('LPUSH', key, cjson.encode({ event = event, at = now, label = row.label, holder = row.holder }))
  redis.call('LTRIM', key, 0, 49)
  redis.call('EXPIRE', key, 604800)
end
local function quarantine(port, row)
  row.state = 'quarantined'
  row.died = now
  write(port, row)
  note(port, 'quarantine', row)
end
local function leftMs(port, row)
  if row.state ~= 'quarantined' then return 0 end
  -- A death in the future counts as now.
  if type(row.died) ~= 'number' or row.died > now then
    row.died = now
    write(port, row)
  end
  return math.max(0, ${QUARANTINE_MS} - (now - row.died))
end
local function holderOf(row) return row and type(row.holder) == 'table' and row.holder or nil end
local function answer(value) return cjson.encode(value) end

local function recovering()
  local left = server and type(server.recoveringUntil) == 'number' and server.recoveringUntil - now or 0
  if left > ${QUARANTINE_MS} then
    -- The clock of the server was set back.
    left = ${QUARANTINE_MS}
    server.recoveringUntil = now + left
    set('server', server)
  end
  return left > 0 and left or nil
end

if command == 'open' then
  if not server or server.identity ~= input.identity then
    -- The data is new, lost, or from an older snapshot, so earlier holders get time to return.
    server = { identity = input.identity, epoch = token, startedAt = now, recoveringUntil = now + ${QUARANTINE_MS} }
    set('server', server)
  end
  redis.call('SET', sessionKey(owner), server.epoch .. ' ' .. token, 'PX', ${SESSION_MS})
  return answer({ at = now })
end
if command == 'list' then
  local slices, ports = {}, {}
  local fields = redis.call('HGETALL', prefix)
  for i = 1, #fields, 2 do
    local kind, number = string.match(fields[i], '^(%a+):(%d+)$')
    local row = parse(fields[i + 1])
    if row and kind == 'slice' then
      slices[#slices + 1] = { first = tonumber(number), isHeld = isAlive(row.owner), holder = holderOf(row), since = row.since }
    elseif row and kind == 'port' and row.state ~= 'free' then
      local left = leftMs(number, row)
      if row.state == 'out' and not isAlive(row.owner) then
        row.state = 'quarantined'
        left = ${QUARANTINE_MS}
      end
      if row.state ~= 'quarantined' or left > 0 then
        ports[#ports + 1] = { port = tonumber(number), state = row.state, isClaim = row.isClaim, holder = holderOf(row),
          label = row.label, key = row.key, since = row.since, leftMs = left }
      end
    end
  end
  return answer({ slices = slices, ports = ports })
end

if not isOwn() then return answer({ refused = 'lost', isEnded = true }) end

if command == 'renew' then
  redis.call('PEXPIRE', sessionKey(owner), ${SESSION_MS})
  return answer({ at = now })
end

if command == 'hold' then
  local left = recovering()
  if left then return answer({ refused = 'recovering', leftMs = left }) end
  local row = sliceRow(input.first)
  if row and row.owner ~= owner and isAlive(row.owner) then
    return answer({ refused = 'held', holder = holderOf(row) })
  end
  set('slice:' .. input.first, { owner = owner, holder = input.holder, since = now })
  local found = {}
  for port = input.first, input.first + 30 do
    local each = portRow(port)
    if each then
      if each.state == 'out' and each.owner ~= owner and not isAlive(each.owner) then quarantine(port, each) end
      local ms = leftMs(port, each)
      if ms > 0 or each.key then
        found[#found + 1] = { port = port, label = each.label, key = each.key, projectRoot = each.projectRoot, leftMs = ms }
      end
    end
  end
  return answer({ left = found, at = now })
end

if command == 'take' then
  local left = recovering()
  if left then return answer({ refused = 'recovering', leftMs = left }) end
  if input.slice then
    local row = sliceRow(input.slice)
    if not row or row.owner ~= owner then return answer({ refused = 'lost' }) end
  end
  for _, use in ipairs(input.uses) do
    local row = portRow(use.port)
    if row and row.state == 'out' then
      if row.owner == owner or isAlive(row.owner) then
        return answer({ refused = 'held', port = use.port, holder = holderOf(row) })
      end
      quarantine(use.port, row)
    end
    if row and row.state == 'quarantined' then
      local ms = leftMs(use.port, row)
      local isSameKey = type(row.key) == 'string' and string.sub(row.key, 1, 6) ~= 'named:'
        and row.key == use.key and row.projectRoot == use.projectRoot
      if ms > 0 and not isSameKey then
        return answer({ refused = 'quarantined', port = use.port, leftMs = ms })
      end
    end
  end
  for _, use in ipairs(input.uses) do
    local row = { state = 'out', owner = owner, holder = input.holder, isClaim = not input.slice,
      label = use.label, key = use.key, projectRoot = use.projectRoot, since = now }
    write(use.port, row)
    note(use.port, 'take', row)
  end
  return answer({ at = now })
end

if command == 'release' then
  local row = portRow(input.port)
  if not row or row.owner ~= owner or row.state ~= 'out' then return answer({}) end
  note(input.port, input.leaked and 'leak' or 'release', row)
  row.state = input.leaked and 'leaked' or 'free'
  row.since = now
  -- The row of a key is kept, so that the key gets the same port again.
  if row.state == 'free' and not row.key then redis.call('HDEL', prefix, 'port:' .. input.port)
  else write(input.port, row) end
  return answer({})
end

if command == 'releaseSlice' then
  local row = sliceRow(input.first)
  if row and row.owner == owner then redis.call('HDEL', prefix, 'slice:' .. input.first) end
  return answer({})
end

if command == 'resume' then
  local isAfterStart = recovering() ~= nil
  -- Whether another process wrote the row while this owner was alive, and held the slice or port.
  local function isStale(row)
    return isAfterStart and type(row.since) == 'number' and row.since < server.startedAt
      and type(input.seenAt) == 'number' and row.since <= input.seenAt
  end
  local slices, ports, kept = {}, {}, {}
  for _, first in ipairs(input.slices) do
    local row = sliceRow(first)
    -- After a start, an owner that is not alive may return as well.
    if not row or row.owner == owner or isStale(row) or not (isAfterStart or isAlive(row.owner)) then
      set('slice:' .. first, { owner = owner, holder = input.holder, since = now })
      slices[#slices + 1] = first
    end
  end
  for _, use in ipairs(input.uses) do
    local row = portRow(use.port)
    local isLost = row and row.owner ~= owner and not isStale(row) and (row.state == 'out' or row.state == 'quarantined')
    if not isLost then
      write(use.port, { state = 'out', owner = owner, holder = input.holder,
        isClaim = row and row.owner == owner and row.isClaim or false,
        label = use.label, key = use.key, projectRoot = use.projectRoot, since = now })
      ports[#ports + 1] = use
      kept['port:' .. use.port] = true
    end
  end
  local fields = redis.call('HGETALL', prefix)
  for i = 1, #fields, 2 do
    local row = string.sub(fields[i], 1, 5) == 'port:' and not kept[fields[i]] and parse(fields[i + 1])
    if row and row.owner == owner and (row.state == 'out' or row.state == 'quarantined') then
      redis.call('HDEL', prefix, fields[i])
    end
  end
  return answer({ slices = slices, ports = ports, at = now })
end

if command == 'close' then
  redis.call('DEL', sessionKey(owner))
  return answer({})
end
return redis.error_reply('unknown command')
`
