import { expect, test } from 'vitest'
import { findPhrases } from './find-phrases.ts'

const find = (text: string) => findPhrases([{ file: 'a.ts', text }], [])

test.each([
  ['The size is no option.', 'is no option'],
  ['404 and 5xx are none.', 'are none'],
  ['That is none.', 'is none'],
  ['Free for whoever asks.', 'whoever'],
  ['A port that nobody has.', 'nobody'],
  ['A port that somebody has.', 'somebody'],
  ['For those who wait.', 'those who'],
  ['What is left of it, too.', 'of it,'],
  ['Where no port is to be had.', 'to be had'],
  ['It is looked whether it listens.', 'It is looked'],
  ['Its owner cannot be told.', 'cannot be told'],
  ['Programs that never asked.', 'never asked'],
  ['Give a whole number.', 'a whole number'],
  ['The value is not a text.', 'is not a text'],
  ['The run goes on until it ends.', 'goes on until'],
  ['The slice goes on to the next.', 'goes on to the'],
  ['It is created anew.', 'anew'],
  ['Asked 6 times in vain.', 'in vain'],
  ['After an end in good order.', 'in good order'],
  ['Some hundred takes.', 'Some hundred'],
  ['Two at the most.', 'at the most'],
  ['get-port and the like.', 'the like'],
  ['It knows nothing of sockets.', 'knows nothing of'],
  ['No journal tells of a use.', 'tells of'],
  ['It needs this very port.', 'this very'],
  ['The function leases nothing.', 'leases nothing'],
  ['The likelihood is low, hence the limit.', 'hence'],
  ['// Else the process would end.', 'Else the'],
  ['Files that git cannot bring back.', 'bring back'],
  ["throw new Error('The folder is missing.')", "'The folder is missing.'"],
])('%j is found', (text, phrase) => {
  expect(find(`first line\n${text}`)).toEqual([
    expect.stringMatching(`^a.ts:2: "${phrase}". Write: `),
  ])
})

test('plain sentences are not found', () => {
  expect(find('The size is fixed. It is no longer used. const { folder } = project')).toEqual([])
})

test('an exception allows one line, and is reported when it is not needed', () => {
  const exception = { file: 'a.ts', text: 'as nobody', reason: 'a user' }
  const files = [{ file: 'a.ts', text: 'runs as nobody\nfor nobody else' }]
  expect(findPhrases(files, [exception])).toEqual([expect.stringContaining('a.ts:2: "nobody"')])
  expect(findPhrases([{ file: 'a.ts', text: 'plain' }], [exception])).toEqual([
    'a.ts: the exception for "as nobody" is not needed.',
  ])
})
