import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../own-slices.test-support.js'
import { type JournalLease, QUARANTINE, quarantineAfter, readJournal, replay } from './journal.js'
import { JournalWriter } from './journal-writer.js'
import { KeptKeys } from './kept-keys.js'

const lease: JournalLease = {
  pid: 1,
  host: 'boot/net:[1]',
  runner: 'vitest',
  workerId: 3,
  cwd: '/home/me',
  command: 'node',
  at: '2026-01-01T00:00:00.000Z',
}

function writer(file: string, quarantined = new Map(), keys = new KeptKeys()) {
  const journal = new JournalWriter({
    path: file,
    head: { lease, quarantined, keys },
    prepare: () => {},
    onTrouble: (error) => {
      throw error
    },
  })
  journal.startAnew()
  return journal
}

const journalFile = () => path.join(temporaryFolder(), 'slice-20000.ndjson')

describe('a journal', () => {
  test('reads as it was written', () => {
    const file = journalFile()
    const journal = writer(file)
    journal.take(20_001, { label: 'api' })
    journal.take(20_002, { label: 'web', key: 'k' })
    journal.take(20_003, {})
    journal.release(20_001, false)
    journal.release(20_003, true)
    journal.close()
    expect(readJournal(file)).toMatchObject({
      lease,
      ports: [
        { port: 20_002, state: 'out', label: 'web', key: 'k' },
        { port: 20_003, state: 'leaked' },
      ],
    })
  })

  test('is only for its owner to read', () => {
    const file = journalFile()
    writer(file).close()
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('is written anew before it grows large, and loses nothing that counts', () => {
    const file = journalFile()
    const until = Date.now() + QUARANTINE
    const journal = writer(file, new Map([[20_030, { port: 20_030, until, key: 'old' }]]))
    journal.take(20_005, { label: 'stays' })
    let largest = 0
    for (let i = 0; i < 5000; i++) {
      journal.take(20_001, { label: `a label of some length, number ${i}` })
      journal.release(20_001, false)
      if (i % 100 === 0) largest = Math.max(largest, statSync(file).size)
    }
    expect(largest).toBeLessThan(50 * 1024)
    expect(readJournal(file)).toMatchObject({
      lease,
      ports: [
        { port: 20_030, state: 'quarantined', key: 'old' },
        { port: 20_005, state: 'out', label: 'stays' },
      ],
    })
    journal.close()
  })

  test('keeps what the keys had last, also of holders before', () => {
    const file = journalFile()
    const keys = new KeptKeys([
      [20_001, 'one'],
      [20_002, 'two'],
    ])
    const journal = writer(file, new Map(), keys)
    const take = (port: number, key?: string) => {
      keys.taken(port, key)
      journal.take(port, { key })
    }
    take(20_003, 'three')
    journal.release(20_003, false)
    take(20_002) // Now it is nobody's.
    take(20_004, 'one') // Its port of before is in use, perhaps.
    const kept = [
      [20_003, 'three'],
      [20_004, 'one'],
    ]
    expect([...(readJournal(file)?.keys ?? [])].toSorted()).toEqual(kept)
    journal.startAnew()
    expect([...(readJournal(file)?.keys ?? [])].toSorted()).toEqual(kept)
    journal.close()
  })

  test('is made again when its file has been deleted', () => {
    const file = journalFile()
    const journal = writer(file)
    journal.take(20_001, {})
    execFileSync('rm', [file])
    journal.take(20_002, {})
    expect(readJournal(file)?.ports.map(({ port }) => port)).toEqual([20_001, 20_002])
    journal.close()
  })
})

describe('reading with distrust', () => {
  test('lines that make no sense are skipped', () => {
    const { lease: found, ports } = replay(
      [
        'garbage',
        '{"v":1,"event":"lease","pid":"one"}',
        '{"v":2,"event":"lease"}',
        JSON.stringify({ v: 1, event: 'lease', ...lease }),
        '[]',
        'null',
        '{"event":"take","port":"20001"}',
        '{"event":"take","port":20001,"label":7,"at":5}',
        '{"event":"dance","port":20002}',
        '{"event":"release"}',
        '{"event":"quarantine","port":20003,"until":"soon"}',
        '{"event":"take","port":20004,"la',
      ].join('\n'),
    )
    expect(found).toEqual(lease)
    expect(ports).toEqual([{ port: 20_001, state: 'out' }])
  })

  test('whatever stands there, reading never fails', () => {
    const line = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record({
          event: fc.constantFrom('take', 'release', 'lease', 'quarantine'),
          port: fc.anything(),
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
        const { ports } = replay(lines.join('\n'))
        quarantineAfter({ ports, changedAt: 0 }, 20_000, 0)
      }),
    )
  })

  test('no link is followed, and a folder or a pipe is no journal', () => {
    const folder = temporaryFolder()
    const real = path.join(folder, 'real')
    writer(real).close()
    symlinkSync(real, path.join(folder, 'link'))
    mkdirSync(path.join(folder, 'folder'))
    execFileSync('mkfifo', [path.join(folder, 'pipe')])
    for (const name of ['link', 'folder', 'pipe', 'missing']) {
      expect(readJournal(path.join(folder, name))).toBeUndefined()
    }
    expect(readJournal(real)).toBeDefined()
  })

  test('of a huge file only the beginning is read', () => {
    const file = journalFile()
    writeFileSync(file, `${JSON.stringify({ v: 1, event: 'lease', ...lease })}\n`)
    truncateSync(file, 2 ** 31) // A sparse file: two gigabytes of zeros.
    expect(readJournal(file)).toMatchObject({ lease, ports: [] })
  })

  test('deep nesting is a line like any other', () => {
    const file = journalFile()
    writeFileSync(
      file,
      `{"event":"take","port":${'['.repeat(500_000)}\n{"event":"take","port":20001}\n`,
    )
    expect(readJournal(file)?.ports).toMatchObject([{ port: 20_001 }])
  })
})

describe('quarantine', () => {
  const journal = (ports: object[], changedAt = 1_000_000) => ({
    ports: ports as never,
    changedAt,
  })

  test('lasts until 30 s after the last change of the journal', () => {
    const left = journal([{ port: 20_001, state: 'out', since: 0, key: 'k' }])
    expect(quarantineAfter(left, 20_000, 1_000_500)).toEqual([
      { port: 20_001, until: 1_030_000, key: 'k' },
    ])
    expect(quarantineAfter(left, 20_000, 1_030_000)).toEqual([])
  })

  test('is handed on with its own end, not begun again', () => {
    const left = journal([{ port: 20_001, state: 'quarantined', since: 0, until: 1_001_000 }])
    expect(quarantineAfter(left, 20_000, 1_000_500)).toEqual([{ port: 20_001, until: 1_001_000 }])
  })

  test('never lasts longer than 30 s from now, however the clock has jumped', () => {
    const future = journal([{ port: 20_001, state: 'out', since: 0 }], 9_000_000)
    expect(quarantineAfter(future, 20_000, 1_000_000)).toEqual([
      { port: 20_001, until: 1_000_000 + QUARANTINE },
    ])
  })

  test('leaves out leaked ports, and ports that are not of the slice', () => {
    const left = journal([
      { port: 20_001, state: 'leaked', since: 0 },
      { port: 20_031, state: 'out', since: 0 },
      { port: 19_999, state: 'out', since: 0 },
      { port: 1e9, state: 'out', since: 0 },
    ])
    expect(quarantineAfter(left, 20_000, 1_000_000)).toEqual([])
  })
})

test('every line is JSON with an event', () => {
  const file = journalFile()
  const journal = writer(file)
  journal.take(20_001, { label: 'two\nlines, "quotes" and \u001b[31mcolour' })
  journal.close()
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line).event)).toEqual(['lease', 'take'])
})
