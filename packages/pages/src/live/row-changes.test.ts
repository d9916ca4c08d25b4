import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyChange, changeBetween } from './row-changes.js'
import type { PortRow, Rows } from './rows.js'

const port = (number: number, label: string): PortRow => ({
  kind: 'port',
  port: number,
  state: 'out',
  slice: number - (number % 32),
  label,
})

const anyRows = fc
  .array(fc.tuple(fc.integer({ min: 20_000, max: 20_020 }), fc.constantFrom('a', 'b')))
  .map((all): Rows => Object.fromEntries(all.map(([n, label]) => [`port ${n}`, port(n, label)])))

test('a change turns one snapshot into the next, and contains only what differs', () => {
  fc.assert(
    fc.property(anyRows, anyRows, (before, after) => {
      const change = changeBetween(before, after)
      if (!change) {
        expect(before).toEqual(after)
        return
      }
      expect(applyChange(before, change)).toEqual(after)
      for (const [key, row] of Object.entries(change.set)) expect(before[key]).not.toEqual(row)
    }),
  )
})

test('rows that have not changed stay the same objects', () => {
  const before = { 'port 20000': port(20_000, 'a'), 'port 20001': port(20_001, 'a') }
  const after = { 'port 20000': port(20_000, 'a'), 'port 20001': port(20_001, 'b') }
  const change = changeBetween(before, after)
  expect(change && Object.keys(change.set)).toEqual(['port 20001'])
  expect(change && applyChange(before, change)['port 20000']).toBe(before['port 20000'])
})
