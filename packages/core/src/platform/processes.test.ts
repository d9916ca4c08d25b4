import { expect, test } from 'vitest'
import { slowCommandOutput } from './command-output.js'
import { listWithPs } from './processes.ps.js'
import { listWithPowerShell } from './processes.windows.js'

test('ps of macOS: the start is a number of seconds', async () => {
  const MAC = `    1     0 Wed Nov 26 00:00:00 2025
  501     1 Wed Nov 26 08:15:30 2025
`
  expect(await listWithPs(async () => MAC)).toEqual([
    { pid: 1, parent: 0, startedAt: '1764115200' },
    { pid: 501, parent: 1, startedAt: '1764144930' },
  ])
})

test('a start that cannot be read is unknown', async () => {
  expect(await listWithPs(async () => '7 1 -\n8 1\n')).toEqual([
    { pid: 7, parent: 1, startedAt: '' },
    { pid: 8, parent: 1, startedAt: '' },
  ])
})

test('the ps of this machine lists this process, with its start', async (context) => {
  const version = await slowCommandOutput('ps', ['-A', '-o', 'pid=,ppid=,lstart='])
  if (process.platform === 'win32' || version === undefined) context.skip('There is no such ps.')
  const [own] = ((await listWithPs()) ?? []).filter(({ pid }) => pid === process.pid)
  expect(own?.parent).toBe(process.ppid)
  const started = Date.now() / 1000 - process.uptime()
  expect(Math.abs(Number(own?.startedAt) - started)).toBeLessThan(60)
})

test('PowerShell of Windows: the idle process has no start', async () => {
  const asked: string[][] = []
  const WINDOWS = '0 0 \r\n4 0 134085312000000000\r\n4711 4 134085312500000001\r\n'
  const found = await listWithPowerShell(async (file, args) => {
    asked.push([file, ...args])
    return WINDOWS
  })
  expect(found).toEqual([
    { pid: 0, parent: 0, startedAt: '' },
    { pid: 4, parent: 0, startedAt: '134085312000000000' },
    { pid: 4711, parent: 4, startedAt: '134085312500000001' },
  ])
  expect(asked[0]?.[0]).toMatch(/^[A-Z]:\\.*\\System32\\WindowsPowerShell\\v1\.0\\powershell\.exe$/)
  expect(asked[0]?.at(-1)).not.toContain('"')
})

test('nothing is listed without such a tool, or if it says nothing', async () => {
  expect(await listWithPowerShell(async () => undefined)).toBeUndefined()
  expect(await listWithPs(async () => '\n')).toBeUndefined()
  expect(await slowCommandOutput('/no/such/tool', [])).toBeUndefined()
})
