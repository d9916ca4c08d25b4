import { expect, test } from 'vitest'
import { coloursFor } from './colours.js'
import { columnsOf, lineLimitOf } from './columns.js'

test.each([
  ['a terminal', true, {}, true],
  ['no terminal', false, {}, false],
  ['no terminal, on CI', false, { CI: 'true' }, false],
  ['a terminal with $NO_COLOR', true, { NO_COLOR: '1' }, false],
  ['a terminal with an empty $NO_COLOR', true, { NO_COLOR: '' }, true],
  ['a dumb terminal', true, { TERM: 'dumb' }, false],
  ['no terminal with $FORCE_COLOR', false, { FORCE_COLOR: '1' }, true],
  ['a terminal with $FORCE_COLOR=0', true, { FORCE_COLOR: '0' }, false],
  ['$FORCE_COLOR and $NO_COLOR', false, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
])('colours on %s: %j', (_, isTTY, env, expected) => {
  expect(coloursFor({ isTTY }, env).isColorSupported).toBe(expected)
})

test('the width is $COLUMNS, otherwise that of the terminal, otherwise 80', () => {
  expect(columnsOf({ columns: 100 }, { COLUMNS: '60' })).toBe(60)
  expect(columnsOf({ columns: 100 }, { COLUMNS: 'wide' })).toBe(100)
  expect(columnsOf({ columns: 0 }, {})).toBe(80)
  expect(columnsOf({}, {})).toBe(80)
})

test('a pipe does not limit lines, unless $COLUMNS does', () => {
  expect(lineLimitOf({}, {})).toBe(Number.POSITIVE_INFINITY)
  expect(lineLimitOf({}, { COLUMNS: '60' })).toBe(60)
  expect(lineLimitOf({ isTTY: true, columns: 90 }, {})).toBe(90)
})
