/** The ports that tests take with `takePort()` of `@portslice/core`, for the leak report. */
import type { PortLease } from '@portslice/core'
import type { LeaseObserver } from '@portslice/core/internal'
import { inject } from 'vitest'
import { loadCore } from './load-core.js'
import { handleLeaksOutsideTests } from './handle-leaks.js'
import { currentScope, type Scope, type WatchedFile } from './test-file.js'

/** As `leaseObserver()` of core finds it; core is not loaded before a test needs it. */
const OBSERVER = Symbol.for('@portslice/lease-observer')
/** A server that was told to close needs a moment. ms */
const CLOSE_POLL_MS = [5, 20, 75, 150]

interface TakenPort {
  lease: PortLease
  label: string | undefined
  scope: Scope | undefined
}

/** Returns what reports the leaks at the end of the test file. */
export function observeCorePorts(): (watched: WatchedFile) => Promise<void> {
  const taken = new Map<PortLease, TakenPort>()
  const leaked: TakenPort[] = []
  // Not imported: in browser mode this module is loaded, and does nothing.
  const dgram = process.getBuiltinModule('node:dgram')
  const host = dgram as unknown as Record<symbol, LeaseObserver>
  host[OBSERVER] ??= {}
  const observer = host[OBSERVER]
  observer.onTake = () => {
    const scope = currentScope()
    return (lease, label) => taken.set(lease, { lease, label, scope })
  }
  observer.onRelease = (lease, outcome) => {
    const port = taken.get(lease)
    taken.delete(lease)
    if (port && outcome.leaked) leaked.push(port)
  }
  return async ({ file }) => {
    const settings = inject('portslice')
    if (!settings || settings.onLeak === 'ignore') return
    // A worker that continues with other files may keep a server for all of them.
    if (settings.isIsolated) {
      for (const port of taken.values()) if (await staysInUse(port.lease)) leaked.push(port)
    }
    if (leaked.length === 0) return
    const { leakedPort } = await loadCore()
    for (const { lease, label, scope } of leaked) {
      const { name: owner = 'the test file', description = 'the test file' } = scope ?? {}
      const ports = [leakedPort(lease.port, label, owner)]
      await handleLeaksOutsideTests(file, { owner, description }, ports, settings)
    }
  }
}

async function staysInUse(lease: PortLease): Promise<boolean> {
  const { setTimeout: sleep } = process.getBuiltinModule('node:timers/promises')
  for (const ms of CLOSE_POLL_MS) {
    if (!(await lease.isListening())) return false
    await sleep(ms)
  }
  return lease.isListening()
}
