import { expect, test } from 'vitest'
import { readArguments, type Syntax } from './arguments.js'
import { looksLikePorts } from './ports.js'
import { parseRangeAndShard } from './range-and-shard.js'
import { unknownCommand } from './usage-error.js'

const RUN: Syntax<'name' | 'range' | 'shard' | 'quiet'> = {
  command: 'run',
  options: {
    name: { type: 'string', multiple: true, example: 'web' },
    range: { type: 'string' },
    shard: { type: 'string' },
    quiet: { type: 'boolean' },
  },
  program: {},
}
const CLAIM: Syntax<'timeout'> = {
  command: 'claim',
  options: { timeout: { type: 'string' } },
  program: { operand: { name: 'PORT', example: '3000', accepts: looksLikePorts } },
}
const LIST: Syntax<'json'> = { command: 'list', options: { json: { type: 'boolean' } } }

const refusal = (syntax: Syntax<string>, args: string[]) => {
  try {
    readArguments(syntax, args)
  } catch (error) {
    return error
  }
  return expect.unreachable('The arguments were accepted.')
}

test.each([
  [
    'after --',
    ['--name', 'web', '--', 'npm', 'start', '--name', 'x'],
    ['npm', 'start', '--name', 'x'],
  ],
  [
    'at the first argument that is not an option',
    ['--name=web', 'npm', '--json', '--'],
    ['npm', '--json', '--'],
  ],
  ['after --, also if it looks like an option', ['--name', 'web', '--', '--x'], ['--x']],
])('the program begins %s', (_, args, program) => {
  const given = readArguments(RUN, args)
  expect(given.values('name')).toEqual(['web'])
  expect(given.program).toEqual(program)
})

test('an option can be repeated; its single value is the last one', () => {
  const given = readArguments(RUN, ['--name', 'a', '--quiet', '--name', 'b', 'x'])
  expect(given.values('name')).toEqual(['a', 'b'])
  expect(given.value('name')).toBe('b')
  expect([given.has('quiet'), given.has('range')]).toEqual([true, false])
})

test('a single dash and everything after = are values', () => {
  expect(readArguments(RUN, ['--name', '-', 'x']).value('name')).toBe('-')
  expect(readArguments(RUN, ['--name=--x', 'x']).value('name')).toBe('--x')
})

test('options may stand before and after an operand', () => {
  const given = readArguments(CLAIM, ['3000', '--timeout', '5', '--', 'npm', '--timeout', '6'])
  expect(given.operands).toEqual(['3000'])
  expect(given.value('timeout')).toBe('5')
  expect(given.program).toEqual(['npm', '--timeout', '6'])
  expect(readArguments(CLAIM, ['--timeout', '5', '3000', 'npm']).program).toEqual(['npm'])
})

test('several operands may stand before the program, with and without --', () => {
  const withTerminator = readArguments(CLAIM, ['3000', '--timeout', '5', '3001,3002', '--', '7'])
  expect(withTerminator).toMatchObject({ operands: ['3000', '3001,3002'], program: ['7'] })
  const without = readArguments(CLAIM, ['3000', '3001', '7z', 'x', '8'])
  expect(without).toMatchObject({ operands: ['3000', '3001'], program: ['7z', 'x', '8'] })
})

test.each([
  ['an unknown option', RUN, ['--nmae', 'x', 'y'], "Did you mean '--name'?"],
  [
    'an unknown option without a similar one',
    RUN,
    ['--zzzzzzzzzzz', 'y'],
    'Its options are --name, --range',
  ],
  ['an unknown short option', LIST, ['-j'], "'portslice list' has no option"],
  ['a missing value', RUN, ['--name'], 'portslice run --name web'],
  ['an option for a value', RUN, ['--name', '--', 'npm'], 'needs a value'],
  ['a value for a switch', RUN, ['--quiet=yes', 'x'], 'takes no value'],
  ['no program', RUN, ['--quiet'], 'Write: portslice run -- COMMAND'],
  ['no program after --', RUN, ['--'], 'Write: portslice run -- COMMAND'],
  ['no operand', CLAIM, [], 'needs a PORT'],
  ['a program in place of the operand', CLAIM, ['npm', 'start'], 'PORT before the command "npm"'],
  ['no operand before --', CLAIM, ['--', 'npm', 'start'], 'portslice claim 3000 -- npm start'],
  ['no program after the operand', CLAIM, ['3000'], 'needs a command'],
  ['an argument for a command that takes none', LIST, ['x'], 'takes no arguments, but got "x"'],
])('%s is refused with advice', (_, syntax, args, message) => {
  expect(refusal(syntax, args)).toMatchObject({
    code: 'ERR_PORTSLICE_USAGE',
    message: expect.stringContaining(message),
  })
})

test('the nearest command is named, or how to run a program', () => {
  const commands = ['run', 'claim', 'list', 'map', 'doctor', 'clean']
  expect(unknownCommand('docter', commands).message).toContain("Did you mean 'doctor'?")
  expect(unknownCommand('kubernetes', commands).message).toContain('portslice run -- kubernetes')
})

test('--range and --shard become options, and variables for child processes', () => {
  const given = readArguments(RUN, ['--range', '20000-20999', '--shard', '2/4', 'x'])
  expect(parseRangeAndShard(given)).toEqual({
    options: { range: [20_000, 20_999], shard: { index: 2, total: 4 } },
    env: { PORTSLICE_RANGE: '20000-20999', PORTSLICE_SHARD: '2/4' },
  })
  expect(parseRangeAndShard(readArguments(RUN, ['x']))).toEqual({ options: {}, env: {} })
})

test.each([
  ['--range', '20000'],
  ['--range', '20000-x'],
  ['--range', '20000-20100-1'],
  ['--shard', '2of4'],
  ['--shard', '/4'],
])('%s %s is refused', (option, value) => {
  expect(() => parseRangeAndShard(readArguments(RUN, [option, value, 'x']))).toThrow(
    expect.objectContaining({ code: 'ERR_PORTSLICE_USAGE', value }),
  )
})

test.each([
  [RUN, ['--name', 'web', '--help']],
  [RUN, ['-h', 'npm']],
  [CLAIM, ['3000', '--help']],
  [LIST, ['--json', '--help']],
])('--help is found anywhere before the program', (syntax, args) => {
  expect(refusal(syntax as Syntax<string>, args)).toMatchObject({ name: 'HelpRequested' })
})

test('--help after the program belongs to the program', () => {
  expect(readArguments(RUN, ['npm', '--help']).program).toEqual(['npm', '--help'])
})

test('an empty argument is not a program', () => {
  expect(refusal(RUN, ['--', ''])).toMatchObject({ code: 'ERR_PORTSLICE_USAGE' })
})
