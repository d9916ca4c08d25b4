/** Node for Windows under Wine: the paths that the code takes there, not how Windows binds ports. */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compileScript } from '../support/compile-script.ts'
import { type FixtureProject, FixtureProjects } from '../support/project.ts'
import { TEST_ALL } from '../support/test-all.ts'
import { HAS_WINE, NodeOnWine } from '../support/wine.ts'

const SMOKE = fileURLToPath(new URL('processes/smoke.ts', import.meta.url))

if (TEST_ALL && !HAS_WINE) console.log('Skipped, as there is no wine64: Node for Windows.')
describe.runIf(TEST_ALL && HAS_WINE)('Node for Windows, under Wine', () => {
  let tools: string
  let projects: FixtureProjects
  let project: FixtureProject
  let wine: NodeOnWine
  beforeAll(async () => {
    tools = mkdtempSync(path.join(os.tmpdir(), 'portslice-wine-'))
    wine = await NodeOnWine.install(tools)
    projects = new FixtureProjects()
    project = projects.project({ 'smoke.mjs': await compileScript(SMOKE, 'esm') })
  }, 300_000)
  afterAll(() => {
    projects?.[Symbol.dispose]()
    rmSync(tools, { recursive: true, force: true, maxRetries: 5 })
  }, 120_000)

  const node = (...args: string[]) => wine.run(args, project.folder)

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
