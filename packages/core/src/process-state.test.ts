import { afterEach, expect, test, vi } from 'vitest'
import { sharedAllocator } from './allocator/shared-allocator.js'
import { namedPort } from './api/named-port.js'
import { releasePort, takePort } from './api/take-port.js'
import { PortsliceError } from './errors.js'

afterEach(() => {
  vi.unstubAllEnvs()
})

const invalid = expect.objectContaining({ code: 'ERR_PORTSLICE_OPTION_INVALID' })

test('takePort uses one allocator a process, also when the package is loaded again', async () => {
  const ports = await Promise.all([takePort(), takePort(), takePort()])
  vi.resetModules()
  const copy = await import('./api/take-port.js')
  expect(copy.takePort).not.toBe(takePort)
  ports.push(await copy.takePort())
  expect(new Set(ports.map((port) => port >> 5)).size).toBe(1)
  expect(new Set(ports).size).toBe(4)
  for (const port of ports) expect(await copy.releasePort(port)).toEqual({ leaked: false })
})

test('releasePort refuses a port that is not out', async () => {
  const port = await takePort()
  await releasePort(port)
  await expect(releasePort(port)).rejects.toEqual(invalid)
  await expect(releasePort('80' as never)).rejects.toEqual(invalid)
})

test('a port that was taken twice by its key is released twice', async () => {
  const [one, two] = [await takePort({ key: 'unit' }), await takePort({ key: 'unit' })]
  expect(one).toBe(two)
  await releasePort(one)
  expect(await takePort()).not.toBe(one)
  await releasePort(one)
  await expect(releasePort(one)).rejects.toEqual(invalid)
})

test('the process has one listener, however often the package is loaded', async () => {
  const before = process.listenerCount('exit')
  for (let copies = 0; copies < 12; copies++) {
    vi.resetModules()
    const { createAllocator } = await import('./allocator/allocator.js')
    await (await createAllocator()).close()
  }
  // In each copy, proper-lockfile adds another listener. The build bundles it without that listener.
  const { exitTasks } = await import('./process-state.js')
  expect(process.listeners('exit').filter((each) => each === exitTasks().listener)).toHaveLength(1)
  expect(process.listenerCount('exit')).toBeGreaterThanOrEqual(before)
})

test('a shared allocator that failed to open is opened again', async () => {
  vi.stubEnv('PORTSLICE_RANGE', 'nonsense')
  await expect(sharedAllocator({ waitTimeout: 1234 })).rejects.toBeInstanceOf(PortsliceError)
  vi.stubEnv('PORTSLICE_RANGE', undefined)
  const [one, two] = await Promise.all([
    sharedAllocator({ waitTimeout: 1234 }),
    sharedAllocator({ waitTimeout: 1234 }),
  ])
  expect(one).toBe(two)
  await one.close()
  expect(await sharedAllocator({ waitTimeout: 1234 })).not.toBe(one)
})

test('namedPort leases a number once, and hands it to descendants', async () => {
  const [one, two] = await Promise.all([namedPort('unit-web'), namedPort('Unit_Web')])
  expect(one).toBe(two)
  expect(process.env.PORTSLICE_PORT_UNIT_WEB).toBe(String(one))
  expect(await namedPort('unit-api')).not.toBe(one)
})

test('namedPort takes over what an ancestor has leased', async () => {
  vi.stubEnv('PORTSLICE_PORT_INHERITED', '23456')
  expect(await namedPort('inherited')).toBe(23_456)
})

test.each(['', 'a b', '1st', '../x', 'A=B', 'x'.repeat(65), 'ä', 7, undefined])(
  'namedPort(%j) is refused, and no variable is set',
  async (name) => {
    const before = Object.keys(process.env).length
    await expect(namedPort(name as string)).rejects.toEqual(invalid)
    expect(Object.keys(process.env)).toHaveLength(before)
  },
)

test.each(['80', 'abc', '70000', '-1', '3000.5'])('an inherited %j is refused', async (text) => {
  vi.stubEnv('PORTSLICE_PORT_BROKEN', text)
  await expect(namedPort('broken')).rejects.toMatchObject({
    code: 'ERR_PORTSLICE_OPTION_INVALID',
    message: expect.stringContaining('$PORTSLICE_PORT_BROKEN'),
  })
})
