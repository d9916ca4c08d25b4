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

/** Starts a tree with a shell script that prints a line when all its processes run. */
async function startTree(script: string, env: NodeJS.ProcessEnv = process.env) {
  const marker = treeMarker(env)
  const root = spawn('sh', ['-c', script], {
    env: { ...env, ...marker.env },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const tree = new ProcessTree(marker.id, root)
  onTestFinished(async () => void (await tree.end({ timeout: 0 })))
  const [line] = (await once(createInterface(root.stdout), 'line')) as [string]
  return { root, tree, marker, line }
}

const hasExited = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null
const pids = async (tree: ProcessTree) => (await tree.processes()).map(({ pid }) => pid)

const SLEEP = 'sleep 1000'

describe.runIf(process.platform === 'linux')('a tree of processes', () => {
  test('contains the first process and its descendants', async () => {
    const { tree, root } = await startTree(`sh -c '${SLEEP} & ${SLEEP} & echo grown; wait'; true`)
    expect(await tree.processes()).toHaveLength(4)
    expect(await pids(tree)).toContain(root.pid)
    expect(await tree.end()).toEqual([])
    expect(await tree.processes()).toEqual([])
  })

  test('contains orphans with their own session', async () => {
    const { tree, root, line } = await startTree(
      `setsid sh -c '${SLEEP} & echo $!' & wait $!; exit 0`,
    )
    if (!hasExited(root)) await once(root, 'exit')
    expect(await pids(tree)).toEqual([Number(line)])
    expect(await tree.end()).toEqual([])
    expect(isRunning(identityOfProcess(Number(line)))).toBe(false)
  })

  test('contains processes that cleared their environment', async () => {
    const { tree } = await startTree(
      `env -i ${SLEEP} & env -i setsid sh -c '${SLEEP}; true' & echo; wait`,
    )
    await expect.poll(() => pids(tree)).toHaveLength(4)
    expect(await tree.end()).toEqual([])
  })

  test('keeps known processes when their parent ends', async () => {
    const { tree, root, marker } = await startTree(`env -i ${SLEEP} & echo; wait`)
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

  test('keeps processes found by watch()', async () => {
    const { tree, root } = await startTree(`echo; read go; env -i ${SLEEP} & wait`)
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

  test('contains neither another tree nor the calling process', async () => {
    const one = await startTree(`${SLEEP} & echo; wait`)
    const two = await startTree(`${SLEEP} & echo; wait`)
    const both = [...(await pids(one.tree)), ...(await pids(two.tree))]
    expect(both).not.toContain(process.pid)
    expect(new Set(both).size).toBe(4)
    await one.tree.end()
    expect(await pids(two.tree)).toHaveLength(2)
  })

  test('is part of the outer tree', async () => {
    const outer = await startTree(`${SLEEP} & echo; wait`)
    const inner = await startTree(`setsid ${SLEEP} & echo`, { ...process.env, ...outer.marker.env })
    await expect.poll(() => pids(inner.tree)).toHaveLength(1)
    expect(await pids(outer.tree)).toEqual(expect.arrayContaining(await pids(inner.tree)))
    await inner.tree.end()
    expect(await pids(outer.tree)).toHaveLength(2)
  })

  test('signals each process once, and kills what ignores the signal', async () => {
    const ignoresSigterm =
      'process.on("SIGTERM", () => console.log("asked")); console.log(); setInterval(() => {}, 1000)'
    const { tree, root } = await startTree(`exec '${process.execPath}' -e '${ignoresSigterm}'`)
    const heard: string[] = []
    root.stdout?.on('data', (text: Buffer) => heard.push(text.toString()))
    const closed = once(root, 'close')
    expect(await tree.end({ timeout: 300 })).toEqual([])
    await closed
    expect(root.signalCode).toBe('SIGKILL')
    expect(heard.join('')).toBe('asked\n')
  })

  test('ends a stopped process with the signal', async () => {
    const { tree, root } = await startTree(`trap 'exit 7' TERM; echo; while :; do sleep 0.01; done`)
    root.kill('SIGSTOP')
    const exit = once(root, 'exit')
    expect(await tree.end({ timeout: 60_000 })).toEqual([])
    expect(await exit).toEqual([7, null])
  })

  test('ends processes that start during end()', async () => {
    const { tree } = await startTree(
      `trap '(setsid sh -c "sleep 0.02; setsid ${SLEEP} & " &) ; exit' TERM; echo; while :; do sleep 0.01; done`,
    )
    expect(await tree.end()).toEqual([])
    expect(await tree.processes()).toEqual([])
  })

  test('distinguishes its own listeners from others', async () => {
    const server = net.createServer().listen(0)
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port: ofOthers } = server.address() as net.AddressInfo
    const serve =
      'const s = require("net").createServer().listen(0, () => console.log(s.address().port))'
    const { tree, line } = await startTree(`'${process.execPath}' -e '${serve}'; true`)
    expect(await tree.listenerOn(Number(line))).toBe('tree')
    expect(await tree.listenerOn(ofOthers)).toBe('others')
    expect(await tree.listeningPorts()).toEqual([Number(line)])
    await tree.end()
    expect(await tree.listenerOn(Number(line))).toBe('none')
  })

  test('untilGone() resolves when the last process has ended', async () => {
    const { tree, root, line } = await startTree(`setsid sh -c '${SLEEP} & echo $!' & wait; exit 0`)
    if (!hasExited(root)) await once(root, 'exit')
    let resolved = false
    const done = tree.untilGone().then(() => {
      resolved = true
    })
    expect(await pids(tree)).toEqual([Number(line)])
    expect(resolved).toBe(false)
    process.kill(Number(line))
    await done
    await expect(tree.untilGone()).resolves.toBeUndefined()
  })

  test('untilGone() rejects when it is aborted', async () => {
    const { tree } = await startTree(`echo; ${SLEEP}`)
    const waiting = tree.untilGone({ signal: AbortSignal.timeout(1) })
    await expect(waiting).rejects.toThrow(/timeout/)
  })

  test('does not read the environment of processes older than the tree', async () => {
    const before = spawn('sh', ['-c', `echo; ${SLEEP}`], { stdio: ['ignore', 'pipe', 'ignore'] })
    onTestFinished(() => void before.kill('SIGKILL'))
    await once(before.stdout, 'data')
    // The kernel records start times in ticks of 10 ms.
    const tick = Number(identityOfProcess(before.pid as number).startedAt)
    await expect
      .poll(() => processes.startTimeOf(spawn('true').pid as number))
      .toBeGreaterThan(tick)
    const { tree, root } = await startTree(`echo; ${SLEEP}`)
    const asked = vi.mocked(processes.environmentOf)
    asked.mockClear()
    expect(await pids(tree)).toContain(root.pid)
    expect(asked.mock.calls.flat()).not.toContain(before.pid)
    expect(asked.mock.calls.length).toBeGreaterThan(0)
    await tree.end()
  })

  test('does not mistake another process with a reused pid for its own', async () => {
    const { root } = await startTree(`echo; ${SLEEP}`)
    const earlier = { pid: root.pid as number, startedAt: '1' }
    const tree = new ProcessTree('unused id', [earlier])
    expect(isRunning(earlier)).toBe(false)
    expect(await tree.processes()).toEqual([])
    expect(await tree.end()).toEqual([])
    expect(hasExited(root)).toBe(false)
  })
})
