/**
 * The watchdog: a process beside the one that starts apps. It outlives that by a few seconds and
 * ends the apps that it has left; until then it looks at them for it.
 *
 * Its stdin is a pipe, which the kernel closes when the other process dies, however it dies.
 */
import { createInterface } from 'node:readline'
import { ProcessTree } from '@portslice/process-tree'
import { observe } from './observe.js'
import type { Command, KeptTree, Report } from './watchdog-protocol.js'

/** Often enough to see a helper before its parent leaves it, and too seldom to cost anything. */
const SLOWEST_POLL_MS = 2000

interface Watched {
  kept: KeptTree
  tree: ProcessTree
  stopWatching: () => void
}

const watched = new Map<string, Watched>()

function keep(kept: KeptTree): void {
  const { keep: id } = kept
  const before = watched.get(id)
  before?.stopWatching()
  const known = [...(before?.tree.known ?? []), ...kept.known]
  const tree = new ProcessTree(id, known)
  const stopWatching = tree.watch({
    maxPollInterval: SLOWEST_POLL_MS,
    onChange: (known) => report({ tree: id, known }),
  })
  watched.set(id, { kept, tree, stopWatching })
}

function forget(id: string): void {
  watched.get(id)?.stopWatching()
  watched.delete(id)
}

async function answer({ ask, tree: id, about }: Extract<Command, { ask: number }>): Promise<void> {
  const tree = watched.get(id)?.tree ?? new ProcessTree(id)
  const observation = await observe(tree, about)
  report({ tree: id, known: tree.known, answer: ask, observation })
}

function report(message: Report): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

async function endAll(): Promise<void> {
  await Promise.all(
    [...watched.values()].map(({ kept: { timeout }, tree, stopWatching }) => {
      stopWatching()
      return tree.end({ timeout })
    }),
  )
}

async function run(): Promise<void> {
  process.title = 'portslice-watchdog'
  // What ends the other process may end its whole group, session or tree: then there is work to do.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  // Nothing reads it any more once the other process has died.
  process.stdout.on('error', () => {})
  const lines = createInterface(process.stdin)
  lines.on('line', (line) => {
    const command = JSON.parse(line) as Command
    if ('keep' in command) keep(command)
    else if ('forget' in command) forget(command.forget)
    else void answer(command)
  })
  lines.on('close', async () => {
    await endAll()
    process.exit()
  })
  report({ isUp: true })
}

void run()
