import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../own-slices.test-support.js'
import { kernelTime } from '../platform/kernel-time.js'
import {
  type LeaseRecord,
  parseJournal,
  QUARANTINE_MS,
  quarantineAfter,
  readSliceRecord,
} from './slice-record.js'

const lease: LeaseRecord = {
  pid: 1,
  host: 'boot/net:[1]',
  runner: 'vitest',
  workerId: 3,
  cwd: '/home/me/shop/src',
  projectRoot: '/home/me/shop',
  command: 'node',
  at: '2026-01-01T00:00:00.000Z',
}
const LEASE_LINE = JSON.stringify({ v: 1, event: 'lease', ...lease })

const journalFile = () => path.join(temporaryFolder(), 'slice-20000.ndjson')

describe('reading an untrusted journal', () => {
  test('invalid lines are skipped', () => {
    const { lease: found, ports } = parseJournal(
      [
        'garbage',
        '{"v":1,"event":"lease","pid":"one"}',
        '{"v":2,"event":"lease"}',
        LEASE_LINE,
        '[]',
        'null',
        '{"event":"take","port":"20001"}',
        '{"event":"take","port":20001,"label":7,"at":5}',
        '{"event":"dance","port":20002}',
        '{"event":"release"}',
        '{"event":"quarantine","port":20003,"died":"soon"}',
        '{"event":"take","port":20004,"la',
      ].join('\n'),
    )
    expect(found).toEqual(lease)
    expect(ports).toEqual([
      { port: 20_001, state: 'out' },
      { port: 20_003, state: 'quarantined' },
    ])
  })

  test('reading never fails, with any content', () => {
    const line = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record({
          event: fc.constantFrom('take', 'release', 'lease', 'quarantine', 'end', 'key'),
          port: fc.anything(),
          died: fc.anything(),
        })
        .map((entry) => {
          try {
            return JSON.stringify(entry)
          } catch {
            return ''
          }
        }),
    )
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        quarantineAfter(parseJournal(lines.join('\n')), 20_000)
      }),
    )
  })

  test('no link is followed, and a directory or a pipe is not a journal', () => {
    const folder = temporaryFolder()
    const real = path.join(folder, 'real')
    writeFileSync(real, LEASE_LINE)
    symlinkSync(real, path.join(folder, 'link'))
    mkdirSync(path.join(folder, 'folder'))
    execFileSync('mkfifo', [path.join(folder, 'pipe')])
    for (const name of ['link', 'folder', 'pipe', 'missing']) {
      expect(readSliceRecord(path.join(folder, name))).toBeUndefined()
    }
    expect(readSliceRecord(real)).toBeDefined()
  })

  test('only the beginning of a huge file is read', () => {
    const file = journalFile()
    writeFileSync(file, `${LEASE_LINE}\n`)
    truncateSync(file, 2 ** 31) // A sparse file: two gigabytes of zeros.
    expect(readSliceRecord(file)).toMatchObject({ lease, ports: [] })
  })

  test('deep nesting is a line like any other', () => {
    const file = journalFile()
    const nested = `{"event":"take","port":${'['.repeat(500_000)}`
    writeFileSync(file, `${nested}\n{"event":"take","port":20001}\n`)
    expect(readSliceRecord(file)?.ports).toMatchObject([{ port: 20_001 }])
  })
})

describe('the ports that a journal leaves in quarantine', () => {
  const out = (port: number) => ({ port, state: 'out' as const })
  const now = kernelTime()
  const secondsAgo = (seconds: number) => ({
    ...now,
    monotonic: (now.monotonic as number) - seconds * 1000,
    ...(now.uptime !== undefined && { uptime: now.uptime - seconds * 1000 }),
  })

  test('those that are out, for 30 s from now', () => {
    expect(quarantineAfter({ ports: [out(20_001)] }, 20_000, now)).toMatchObject([
      { port: 20_001, died: now, leftMs: QUARANTINE_MS },
    ])
  })

  test('for the remaining time, if the death or the end was recorded', () => {
    const ended = secondsAgo(10)
    const ports = [
      out(20_001),
      { port: 20_002, state: 'quarantined' as const, died: secondsAgo(20) },
      { port: 20_003, state: 'quarantined' as const, died: secondsAgo(31) },
    ]
    const left = quarantineAfter({ ports, ended }, 20_000, now).map((each) => [
      each.port,
      each.leftMs,
    ])
    expect(left).toEqual([
      [20_001, QUARANTINE_MS - 10_000],
      [20_002, QUARANTINE_MS - 20_000],
    ])
  })

  test('for the full time, if one of the counts disagrees or another kernel has counted', () => {
    for (const died of [
      { ...secondsAgo(60), clock: 'another boot' },
      { ...secondsAgo(60), clock: '' },
      { ...secondsAgo(60), monotonic: now.monotonic as number },
      { ...secondsAgo(60), monotonic: (now.monotonic as number) + 86_400_000 },
    ]) {
      const ports = [{ port: 20_001, state: 'quarantined' as const, died }]
      expect(quarantineAfter({ ports }, 20_000, now)).toMatchObject([{ leftMs: QUARANTINE_MS }])
    }
  })

  test('not leaked ports, and not ports outside of the slice', () => {
    const ports = [{ port: 20_001, state: 'leaked' as const }, ...[20_031, 19_999, 1e9].map(out)]
    expect(quarantineAfter({ ports }, 20_000, now)).toEqual([])
  })

  test('with the run of the dead holder, so that its descendants are recognised', () => {
    const run = { startedAt: '4711', pidNamespace: 'pid:[1]' }
    const [left] = quarantineAfter({ ports: [out(20_001)], lease: { ...lease, ...run } }, 20_000)
    expect(left).toMatchObject(run)
  })
})
