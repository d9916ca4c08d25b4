/**
 * The program of the watchdog. It ends the apps when the process that started them dies. It notices this
 * because the kernel then closes the pipe on its stdin.
 */
import { createInterface } from 'node:readline'
import { ProcessTree } from '@portslice/process-tree'
import { observe } from './observe.js'
import type { Command, ObserveRequest, Report, WatchRequest } from './watchdog-protocol.js'

/** Short enough to see a child process before its parent exits. */
const MAX_POLL_INTERVAL_MS = 2000

interface WatchedTree {
  timeoutMs: number
  tree: ProcessTree
  stopWatching: () => void
}

const watched = new Map<string, WatchedTree>()

function watch({ watch: id, known, timeoutMs }: WatchRequest): void {
  const before = watched.get(id)
  before?.stopWatching()
  const tree = new ProcessTree(id, [...(before?.tree.known ?? []), ...known])
  const stopWatching = tree.watch({
    maxPollInterval: MAX_POLL_INTERVAL_MS,
    onChange: (known) => report({ tree: id, known }),
  })
  watched.set(id, { timeoutMs, tree, stopWatching })
}

function unwatch(id: string): void {
  watched.get(id)?.stopWatching()
  watched.delete(id)
}

async function answer({ request, tree: id, query }: ObserveRequest): Promise<void> {
  const tree = watched.get(id)?.tree ?? new ProcessTree(id)
  const observation = await observe(tree, query)
  report({ tree: id, known: tree.known, answer: request, observation })
}

function report(message: Report): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

async function endAll(): Promise<void> {
  await Promise.all(
    [...watched.values()].map(({ timeoutMs, tree, stopWatching }) => {
      stopWatching()
      return tree.end({ timeout: timeoutMs })
    }),
  )
}

async function run(): Promise<void> {
  process.title = 'portslice-watchdog'
  // A signal may go to the whole process group. The watchdog must survive it to end the apps.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  // The pipe breaks when the process that reads it dies.
  process.stdout.on('error', () => {})
  const lines = createInterface(process.stdin)
  lines.on('line', (line) => {
    const command = JSON.parse(line) as Command
    if ('watch' in command) watch(command)
    else if ('unwatch' in command) unwatch(command.unwatch)
    else void answer(command)
  })
  lines.on('close', async () => {
    await endAll()
    process.exit()
  })
  report({ isUp: true })
}

void run()
