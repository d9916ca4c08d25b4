import { stripVTControlCharacters } from 'node:util'
import { expect, onTestFinished, test, vi } from 'vitest'
import { coloursFor } from '../terminal/colours.js'
import { type Finding, problem } from './finding.js'
import { doctorDocument, doctorText } from './report.js'
import { settingsFindings } from './settings.js'

const FINDINGS: Finding[] = [
  { id: 'range', level: 'ok', message: 'All is well.' },
  { id: 'slices', level: 'note', message: 'Few\u001b[2J.', advice: 'Widen it.' },
  { id: 'sockets', level: 'problem', message: 'None.', advice: 'Allow them.\nOr else.' },
]

test('for people', () => {
  expect(doctorText(FINDINGS, coloursFor({}, {}))).toBe(`\
ok       All is well.
note     Few\\u001b[2J.
         → Widen it.
PROBLEM  None.
         → Allow them.
         Or else.

portslice cannot keep its promise here: 1 problem.
`)
  expect(doctorText(FINDINGS.slice(0, 2), coloursFor({}, {}))).toContain('can keep its promise')
})

test('lines fit the terminal, and are indented below their mark', () => {
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

portslice can keep its promise here.
`)
})

test('for programs', () => {
  expect(doctorDocument(FINDINGS)).toEqual({ version: 1, ok: false, findings: FINDINGS })
  expect(doctorDocument(FINDINGS.slice(0, 2)).ok).toBe(true)
})

test('what is set is named; named ports of another run are noted, and bad ones a problem', () => {
  const findingOf = (env: NodeJS.ProcessEnv, id: Finding['id']) =>
    settingsFindings({}, env).findings.find((finding) => finding.id === id)
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

test('a variable that means nothing is noted, with the one that was probably meant', () => {
  const findingOf = (env: NodeJS.ProcessEnv) =>
    settingsFindings({}, env).findings.find(({ id }) => id === 'variables')
  expect(findingOf({ PORTSLICE_RANG: '20000-20999' })).toMatchObject({
    level: 'note',
    message: expect.stringContaining('$PORTSLICE_RANG means nothing'),
    advice: "$PORTSLICE_RANG: Did you mean '$PORTSLICE_RANGE'?",
  })
  expect(findingOf({ PORTSLICE_ONCE_UPON_A_TIME_THERE_WAS: '1' })?.advice).toContain('There are $')
  expect(findingOf({ PORTSLICE_LOCKDIR: '/x', PORTSLICE_PORT_WEB: '20000' })?.advice).toBe(
    "$PORTSLICE_LOCKDIR: Did you mean '$PORTSLICE_LOCK_DIR'?\nRight within a run that set them. Elsewhere: unset PORTSLICE_PORT_WEB",
  )
  expect(findingOf({ PORTSLICE_RANGE: '20000-20999', PORTSLICE_TREE: 'x' })?.level).toBe('ok')
})

test('where a range and a shard come from', () => {
  const messages = settingsFindings({ range: [20_000, 20_999], shard: { index: 1, total: 2 } })
    .findings.map(({ message }) => message)
    .join('\n')
  expect(messages).toContain('20000-20999: from the option --range')
  expect(messages).toContain('shard 1 of 2, says the option --shard')
})

test('variables of a CI system that name no shard are noted, as they are ignored', () => {
  vi.stubEnv('CI_NODE_INDEX', '9')
  vi.stubEnv('CI_NODE_TOTAL', '4')
  onTestFinished(() => void vi.unstubAllEnvs())
  expect(settingsFindings({}).findings.find(({ id }) => id === 'shard')).toMatchObject({
    level: 'note',
    message: expect.stringContaining('$CI_NODE_INDEX of $CI_NODE_TOTAL names none'),
  })
  vi.stubEnv('CI_NODE_INDEX', '2')
  expect(settingsFindings({}).findings.find(({ id }) => id === 'shard')).toMatchObject({
    level: 'ok',
    message: expect.stringContaining('tries its own part of the range first'),
  })
})

test('a range that the system hands out from is noted', () => {
  const { findings } = settingsFindings({ range: [10_000, 65_535] })
  expect(findings.find(({ id }) => id === 'range')).toMatchObject({ level: 'note' })
})

test('an error is a problem with its advice', () => {
  const { settings, findings } = settingsFindings({ range: [1, 2] })
  expect(settings).toBeUndefined()
  const found = findings.at(-1)
  expect(found).toMatchObject({ level: 'problem', advice: expect.stringContaining('Stay between') })
  expect(found?.message).not.toContain('Stay between')
  expect(problem('range', new Error('plain'))).toEqual({
    id: 'range',
    level: 'problem',
    message: 'plain',
  })
})
