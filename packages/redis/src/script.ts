/** How long the server keeps the session of a process that does not renew it. */
export const SESSION_MS = 15_000
export const QUARANTINE_MS = 30_000

/**
 * Everything that must be atomic, as one script: who has a port is decided while it runs.
 *
 * A session is a key that expires. A row that is `out` although its owner has no session is that of a
 * dead holder. All keys of a host have one hash tag, so that a cluster keeps them together.
 */
export const SCRIPT = `
local prefix, command, owner = KEYS[1], ARGV[1], ARGV[2]
local input = cjson.decode(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function parse(raw)
  if not raw then return nil end
  local ok, value = pcall(cjson.decode, raw)
  if ok and type(value) == 'table' then return value end
  return nil
end
local function sliceRow(first) return parse(redis.call('HGET', prefix .. ':slices', first)) end
local function portRow(port) return parse(redis.call('HGET', prefix .. ':ports', port)) end
local function write(port, row) redis.call('HSET', prefix .. ':ports', port, cjson.encode(row)) end
local function isAlive(one)
  return type(one) == 'string' and redis.call('EXISTS', prefix .. ':session:' .. one) == 1
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
  -- A time in the future proves nothing: it counts as now.
  if type(row.died) ~= 'number' or row.died > now then
    row.died = now
    write(port, row)
  end
  return math.max(0, ${QUARANTINE_MS} - (now - row.died))
end
local function holderOf(row) return row and type(row.holder) == 'table' and row.holder or nil end
local function answer(value) return cjson.encode(value) end

local server = parse(redis.call('GET', prefix .. ':server'))
local function recovering()
  local till = server and server.recoveringUntil
  if type(till) == 'number' and till > now then return math.min(${QUARANTINE_MS}, till - now) end
  return nil
end

if command == 'open' then
  if not server or server.runId ~= input.runId then
    -- The data may be lost or come from an older snapshot, so earlier holders get time to return.
    local wait = ${QUARANTINE_MS}
    if not server then wait = math.max(0, wait - input.uptimeMs) end
    server = { runId = input.runId, startedAt = now, recoveringUntil = now + wait }
    redis.call('SET', prefix .. ':server', cjson.encode(server))
  end
  redis.call('SET', prefix .. ':session:' .. owner, '1', 'PX', ${SESSION_MS})
  return answer({})
end
if command == 'renew' then
  return answer({ isAlive = redis.call('PEXPIRE', prefix .. ':session:' .. owner, ${SESSION_MS}) == 1 })
end
if command == 'list' then
  local slices, ports = {}, {}
  for _, first in ipairs(redis.call('HKEYS', prefix .. ':slices')) do
    local row = sliceRow(first)
    if row then
      slices[#slices + 1] = { first = tonumber(first), isHeld = isAlive(row.owner), holder = holderOf(row), since = row.since }
    end
  end
  for _, port in ipairs(redis.call('HKEYS', prefix .. ':ports')) do
    local row = portRow(port)
    if row and row.state ~= 'free' then
      local left = leftMs(port, row)
      if row.state == 'out' and not isAlive(row.owner) then
        row.state = 'quarantined'
        left = ${QUARANTINE_MS}
      end
      if row.state ~= 'quarantined' or left > 0 then
        ports[#ports + 1] = { port = tonumber(port), state = row.state, isClaim = row.isClaim, holder = holderOf(row),
          label = row.label, key = row.key, since = row.since, leftMs = left }
      end
    end
  end
  return answer({ slices = slices, ports = ports })
end

if not isAlive(owner) then return answer({ refused = 'lost' }) end

if command == 'hold' then
  local left = recovering()
  if left then return answer({ refused = 'recovering', leftMs = left }) end
  local row = sliceRow(input.first)
  if row and row.owner ~= owner and isAlive(row.owner) then
    return answer({ refused = 'held', holder = holderOf(row) })
  end
  redis.call('HSET', prefix .. ':slices', input.first,
    cjson.encode({ owner = owner, holder = input.holder, since = now }))
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
  return answer({ left = found })
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
  return answer({})
end

if command == 'release' then
  local row = portRow(input.port)
  if not row or row.owner ~= owner or row.state ~= 'out' then return answer({}) end
  note(input.port, input.leaked and 'leak' or 'release', row)
  row.state = input.leaked and 'leaked' or 'free'
  row.since = now
  -- The row of a key is kept, so that the key gets the same port again.
  if row.state == 'free' and not row.key then redis.call('HDEL', prefix .. ':ports', input.port)
  else write(input.port, row) end
  return answer({})
end

if command == 'releaseSlice' then
  local row = sliceRow(input.first)
  if row and row.owner == owner then redis.call('HDEL', prefix .. ':slices', input.first) end
  return answer({})
end

if command == 'resume' then
  local isAfterStart = recovering() ~= nil
  local startedAt = server and server.startedAt or 0
  local slices, ports, kept = {}, {}, {}
  for _, first in ipairs(input.slices) do
    local row = sliceRow(first)
    local isOld = isAfterStart and row and type(row.since) == 'number' and row.since < startedAt
    if not row or row.owner == owner or isOld or not isAlive(row.owner) then
      redis.call('HSET', prefix .. ':slices', first,
        cjson.encode({ owner = owner, holder = input.holder, since = now }))
      slices[#slices + 1] = first
    end
  end
  for _, use in ipairs(input.uses) do
    local row = portRow(use.port)
    local isOld = isAfterStart and row and type(row.since) == 'number' and row.since < startedAt
    local isLost = row and row.owner ~= owner and not isOld and (row.state == 'out' or row.state == 'quarantined')
    if not isLost then
      write(use.port, { state = 'out', owner = owner, holder = input.holder,
        isClaim = row and row.owner == owner and row.isClaim or false,
        label = use.label, key = use.key, projectRoot = use.projectRoot, since = now })
      ports[#ports + 1] = use
      kept[tostring(use.port)] = true
    end
  end
  for _, port in ipairs(redis.call('HKEYS', prefix .. ':ports')) do
    local row = portRow(port)
    if row and row.owner == owner and not kept[port] and (row.state == 'out' or row.state == 'quarantined') then
      redis.call('HDEL', prefix .. ':ports', port)
    end
  end
  return answer({ slices = slices, ports = ports })
end

if command == 'close' then
  redis.call('DEL', prefix .. ':session:' .. owner)
  return answer({})
end
return redis.error_reply('unknown command')
`
