import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseUses } from './port-uses.js'

const PORT = 20_003
const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString()
const lease = (pid: number, second: number) => ({
  v: 1,
  event: 'lease',
  pid,
  host: 'h',
  runner: 'unit',
  workerId: 1,
  cwd: '/',
  command: 'test',
  at: at(second),
})
const take = (label: string, second: number) => ({
  event: 'take',
  port: PORT,
  label,
  at: at(second),
})
const release = (second: number, leaked?: true) => {
  return { event: 'release', port: PORT, leaked, at: at(second) }
}
const text = (...lines: object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('')
const summary = (journal: string) =>
  parseUses(journal, PORT).map(({ lease, label, since, until, end }) => {
    return [lease?.pid, label, since, until, end]
  })

test('finds who had a port, from hand-out to release', () => {
  const journal = text(
    lease(1, 0),
    take('a', 1),
    { event: 'take', port: PORT + 1, label: 'another', at: at(1) },
    release(2),
    take('b', 3),
    release(4, true),
    lease(2, 5),
    take('c', 6),
  )
  expect(summary(journal)).toEqual([
    [1, 'a', at(1), at(2), 'released'],
    [1, 'b', at(3), at(4), 'leaked'],
    [2, 'c', at(6), undefined, undefined],
  ])
})

test('a use without a release ended with its holder', () => {
  const quarantine = { event: 'quarantine', port: PORT, label: 'a', at: at(1), until: at(39) }
  const journal = text(lease(1, 0), take('a', 1), lease(2, 9), quarantine, take('b', 40))
  expect(parseUses(journal, PORT)).toMatchObject([
    { lease: { pid: 1 }, label: 'a', end: 'died', quarantinedUntil: at(39) },
    { lease: { pid: 2 }, label: 'b' },
  ])
  expect(summary(text(lease(1, 0), take('a', 1), { event: 'end', at: at(2) }))).toEqual([
    [1, 'a', at(1), at(2), 'died'],
  ])
})

test('uses are in the order of the lines, not of their times', () => {
  const journal = text(lease(1, 50), take('first', 50), release(51), lease(2, 0), take('second', 1))
  expect(summary(journal).map(([, label]) => label)).toEqual(['first', 'second'])
})

test('lines that are in the history and in the journal count once', () => {
  const once = text(lease(1, 0), take('a', 1), release(2), take('b', 3))
  const rewritten = text(lease(1, 0), take('b', 3), release(4))
  expect(summary(once + once)).toEqual(summary(once))
  expect(summary(once + rewritten)).toEqual([
    [1, 'a', at(1), at(2), 'released'],
    [1, 'b', at(3), at(4), 'released'],
  ])
})

test('torn, garbled and foreign lines are skipped', () => {
  const journal = text(lease(1, 0), take('a', 1), release(2), take('b', 3))
  const line = fc.oneof(
    fc.string({ unit: 'binary' }).filter((each) => !each.includes('\n')),
    fc.json().map((each) => each.replaceAll('\n', ' ')),
    fc.constantFrom(
      '{"event":"take","port":"20003"}',
      '{"event":"release","port":20003.5}',
      '{"event":"claim","port":20003,"pid":"x"}',
      '{"event":"lease","v":2,"pid":7}',
      '{"event":"take","po',
    ),
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
      const mixed = journal.split('\n').flatMap((row, at) => [row, lines[at] ?? ''])
      expect(summary(mixed.join('\n'))).toEqual(summary(journal))
    }),
  )
})

test('a claim is a separate use', () => {
  const claim = {
    event: 'claim',
    port: PORT,
    pid: 7,
    cwd: '/c',
    command: 'make',
    at: at(1),
    until: at(2),
  }
  expect(parseUses(text(lease(1, 0), claim, take('a', 3), release(4)), PORT)).toMatchObject([
    { claimer: { pid: 7, command: 'make' }, since: at(1), until: at(2), end: 'released' },
    { label: 'a', end: 'released' },
  ])
})
