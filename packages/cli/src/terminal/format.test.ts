import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pad, sanitize, truncate, widthOf } from './format.js'

test('sanitized text is one visible line without control characters', () => {
  expect(sanitize('\u001b[2Jred\u009b31m\r\n\u0007')).toBe(
    '\\u001b[2Jred\\u009b31m\\u000d\\u000a\\u0007',
  )
  expect(sanitize('a\u202eb\u200bc')).toBe('a\\u202eb\\u200bc')
  expect(sanitize('Käse 日本 👍')).toBe('Käse 日本 👍')
})

const TEXT = fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'grapheme', maxLength: 60 }))

test('long text is cut to the given columns, and short text stays whole', () => {
  fc.assert(
    fc.property(TEXT, fc.integer({ min: -1, max: 80 }), (text, columns) => {
      const one = sanitize(text)
      const cut = truncate(one, columns)
      expect(widthOf(cut)).toBeLessThanOrEqual(Math.max(0, columns))
      if (widthOf(one) <= columns) expect(cut).toBe(one)
    }),
  )
  expect(truncate('abcdef', 4)).toBe('abc…')
  expect(truncate('日本日本', 4)).toBe('日…')
})

test('the width is that on a terminal', () => {
  expect(widthOf('日本')).toBe(4)
  expect(pad('日本', 6)).toBe('日本  ')
  expect(pad('abc', 2)).toBe('abc')
})
