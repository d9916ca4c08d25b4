import { stripVTControlCharacters } from 'node:util'
import { expect, onTestFinished, test, vi } from 'vitest'
import { coloursFor } from '../terminal/colours.js'
import { type Finding, problemFromError } from './finding.js'
import { optionsFindings } from './options.js'
import { doctorDocument, doctorText } from './report.js'

const FINDINGS: Finding[] = [
  { id: 'range', level: 'ok', message: 'All is well.' },
  { id: 'slices', level: 'note', message: 'Few\u001b[2J.', advice: 'Widen it.' },
  { id: 'sockets', level: 'problem', message: 'None.', advice: 'Allow them.\nOr else.' },
]

test('the text report', () => {
  expect(doctorText(FINDINGS, coloursFor({}, {}))).toBe(`\
ok       All is well.
note     Few\\u001b[2J.
         → Widen it.
PROBLEM  None.
         → Allow them.
         Or else.

portslice cannot keep ports unique here: 1 problem.
`)
  expect(doctorText(FINDINGS.slice(0, 2), coloursFor({}, {}))).toContain('portslice works here')
})

test('lines fit the terminal and are indented below their level', () => {
  const message = 'Something that takes more words to say than a line has room for.'
  const findings: Finding[] = [{ id: 'range', level: 'note', message, advice: message }]
  const text = doctorText(findings, coloursFor({}, { FORCE_COLOR: '1' }), 40)
  expect(stripVTControlCharacters(text)).toBe(`\
note     Something that takes more words
         to say than a line has room
         for.
         → Something that takes more
           words to say than a line has
           room for.

portslice works here.
`)
})

test('the JSON report', () => {
  expect(doctorDocument(FINDINGS)).toEqual({
    version: 1,
    ok: false,
    runtime: { name: 'node', version: process.versions.node },
    findings: FINDINGS,
  })
  expect(doctorDocument(FINDINGS.slice(0, 2)).ok).toBe(true)
})

test('variables are listed; named ports are noted, and invalid ones are a problem', () => {
  const findingOf = (env: NodeJS.ProcessEnv, id: Finding['id']) =>
    optionsFindings({}, env).findings.find((finding) => finding.id === id)
  expect(findingOf({}, 'variables')).toMatchObject({ level: 'ok' })
  expect(findingOf({ PORTSLICE_PORT_WEB: '20000' }, 'variables')).toMatchObject({
    level: 'note',
    advice: expect.stringContaining('unset PORTSLICE_PORT_WEB'),
  })
  expect(findingOf({ PORTSLICE_PORT_WEB: '20000; rm' }, 'variables')).toMatchObject({
    level: 'problem',
    message: expect.stringContaining('$PORTSLICE_PORT_WEB'),
  })
})

test('an unknown variable is noted, and a misspelt one is a problem', () => {
  const findingOf = (env: NodeJS.ProcessEnv) =>
    optionsFindings({}, env).findings.find(({ id }) => id === 'variables')
  expect(findingOf({ PORTSLICE_RANG: '20000-20999' })).toMatchObject({
    level: 'problem',
    message: expect.stringContaining('There is no environment variable $PORTSLICE_RANG'),
    advice: expect.stringContaining("Did you mean '$PORTSLICE_RANGE'?"),
  })
  expect(findingOf({ PORTSLICE_ONCE_UPON_A_TIME: '1', PORTSLICE_PORT_WEB: '20000' })).toMatchObject(
    {
      level: 'note',
      message: expect.stringContaining(
        '$PORTSLICE_ONCE_UPON_A_TIME is not a variable of portslice',
      ),
      advice: expect.stringMatching(
        /^The variables are \$PORTSLICE_RANGE, .*\nThis is correct inside the run that set them\. Elsewhere: unset PORTSLICE_PORT_WEB$/,
      ),
    },
  )
  expect(findingOf({ PORTSLICE_RANGE: '20000-20999', PORTSLICE_TREE: 'x' })?.level).toBe('ok')
})

test('the sources of range and shard are named', () => {
  const messages = optionsFindings({ range: [20_000, 20_999], shard: { index: 1, total: 2 } })
    .findings.map(({ message }) => message)
    .join('\n')
  expect(messages).toContain('20000-20999: from the option --range')
  expect(messages).toContain('shard 1 of 2, from the option --shard')
})

test('CI variables that do not describe a shard are noted', () => {
  vi.stubEnv('CI_NODE_INDEX', '9')
  vi.stubEnv('CI_NODE_TOTAL', '4')
  onTestFinished(() => void vi.unstubAllEnvs())
  expect(optionsFindings({}).findings.find(({ id }) => id === 'shard')).toMatchObject({
    level: 'note',
    message: expect.stringContaining('$CI_NODE_INDEX of $CI_NODE_TOTAL does not describe a shard'),
  })
  vi.stubEnv('CI_NODE_INDEX', '2')
  expect(optionsFindings({}).findings.find(({ id }) => id === 'shard')).toMatchObject({
    level: 'ok',
    message: expect.stringContaining('tries its own part of the range first'),
  })
})

test('a range that contains ephemeral ports is noted', () => {
  const { findings } = optionsFindings({ range: [10_000, 65_535] })
  expect(findings.find(({ id }) => id === 'range')).toMatchObject({ level: 'note' })
})

test('an error is a problem with its advice', () => {
  const { resolved, findings } = optionsFindings({ range: [1, 2] })
  expect(resolved).toBeUndefined()
  const found = findings.at(-1)
  expect(found).toMatchObject({ level: 'problem', advice: expect.stringContaining('Stay between') })
  expect(found?.message).not.toContain('Stay between')
  expect(problemFromError('range', new Error('plain'))).toEqual({
    id: 'range',
    level: 'problem',
    message: 'plain',
  })
})
