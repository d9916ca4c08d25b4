import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fitted, padded, shown, widthOf } from './text.js'

test('nothing of a text is obeyed by the terminal: it stays one line, and visible', () => {
  expect(shown('\u001b[2Jred\u009b31m\r\n\u0007')).toBe(
    '\\u001b[2Jred\\u009b31m\\u000d\\u000a\\u0007',
  )
  expect(shown('a\u202eb\u200bc')).toBe('a\\u202eb\\u200bc')
  expect(shown('Käse 日本 👍')).toBe('Käse 日本 👍')
})

const TEXT = fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'grapheme', maxLength: 60 }))

test('a text that is cut has the columns that it was given, and one that is short stays whole', () => {
  fc.assert(
    fc.property(TEXT, fc.integer({ min: -1, max: 80 }), (text, columns) => {
      const one = shown(text)
      const cut = fitted(one, columns)
      expect(widthOf(cut)).toBeLessThanOrEqual(Math.max(0, columns))
      if (widthOf(one) <= columns) expect(cut).toBe(one)
    }),
  )
  expect(fitted('abcdef', 4)).toBe('abc…')
  expect(fitted('日本日本', 4)).toBe('日…')
})

test('columns are counted as terminals draw them', () => {
  expect(widthOf('日本')).toBe(4)
  expect(padded('日本', 6)).toBe('日本  ')
  expect(padded('abc', 2)).toBe('abc')
})
