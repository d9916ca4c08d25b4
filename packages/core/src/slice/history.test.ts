import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../own-slices.test-support.js'
import { archiveJournal, readWithHistory } from './history.js'
import { parseUses } from './port-uses.js'

function setUp() {
  const directory = temporaryFolder()
  const history = path.join(directory, 'slice-20000.history')
  const journal = path.join(directory, 'slice-20000.ndjson')
  const uses = () => parseUses(readWithHistory(journal, history), 20_000)
  return { directory, history, journal, uses }
}

const take = (label: string) =>
  `${JSON.stringify({ event: 'take', port: 20_000, label, at: label })}\n`

test('keeps the newest journals, and at most about 100 kB of them', () => {
  const { directory, history, uses } = setUp()
  for (let i = 0; i < 2000; i++) {
    const at = new Date(i * 1000).toISOString()
    const line = { event: 'take', port: 20_000, label: `${i} ${'x'.repeat(200)}`, at }
    archiveJournal(history, `${JSON.stringify(line)}\n`)
  }
  const sizes = readdirSync(directory).map((name) => statSync(path.join(directory, name)).size)
  expect(sizes).toHaveLength(2)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(48 * 1024)
  const labels = uses().map(({ label }) => Number.parseInt(label as string, 10))
  expect(labels.length).toBeGreaterThan(150)
  expect(labels).toEqual(labels.map((_, index) => 2000 - labels.length + index))
})

test('the newest lines of a journal that is larger than the history are kept', () => {
  const { history, uses } = setUp()
  const lines = Array.from({ length: 2000 }, (_, i) => take(`number ${i}`))
  archiveJournal(history, lines.join(''))
  expect(statSync(history).size).toBeLessThanOrEqual(48 * 1024)
  expect(uses().at(-1)).toMatchObject({ label: 'number 1999' })
})

test('a torn last line does not swallow the next journal', () => {
  const { history, uses } = setUp()
  archiveJournal(history, `${take('one')}{"event":"ta`)
  archiveJournal(history, take('two'))
  expect(uses().map(({ label }) => label)).toEqual(['one', 'two'])
})

test('a journal that names no port is not kept', () => {
  const { directory, history } = setUp()
  archiveJournal(history, '{"v":1,"event":"lease"}\n{"event":"end"}\n')
  expect(readdirSync(directory)).toEqual([])
})

test('can be read by its owner only, and does not follow a link', () => {
  const { directory, history } = setUp()
  archiveJournal(history, take('one'))
  expect(statSync(history).mode & 0o777).toBe(0o600)
  const [target, link] = ['target', 'link'].map((name) => path.join(directory, name)) as [
    string,
    string,
  ]
  writeFileSync(target, 'untouched')
  symlinkSync(target, link)
  archiveJournal(link, take('one'))
  expect(readFileSync(target, 'utf8')).toBe('untouched')
})
