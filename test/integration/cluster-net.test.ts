/** Port 0 in a Node cluster: `@portslice/core/net` and `listen`, beside what Node does. */
import { mkdtempSync, rmSync } from 'node:fs'
import nodeNet from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { takePort } from '@portslice/core'
import net from '@portslice/core/net'
import { expect, onTestFinished, test } from 'vitest'
import { runNode } from '../support/process.ts'
import { firstOf, TEST_ALL } from '../support/test-all.ts'
import { transcriptOf } from './processes/net-transcript.ts'

const WORKERS = 8

async function run(script: string, args: string[], env: Record<string, string> = {}) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-cluster-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = fileURLToPath(new URL(`processes/${script}`, import.meta.url))
  const { status, stdout, stderr } = await runNode([file, ...args], {
    cwd: folder,
    lockDirectory: path.join(folder, 'locks'),
    env: { TMPDIR: folder, ...env },
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return JSON.parse(stdout)
}

type Seen = { name: string; addresses: unknown[] }[]

/** How many different addresses the workers had, by form. */
async function differentAddresses(module: string): Promise<Record<string, number>> {
  const env = { SHARED_PORT: String(await takePort()) }
  const seen = (await run('net-forms.ts', [module], env)) as Seen
  expect(seen.every(({ addresses }) => addresses.length === WORKERS)).toBe(true)
  return Object.fromEntries(
    seen.map(({ name, addresses }) => [name, new Set(addresses).size] as const),
  )
}

test('each form of listening on port 0 gives eight workers eight ports; what is shared stays so', async () => {
  const [ours, nodes] = [
    await differentAddresses('@portslice/core/net'),
    await differentAddresses('node:net'),
  ]
  const isShared = (name: string) => /a port|a path/.test(name)
  for (const name of Object.keys(ours))
    expect([name, ours[name]]).toEqual([name, isShared(name) ? 1 : 8])
  // Otherwise this test would pass with `node:net` as well.
  for (const name of Object.keys(nodes)) expect([name, nodes[name]]).toEqual([name, 1])
})

test('everything else works as with node:net', async () => {
  expect(await transcriptOf(net as unknown as typeof nodeNet)).toEqual(await transcriptOf(nodeNet))
})

test('… also in a worker of a cluster', async () => {
  const ours = await run('net-transcript.ts', ['@portslice/core/net'])
  expect(ours).toEqual(await run('net-transcript.ts', ['node:net']))
  expect(ours['a server that says goodbye']).toBe('goodbye\n')
})

/** What the primary sees, by scene. */
async function clusterTranscript(how: string, policy: string, serialization: string) {
  const env = {
    SHARED_PORT: String(await takePort()),
    NODE_CLUSTER_SCHED_POLICY: policy,
  }
  return (await run('cluster-transcript.ts', [how, serialization], env)) as Record<string, string[]>
}

/** With each, some thirty workers are started one after the other. The first is Node's default. */
const CLUSTERS = [
  ['@portslice/core/net', 'node:net', 'rr', 'json'],
  ['listen', 'server.listen', 'rr', 'json'],
  ['@portslice/core/net', 'node:net', 'none', 'advanced'],
  ['listen', 'server.listen', 'none', 'advanced'],
] as const

test.runIf(TEST_ALL).for(CLUSTERS)(
  'the primary of a cluster sees of %s what it sees of %s, by %s with %s',
  async ([ours, nodes, policy, serialization]) => {
    const [seen, expected] = await Promise.all([
      clusterTranscript(ours, policy, serialization),
      clusterTranscript(nodes, policy, serialization),
    ])
    expect(seen).toEqual(expected)
    expect(seen['cluster.disconnect()']).toContain('["cluster.disconnect has called back"]')
  },
)

test.each(firstOf(['net', 'listen']))(
  'an Express app in a cluster of eight, with %s',
  async (how) => {
    const answers = (await run('express-cluster.ts', [how])) as {
      pid: number
      port: number
      answer: number
    }[]
    expect(answers.map(({ answer }) => answer)).toEqual(answers.map(({ pid }) => pid))
    expect(new Set(answers.map(({ port }) => port)).size).toBe(WORKERS)
  },
)
