import { expect, test } from 'vitest'
import { sliceOfJournal } from './slice-paths.js'

test('a journal is known by its name', () => {
  expect(sliceOfJournal('slice-20000.ndjson')).toBe(20_000)
  for (const name of [
    'slice-20000.lock',
    'slice-20000.ndjson.new',
    'slice-.ndjson',
    'slice-1234567.ndjson',
  ]) {
    expect(sliceOfJournal(name)).toBeUndefined()
  }
})
