/** Records which processes listen on ports that are out. Loaded only if a reporter shows the ports of the run. */
import type { AddressInfo } from 'node:net'
import { codeOf } from '../errors.js'
import { Date, setTimeout } from '../platform/clock.js'
import { omitUndefined } from '../platform/omit-undefined.js'
import { parseStat, readProcessText } from '../platform/process-table.js'
import { subscribeSafely } from '../platform/subscribe-safely.js'
import { listeningPorts } from '../probe/listening.js'
import { ownersOfAll } from '../probe/owner.js'
import type { PortListener, RecordedUse } from './recorded-uses.js'

const POLL_INTERVAL_MS = 50
/** A process tree that is deeper than this is not followed to its root. */
const MAX_ANCESTORS = 50

/** Ports that are out, and whether something listened on them at the last check. */
const observed = new Map<RecordedUse, { wasListening: boolean }>()
let isPolling = false

export function observe(use: RecordedUse): void {
  observed.set(use, { wasListening: false })
  listenToServers()
  if (isPolling) return
  isPolling = true
  schedule()
}

/** Checks once more, for processes that still listen at the end. */
export async function stopObserving(use: RecordedUse): Promise<void> {
  await updateListeners().catch(() => {})
  observed.delete(use)
}

function schedule(): void {
  setTimeout(async () => {
    await updateListeners().catch(() => {}) // No more files can be opened at the moment.
    if (observed.size > 0) schedule()
    else isPolling = false
  }, POLL_INTERVAL_MS).unref()
}

async function updateListeners(): Promise<void> {
  const listening = await listeningPorts()
  if (!listening) return
  const appeared: RecordedUse[] = []
  for (const [use, state] of observed) {
    const isListening = listening.has(use.port)
    if (isListening && !state.wasListening) appeared.push(use)
    state.wasListening = isListening
  }
  await Promise.all(appeared.map((use) => addListeners(use)))
}

async function addListeners(use: RecordedUse, isInTheWay?: true): Promise<void> {
  const since = Date.now()
  const owners = (await ownersOfAll([use.port])).get(use.port) ?? []
  if (owners.length === 0) add(use, omitUndefined({ since, isInTheWay }))
  for (const { pid, command } of owners) {
    const isForeign = isOwnProcess(pid) ? undefined : (true as const)
    add(use, omitUndefined({ since, pid, command, isForeign, isInTheWay }))
  }
}

function add(use: RecordedUse, listener: PortListener): void {
  use.listeners ??= []
  const known = use.listeners.find(({ pid }) => pid === listener.pid)
  if (!known) use.listeners.push(listener)
  else if (listener.isInTheWay) known.isInTheWay = true
}

/** Whether it is this process, a descendant, or the parent. */
function isOwnProcess(pid: number): boolean {
  if (pid === process.ppid) return true
  let current = pid
  for (let step = 0; step < MAX_ANCESTORS && current > 1; step++) {
    if (current === process.pid) return true
    const stat = readProcessText(current, 'stat')
    if (stat === undefined) return false
    current = Number(parseStat(stat)[1])
  }
  return false
}

let isListeningToServers = false

/** Servers of this process are seen at once, and also if they listen only for a moment. */
function listenToServers(): void {
  if (isListeningToServers) return
  isListeningToServers = true
  subscribeSafely('tracing:net.server.listen:asyncEnd', (message) => {
    const { server } = message as { server?: { address(): AddressInfo | string | null } }
    const address = server?.address()
    if (!address || typeof address === 'string') return
    for (const [use, state] of observed) {
      if (use.port !== address.port) continue
      state.wasListening = true
      add(use, { since: Date.now(), pid: process.pid, command: 'the process of the test' })
    }
  })
  subscribeSafely('tracing:net.server.listen:error', (message) => {
    const { error } = message as { error?: unknown }
    if (codeOf(error) !== 'EADDRINUSE') return
    const { port } = error as { port?: number }
    for (const use of observed.keys()) {
      if (use.port === port) void addListeners(use, true).catch(() => {})
    }
  })
}
