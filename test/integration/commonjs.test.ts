/** CommonJS: one process can load both forms of the packages, and Jest loads only this one. */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { JESTS } from '../compat/versions.ts'
import { compileScript } from '../support/compile-script.ts'
import { nodePackage, npmInstall } from '../support/installed.ts'
import { overlaps, readIntervals } from '../support/intervals.ts'
import { heldIn } from '../support/lock-directory.ts'
import { FixtureProjects } from '../support/project.ts'
import { TEST_ALL } from '../support/test-all.ts'

const JEST = fileURLToPath(new URL('../../examples/jest/node_modules', import.meta.url))
const BOTH_FORMS = fileURLToPath(new URL('processes/both-forms.ts', import.meta.url))

const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-commonjs-'))
const projects = new FixtureProjects([JEST])
afterAll(() => {
  projects[Symbol.dispose]()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}, 120_000)

/** The Nodes that are tried: this one, or with $TEST_ALL also the oldest of each line. */
const NODES = TEST_ALL ? ['this one', '20.19.0', '22.12.0', '24.0.0'] : ['this one']

async function nodeBinary(version: string): Promise<string> {
  if (version === 'this one') return process.execPath
  const installed = path.join(folder, `node-${version}`)
  await npmInstall(installed, { binary: nodePackage(version) })
  const binary = process.platform === 'win32' ? 'node.exe' : 'node'
  return path.join(installed, 'node_modules/binary/bin', binary)
}

test.each(NODES)('ESM and CommonJS share slices, ports and errors, on Node %s', async (version) => {
  const node = await nodeBinary(version)
  const project = projects.project({ 'both-forms.mjs': await compileScript(BOTH_FORMS, 'esm') })
  const record = project.file('intervals.ndjson')
  const outcomes = await Promise.all(
    [1, 2, 3].map(() =>
      project.run(undefined, 'both-forms.mjs', [], { node, env: { RECORD: record } }),
    ),
  )
  for (const { status, stdout, stderr } of outcomes) {
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(JSON.parse(stdout)).toEqual({
      areTwo: true,
      slices: 1,
      named: true,
      instances: [
        [true, true],
        [true, true],
      ],
    })
  }
  const intervals = readIntervals(record)
  expect(intervals).toHaveLength(3 * 12)
  expect(overlaps(intervals)).toEqual([])
  expect(await heldIn(project.lockDirectory)).toEqual([])
})

/** Each in a module registry of its own, so that only the state of the process tells them apart. */
const REQUIRED = `
  const { listSlices, PortsliceError, releasePort, takePort } = require('@portslice/core')
  const { startApp } = require('@portslice/app-server')
  const { createServer } = require('@portslice/core/net')
  test('takes a port', async () => {
    const port = await takePort()
    const held = (await listSlices()).filter(({ state }) => state === 'held')
    expect(held.filter(({ holder }) => holder?.pid === process.pid)).toHaveLength(1)
    await releasePort(port)
  })
  test('knows the errors', async () => {
    await expect(takePort({ rnage: 1 })).rejects.toBeInstanceOf(PortsliceError)
  })
  test('has the net of clusters', () => expect(createServer).toBeInstanceOf(Function))
  test('starts an app', async () => {
    const app = await startApp({ command: [process.execPath, require.resolve('./server.cjs')] })
    expect(await (await fetch(app.url)).text()).toBe('served')
    await app.stop()
  })`
const FILES = 4

/** Every pair of a Node, a Jest and a flag, but not every combination of the three. */
const JEST_RUNS = NODES.flatMap((node, i) =>
  (TEST_ALL ? JESTS : ['of the examples']).map(
    (jest, j) => [node, jest, (i + j) % 2 === 0 ? '' : '--experimental-vm-modules'] as const,
  ),
)

test.each(JEST_RUNS)(
  'Jest requires them: Node %s, Jest %s, NODE_OPTIONS=%j',
  { timeout: 600_000 },
  async (version, jest, flag) => {
    const node = await nodeBinary(version)
    const further = path.join(folder, `jest-${jest}`)
    if (TEST_ALL) await npmInstall(further, { jest })
    using own = new FixtureProjects(TEST_ALL ? [path.join(further, 'node_modules')] : [JEST])
    const project = own.project({
      'package.json': '{ "jest": { "transform": {}, "maxWorkers": 2, "testTimeout": 60000 } }',
      'server.cjs': `require('node:http').createServer((_, response) => response.end('served'))
        .listen(process.env.PORT)`,
      ...Object.fromEntries(
        Array.from({ length: FILES }, (_, i) => [`required-${i}.test.js`, REQUIRED]),
      ),
    })
    const { status, stdout, stderr } = await project.run('jest', 'bin/jest.js', [], {
      node,
      env: { NO_COLOR: '1', NODE_OPTIONS: flag },
    })
    expect(status, stdout + stderr).toBe(0)
    expect(stderr).toContain(`Tests:       ${4 * FILES} passed`)
    expect(await heldIn(project.lockDirectory)).toEqual([])
  },
)
