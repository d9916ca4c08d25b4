/** `portslice map`: the picture, and colours. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { COMMAND, PORTSLICE, portslice, startFile, useLockDirectory } from '../support/command.ts'
import { InTerminal } from '../support/terminal.ts'
import { temporaryFolder } from '../support/until-test-ends.ts'

const options = useLockDirectory()

describe('map', () => {
  const inTerminal = (args: string[], columns = 100) =>
    new InTerminal(process.execPath, [COMMAND, ...args], { ...options, columns })

  test('map fits the width of the terminal, and draws an SVG', async () => {
    const { stdout, status } = await portslice(['map'], { ...options, env: { COLUMNS: '60' } })
    expect(status).toBe(0)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(60)
    const cwd = temporaryFolder()
    expect(await portslice(['map', '--svg', 'm.svg'], { ...options, cwd })).toMatchObject({
      status: 0,
      stdout: '',
    })
    expect(readFileSync(path.join(cwd, 'm.svg'), 'utf8')).toMatch(/^<svg [^>]*>[\s\S]*<\/svg>\n$/)
    expect(await portslice(['map', '--svg', 'no/such/m.svg'], { ...options, cwd })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('cannot be written'),
    })
  })

  test('colours, the width of the terminal and $NO_COLOR', async () => {
    const map = inTerminal(['map'], 50)
    await map.ended
    expect(map.text).toContain('\u001b[')
    const plain = new InTerminal(process.execPath, [COMMAND, 'map'], {
      ...options,
      env: { NO_COLOR: '1' },
      columns: 50,
    })
    await plain.ended
    expect(plain.text).not.toContain('\u001b[')
    for (const line of plain.text.split('\r\n')) expect(line.length).toBeLessThanOrEqual(50)
  })

  test('ends quietly when the reader of its pipe has closed it', async () => {
    const { stdout, stderr } = await startFile(
      'sh',
      ['-c', `{ ${PORTSLICE} map --svg -; echo "status $?" >&2; } | head -c 4`],
      options,
    ).ended
    expect({ stdout, stderr }).toEqual({ stdout: '<svg', stderr: 'status 0\n' })
  })
})
