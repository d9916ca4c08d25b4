import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { slicesIn } from '../slice/layout.js'
import { checkAllocatorOptions, checkTakeOptions } from './options.js'
import { rangeFromEnvironment, validateRange } from './range.js'

const refused = (code: string, ...parts: string[]) =>
  expect.objectContaining({
    code: `ERR_PORTSLICE_${code}`,
    message: expect.stringMatching(
      parts.map((part) => part.replaceAll(/[$()[\]|.]/g, '\\$&')).join('[\\s\\S]*'),
    ),
  })

describe('allocator options', () => {
  test.each([
    [{}],
    [{ range: [20_000, 29_999] as const, workerId: 1, waitTimeout: 0 }],
    [{ lockDirectory: false as const }],
    [{ range: undefined, shard: { index: 4, total: 4 }, order: 'random' as const }],
  ])('%j are accepted', (options) => {
    expect(() => checkAllocatorOptions(options)).not.toThrow()
  })

  test.each([
    [null, 'OPTION_INVALID', 'null'],
    [[1, 2], 'OPTION_INVALID', '[1,2]'],
    [{ rnage: [1, 2] }, 'OPTION_INVALID', 'rnage'],
    [{ constructor: 1 }, 'OPTION_INVALID', 'constructor'],
    [{ workerId: 0 }, 'OPTION_INVALID', 'workerId'],
    [{ workerId: 1.5 }, 'OPTION_INVALID', '1.5'],
    [{ waitTimeout: -1 }, 'OPTION_INVALID', 'waitTimeout'],
    [{ waitTimeout: Number.POSITIVE_INFINITY }, 'OPTION_INVALID', 'waitTimeout'],
    [{ waitTimeout: Number.NaN }, 'OPTION_INVALID', 'waitTimeout'],
    [{ waitTimeout: '10' }, 'OPTION_INVALID', '"10"'],
    [{ order: 'shuffled' }, 'OPTION_INVALID', 'shuffled'],
    [{ timeWaitGuard: true }, 'OPTION_INVALID', 'timeWaitGuard'],
    [{ lockDirectory: '' }, 'OPTION_INVALID', 'lockDirectory'],
    [{ lockDirectory: true }, 'OPTION_INVALID', 'or false to do without files'],
    [{ lockDirectory: 'a\0b' }, 'OPTION_INVALID', 'lockDirectory'],
    [{ shard: { index: 5, total: 4 } }, 'SHARD_INVALID', 'shard'],
    [{ shard: {} }, 'SHARD_INVALID', 'shard'],
    [{ shard: '2/4' }, 'SHARD_INVALID', 'shard'],
    [{ range: [20_010, 20_020] }, 'RANGE_INVALID', 'no complete slice'],
    [{ range: [30_000, 20_000] }, 'RANGE_INVALID', 'before it starts'],
    [{ range: [80, 2000] }, 'RANGE_INVALID', '1024'],
    [{ range: [60_000, 70_000] }, 'RANGE_INVALID', '65535'],
    [{ range: [20_000] }, 'RANGE_INVALID', 'two integers'],
    [{ range: '20000-29999' }, 'RANGE_INVALID', '20000-29999'],
    [{ range: null }, 'RANGE_INVALID', 'null'],
  ])('%j are refused with %s', (options, code, part) => {
    expect(() => checkAllocatorOptions(options)).toThrow(refused(code, part))
  })
})

describe('take options', () => {
  test.each([
    [{ label: 1 }],
    [{ label: 'x'.repeat(2000) }],
    [{ key: '' }],
    [{ releaseWhenClosed: 'yes' }],
    [{ signal: {} }],
    [{ signal: null }],
    [{ lable: 'api' }],
    ['api'],
  ])('%j are refused', (options) => {
    expect(() => checkTakeOptions(options)).toThrow(refused('OPTION_INVALID'))
  })

  test('accepts an AbortSignal of another realm', () => {
    const foreign = { aborted: false, addEventListener() {}, removeEventListener() {} }
    expect(() => checkTakeOptions({ signal: foreign })).not.toThrow()
  })
})

describe('$PORTSLICE_RANGE', () => {
  test('is read as first-last', () => {
    expect(rangeFromEnvironment({ PORTSLICE_RANGE: '20000-29999' })).toEqual({
      first: 20_000,
      last: 29_999,
    })
    expect(rangeFromEnvironment({ PORTSLICE_RANGE: ' 20000 - 29999 ' })).toEqual({
      first: 20_000,
      last: 29_999,
    })
    expect(rangeFromEnvironment({})).toBeUndefined()
  })

  test.each(['abc', '20000', '20000-', '20000:29999', '1-9', '20000-20001', '99999-100000'])(
    'refuses %j and names the variable',
    (text) => {
      expect(() => rangeFromEnvironment({ PORTSLICE_RANGE: text })).toThrow(
        refused('RANGE_INVALID', '$PORTSLICE_RANGE'),
      )
    },
  )
})

test('the error about a range without a slice proposes a range with one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1024, max: 65_535 }), fc.nat(62), (first, length) => {
      const last = Math.min(first + length, 65_535)
      try {
        expect(slicesIn(validateRange([first, last], 'It')).length).toBeGreaterThan(0)
      } catch (error) {
        const [, from, to] = /example to (\d+) to (\d+)/.exec((error as Error).message) ?? []
        expect(slicesIn({ first: Number(from), last: Number(to) }).length).toBeGreaterThan(0)
        expect(Number(to)).toBeLessThanOrEqual(65_535)
      }
    }),
  )
})
