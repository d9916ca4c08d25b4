/** URLs of ports on terminals, and what `NODE_DEBUG=portslice` prints. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { COMMAND, InTerminal, portslice, sh, start, useLockDirectory } from './command-run.ts'

/** Bold letters are printed twice, with a backspace between. */
const BOLD = new RegExp(`.${'\b'}`, 'g')

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

test('NODE_DEBUG=portslice prints what happens to ports on stderr', async () => {
  const env = { NODE_DEBUG: 'portslice' }
  const run = await portslice(['run', '--name', 'w\u0065b', '--', 'true'], { ...options, env })
  expect(run.status).toBe(0)
  const events = [...run.stderr.matchAll(/^PORTSLICE \d+: (\S+) (\{.*\})$/gm)]
  expect(events.map(([, name]) => name)).toEqual(
    expect.arrayContaining(['lease', 'take', 'release']),
  )
  const [, , take] = events.find(([, name]) => name === 'take') ?? []
  expect(JSON.parse(take as string)).toEqual({ port: expect.any(Number), label: 'web' })
  const other = { ...options, env: { NODE_DEBUG: 'net' } }
  expect((await portslice(['run', '--', 'true'], other)).stderr).not.toContain('PORTSLICE')
})

test('the manual page is valid', ({ skip }) => {
  const page = fileURLToPath(new URL('../../packages/cli/man/portslice.1', import.meta.url))
  const { error, status, stdout, stderr } = spawnSync(
    'groff',
    ['-man', '-Tutf8', '-ww', '-P-c', page],
    { encoding: 'utf8' },
  )
  if (error) skip('groff is not installed.')
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const text = stdout.replaceAll(BOLD, '')
  expect(text).toContain('portslice run --prefer 3000 -- npm start')
  expect(text).toContain('PORTSLICE WHY')
})
