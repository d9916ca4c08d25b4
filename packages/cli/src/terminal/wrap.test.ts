import { expect, test } from 'vitest'
import { COMMANDS, loadCommand } from '../commands/index.js'
import { widthOf } from './format.js'
import { wrapAfter, wrapHelp } from './wrap.js'

test('further lines are indented, and long words stay whole', () => {
  expect(wrapAfter('note  ', 'one two three /a/path/that/is/long', 14)).toBe(
    'note  one two\n      three\n      /a/path/that/is/long',
  )
})

const HELP = `portslice x: does something that takes some words to explain

  portslice x -- npm start          the port is in $PORT
  portslice x --name web --name api -- docker compose up
                                    $WEB_PORT

Options
  --name NAME   a port with this name, in $NAME_PORT; once for
                each port

A paragraph of
two lines.
`

test('help that fits is not changed', () => {
  expect(wrapHelp(HELP, 80)).toBe(HELP)
})

test('descriptions are wrapped beside their terms, and paragraphs as a whole', () => {
  expect(wrapHelp(HELP, 44)).toBe(`portslice x: does something that takes some
words to explain

  portslice x -- npm start
      the port is in $PORT
  portslice x --name web --name api --
  docker compose up
      $WEB_PORT

Options
  --name NAME   a port with this name, in
                $NAME_PORT; once for each
                port

A paragraph of two lines.
`)
})

test.each([40, 60, 80])('the help of each command fits into %i columns', async (columns) => {
  for (const name of COMMANDS) {
    const { help } = await loadCommand(name)
    const wrapped = wrapHelp(help, columns)
    for (const line of wrapped.split('\n')) {
      expect(widthOf(line), line).toBeLessThanOrEqual(columns)
    }
    const words = (text: string) => text.split(/\s+/)
    expect(words(wrapped)).toEqual(words(help))
  }
})
