import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { createInterface } from 'node:readline'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { treeMarker } from './marker.js'
import { ProcessTree } from './process-tree.js'
import * as processes from './processes.js'
import { identityOfProcess, isRunning } from './processes.js'

vi.mock(import('./processes.js'), { spy: true })

/** Starts a tree with a shell script, which prints a line once it has grown. */
async function grow(script: string, env: NodeJS.ProcessEnv = process.env) {
  const marker = treeMarker(env)
  const root = spawn('sh', ['-c', script], {
    env: { ...env, ...marker.env },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const tree = new ProcessTree(marker.id, root)
  onTestFinished(async () => void (await tree.end({ timeout: 0 })))
  const [said] = (await once(createInterface(root.stdout), 'line')) as [string]
  return { root, tree, marker, said }
}

const gone = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null
const pids = async (tree: ProcessTree) => (await tree.processes()).map(({ pid }) => pid)

/** A line on stdout, said by one that waits for ever and ends by SIGTERM. */
const SLEEP = 'sleep 1000'

describe.runIf(process.platform === 'linux')('a tree of processes', () => {
  test('is what its first process has started, and that has started', async () => {
    const { tree, root } = await grow(`sh -c '${SLEEP} & ${SLEEP} & echo grown; wait'; true`)
    expect(await tree.processes()).toHaveLength(4)
    expect(await pids(tree)).toContain(root.pid)
    expect(await tree.end()).toEqual([])
    expect(await tree.processes()).toEqual([])
  })

  test('has those that were left by their parents and made sessions of their own', async () => {
    const { tree, root, said } = await grow(`setsid sh -c '${SLEEP} & echo $!' & wait $!; exit 0`)
    if (!gone(root)) await once(root, 'exit')
    expect(await pids(tree)).toEqual([Number(said)])
    expect(await tree.end()).toEqual([])
    expect(isRunning(identityOfProcess(Number(said)))).toBe(false)
  })

  test('has those that have cleared their environment', async () => {
    const { tree } = await grow(
      `env -i ${SLEEP} & env -i setsid sh -c '${SLEEP}; true' & echo; wait`,
    )
    await expect.poll(() => pids(tree)).toHaveLength(4)
    expect(await tree.end()).toEqual([])
  })

  test('keeps those it has seen when their parents leave them', async () => {
    const { tree, root, marker } = await grow(`env -i ${SLEEP} & echo; wait`)
    await expect.poll(() => pids(tree)).toHaveLength(2)
    const left = (await pids(tree)).filter((pid) => pid !== root.pid)
    root.kill('SIGKILL')
    await once(root, 'exit')
    expect(await pids(tree)).toEqual(left)
    const elsewhere = new ProcessTree(marker.id)
    expect(await pids(elsewhere)).toEqual([])
    elsewhere.addKnown(tree.known)
    expect(await pids(elsewhere)).toEqual(left)
    expect(await tree.end()).toEqual([])
  })

  test('keeps those that it sees while it is watched', async () => {
    const { tree, root } = await grow(`echo; read go; env -i ${SLEEP} & wait`)
    const seen = new Promise<readonly unknown[]>((resolve) => {
      const stop = tree.watch({ onChange: (known) => known.length > 1 && resolve(known) })
      onTestFinished(stop)
    })
    expect(await pids(tree)).toEqual([root.pid])
    root.stdin?.end('go\n')
    expect(await seen).toHaveLength(2)
    root.kill('SIGKILL')
    await once(root, 'exit')
    expect(await pids(tree)).toHaveLength(1)
    expect(await tree.end()).toEqual([])
  })

  test('has nothing of its neighbour, and not the process that asks', async () => {
    const one = await grow(`${SLEEP} & echo; wait`)
    const two = await grow(`${SLEEP} & echo; wait`)
    const both = [...(await pids(one.tree)), ...(await pids(two.tree))]
    expect(both).not.toContain(process.pid)
    expect(new Set(both).size).toBe(4)
    await one.tree.end()
    expect(await pids(two.tree)).toHaveLength(2)
  })

  test('is part of the tree that it was started in', async () => {
    const outer = await grow(`${SLEEP} & echo; wait`)
    const inner = await grow(`setsid ${SLEEP} & echo`, { ...process.env, ...outer.marker.env })
    await expect.poll(() => pids(inner.tree)).toHaveLength(1)
    expect(await pids(outer.tree)).toEqual(expect.arrayContaining(await pids(inner.tree)))
    await inner.tree.end()
    expect(await pids(outer.tree)).toHaveLength(2)
  })

  test('asks each process once, and kills what does not listen', async () => {
    const deaf =
      'process.on("SIGTERM", () => console.log("asked")); console.log(); setInterval(() => {}, 1000)'
    const { tree, root } = await grow(`exec '${process.execPath}' -e '${deaf}'`)
    const heard: string[] = []
    root.stdout?.on('data', (text: Buffer) => heard.push(text.toString()))
    const closed = once(root, 'close')
    expect(await tree.end({ timeout: 300 })).toEqual([])
    await closed
    expect(root.signalCode).toBe('SIGKILL')
    expect(heard.join('')).toBe('asked\n')
  })

  test('ends those that are stopped, in good order', async () => {
    const { tree, root } = await grow(`trap 'exit 7' TERM; echo; while :; do sleep 0.01; done`)
    root.kill('SIGSTOP')
    const exit = once(root, 'exit')
    expect(await tree.end({ timeout: 60_000 })).toEqual([])
    expect(await exit).toEqual([7, null])
  })

  test('ends what is started while it is ended', async () => {
    const { tree } = await grow(
      `trap '(setsid sh -c "sleep 0.02; setsid ${SLEEP} & " &) ; exit' TERM; echo; while :; do sleep 0.01; done`,
    )
    expect(await tree.end()).toEqual([])
    expect(await tree.processes()).toEqual([])
  })

  test('tells its own listeners from others', async () => {
    const server = net.createServer().listen(0)
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port: ofOthers } = server.address() as net.AddressInfo
    const serve =
      'const s = require("net").createServer().listen(0, () => console.log(s.address().port))'
    const { tree, said } = await grow(`'${process.execPath}' -e '${serve}'; true`)
    expect(await tree.listenerOn(Number(said))).toBe('tree')
    expect(await tree.listenerOn(ofOthers)).toBe('others')
    expect(await tree.listeningPorts()).toEqual([Number(said)])
    await tree.end()
    expect(await tree.listenerOn(Number(said))).toBe('nobody')
  })

  test('has gone when the last of it has', async () => {
    const { tree, root, said } = await grow(`setsid sh -c '${SLEEP} & echo $!' & wait; exit 0`)
    if (!gone(root)) await once(root, 'exit')
    let resolved = false
    const done = tree.untilGone().then(() => {
      resolved = true
    })
    expect(await pids(tree)).toEqual([Number(said)])
    expect(resolved).toBe(false)
    process.kill(Number(said))
    await done
    await expect(tree.untilGone()).resolves.toBeUndefined()
  })

  test('is not waited for once that is called off', async () => {
    const { tree } = await grow(`echo; ${SLEEP}`)
    const waiting = tree.untilGone({ signal: AbortSignal.timeout(1) })
    await expect(waiting).rejects.toThrow(/timeout/)
  })

  test('is looked for among those that are not older than it', async () => {
    const before = spawn('sh', ['-c', `echo; ${SLEEP}`], { stdio: ['ignore', 'pipe', 'ignore'] })
    onTestFinished(() => void before.kill('SIGKILL'))
    await once(before.stdout, 'data')
    // The clock in which the kernel notes it has ticks of 10 ms.
    const tick = Number(identityOfProcess(before.pid as number).startedAt)
    await expect.poll(() => processes.startOf(spawn('true').pid as number)).toBeGreaterThan(tick)
    const { tree, root } = await grow(`echo; ${SLEEP}`)
    const asked = vi.mocked(processes.environmentOf)
    asked.mockClear()
    expect(await pids(tree)).toContain(root.pid)
    expect(asked.mock.calls.flat()).not.toContain(before.pid)
    expect(asked.mock.calls.length).toBeGreaterThan(0)
    await tree.end()
  })

  test('is told from another process that has got a number of its own', async () => {
    const { root } = await grow(`echo; ${SLEEP}`)
    const earlier = { pid: root.pid as number, startedAt: '1' }
    const tree = new ProcessTree('no mark', [earlier])
    expect(isRunning(earlier)).toBe(false)
    expect(await tree.processes()).toEqual([])
    expect(await tree.end()).toEqual([])
    expect(gone(root)).toBe(false)
  })
})
