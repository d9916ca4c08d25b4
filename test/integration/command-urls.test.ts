/** URLs of ports, which `run` and `list` print on terminals. */
import { expect, test } from 'vitest'
import { COMMAND, portslice, sh, start, useLockDirectory } from '../support/command.ts'
import { InTerminal } from '../support/terminal.ts'

const options = useLockDirectory()
const ECHO = ['--', ...sh('echo "port $PORT"')]

test('run prints the URL of its port once, on a terminal', async () => {
  const run = new InTerminal(process.execPath, [COMMAND, 'run', ...ECHO], options)
  expect(await run.ended).toMatchObject({ exitCode: 0 })
  const [, port] = /port (\d+)/.exec(run.text) ?? []
  expect(run.text.match(/http:\S*localhost:\d+/g)).toEqual([`http://localhost:${port}`])
})

test('run names the ports that have names', async () => {
  const args = [COMMAND, 'run', '--name', 'web', '--name', 'api', '--', ...sh('echo $API_PORT')]
  const run = new InTerminal(process.execPath, args, options)
  await run.ended
  expect(run.text).toMatch(/web http:\/\/localhost:\d+/)
  expect(run.text).toMatch(/api http:\/\/localhost:\d+/)
})

test('run prints no URL with --quiet, nor where stderr is a pipe', async () => {
  const quiet = new InTerminal(process.execPath, [COMMAND, 'run', '--quiet', ...ECHO], options)
  await quiet.ended
  expect(quiet.text).toMatch(/port \d+/)
  expect(quiet.text).not.toContain('http://')
  expect(await portslice(['run', ...ECHO], options)).toMatchObject({ status: 0, stderr: '' })
})

test('list links ports that an app listens on, on terminals that show links', async () => {
  const serve =
    "require('net').createServer().listen(process.env.PORT, () => console.log('up ' + process.env.PORT))"
  const run = start(['run', '--', process.execPath, '-e', serve], options)
  const [, port] = await run.said(/up (\d+)/)
  const list = async (env: Record<string, string>) => {
    const shown = new InTerminal(process.execPath, [COMMAND, 'list'], { ...options, env })
    await shown.ended
    return shown.text
  }
  const link = `\u001b]8;;http://localhost:${port}\u0007${port}\u001b]8;;\u0007`
  expect(await list({ FORCE_HYPERLINK: '1' })).toContain(link)
  const plain = await list({ FORCE_HYPERLINK: '0' })
  expect(plain).toContain(port)
  expect(plain).not.toContain('\u001b]8')
  const { stdout } = await portslice(['list'], { ...options, env: { FORCE_HYPERLINK: '1' } })
  expect(stdout).not.toContain('\u001b')
  run.child.kill()
  await run.ended
})
