/** The default lock directory if the temporary directory is unusual: relative, missing, or shared with user namespaces. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { startFile } from '../support/command.ts'
import { whyNoNamespaces } from '../support/namespaces.ts'
import { runNode } from '../support/process.ts'
import { temporaryFolder } from '../support/until-test-ends.ts'

const CORE = import.meta.resolve('@portslice/core')

describe.each(['TMPDIR', 'PORTSLICE_LOCK_DIR'])('a relative $%s', (variable) => {
  test('is one directory, also after chdir, and its locks count as held', async () => {
    const cwd = temporaryFolder()
    fs.mkdirSync(path.join(cwd, 'elsewhere'))
    const code = `
      import { createAllocator, listSlices } from '${CORE}'
      const first = await createAllocator({ workerId: 1 })
      process.chdir('elsewhere')
      const second = await createAllocator({ workerId: 2 })
      const held = (await listSlices()).filter(({ holder }) => holder?.pid === process.pid)
      console.log(held.length, first.slices.length + second.slices.length)`
    const options = { cwd, env: { [variable]: 'relative' } }
    const { stdout, stderr } = await runNode(['--input-type=module', '-e', code], options)
    expect({ stdout, stderr }).toEqual({ stdout: '2 2\n', stderr: '' })
    expect(fs.readdirSync(cwd).sort()).toEqual(['elsewhere', 'relative'])
    expect(fs.readdirSync(path.join(cwd, 'elsewhere'))).toEqual([])
  })
})

test('a missing directory for temporary files is created with the umask', async () => {
  const missing = path.join(temporaryFolder(), 'a', 'tmp')
  const code = `process.umask(0o022); const { takePort } = await import('${CORE}'); await takePort()`
  const options = { cwd: import.meta.dirname, env: { TMPDIR: missing } }
  const { status, stderr } = await runNode(['--input-type=module', '-e', code], options)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const mode = (directory: string) => (fs.statSync(directory).mode & 0o777).toString(8)
  const [locks = ''] = fs.readdirSync(missing)
  expect([path.dirname(missing), missing, path.join(missing, locks)].map(mode)).toEqual([
    '755',
    '755',
    '700',
  ])
})

/** Any user id except that of root. */
const USER = 1500

const whyNoUsers =
  process.getuid?.() === 0 ? whyNoNamespaces('--user', '--map-root-user') : 'needs root'

describe.skipIf(whyNoUsers)(
  `users that are root in a user namespace${whyNoUsers ? ` (${whyNoUsers})` : ''}`,
  () => {
    const TAKE = `import('${CORE}').then((core) => core.takePort()).then(() => console.log('taken'), (e) => console.log(String(e)))`
    const as = (user: number) => [
      'setpriv',
      ...[`--reuid=${user}`, `--regid=${user}`, '--clear-groups'],
    ]
    const ROOT_IN_NAMESPACE = ['unshare', '--user', '--map-root-user']

    async function takeAs(prefix: string[], TMPDIR: string): Promise<string> {
      const [file = '', ...args] = [...prefix, process.execPath, '-e', TAKE]
      const options = { cwd: import.meta.dirname, env: { TMPDIR } }
      return (await startFile(file, args, options).ended).stdout
    }

    /** The uids of its entries, by name. */
    const owners = (folder: string) =>
      Object.fromEntries(
        fs.readdirSync(folder).map((name) => [name, fs.statSync(path.join(folder, name)).uid]),
      )

    function sharedFolder(): string {
      const folder = temporaryFolder()
      fs.chmodSync(folder, 0o1777)
      return folder
    }

    test('each have a directory of their own, inside and outside of the namespace', async () => {
      const folder = sharedFolder()
      for (const prefix of [
        [...as(USER), ...ROOT_IN_NAMESPACE],
        [...as(USER + 1), ...ROOT_IN_NAMESPACE],
        as(0),
        as(USER),
      ]) {
        expect(await takeAs(prefix, folder)).toBe('taken\n')
      }
      expect(owners(folder)).toEqual({
        'portslice-0': 0,
        [`portslice-${USER}`]: USER,
        [`portslice-${USER + 1}`]: USER + 1,
      })
    })

    test('processes that start at the same time agree on another name', async () => {
      const folder = sharedFolder()
      fs.symlinkSync('nowhere', path.join(folder, 'portslice-0'))
      const said = await Promise.all(Array.from({ length: 8 }, () => takeAs(as(0), folder)))
      expect(said).toEqual(Array(8).fill('taken\n'))
      expect(fs.readdirSync(folder).sort()).toEqual(['portslice-0', 'portslice-0-2'])
    })

    test("another user's directory under root's name is not in the way of root", async () => {
      const folder = sharedFolder()
      const planted = path.join(folder, 'portslice-0')
      fs.mkdirSync(planted, { mode: 0o700 })
      fs.chownSync(planted, USER, USER)
      for (const time of ['first', 'second'])
        expect([time, await takeAs(as(0), folder)]).toEqual([time, 'taken\n'])
      expect(owners(folder)).toEqual({ 'portslice-0': USER, 'portslice-0-2': 0 })
      expect(fs.readdirSync(planted)).toEqual([])
    })
  },
)
