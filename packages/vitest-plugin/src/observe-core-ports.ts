/** Observes ports that tests take with `takePort()` of `@portslice/core`, to find leaks. */
import type { PortLease } from '@portslice/core'
import type { LeaseObserver } from '@portslice/core/internal'
import { inject } from 'vitest'
import { handleLeaks } from './handle-leaks.js'
import { loadCore } from './load-core.js'
import { currentScope, type Scope, type WatchedFile } from './test-file.js'

/** `leaseObserver()` of core reads this property. It is set here without loading core. */
const OBSERVER = Symbol.for('@portslice/lease-observer')
/** A server that is closing needs some time. */
const CLOSE_POLL_INTERVALS_MS = [5, 20, 75, 150]

interface TakenPort {
  lease: PortLease
  label: string | undefined
  scope: Scope | undefined
}

/** @returns a function that reports the leaks, for the end of the test file */
export function observeCorePorts(): (watched: WatchedFile) => Promise<void> {
  const taken = new Map<PortLease, TakenPort>()
  const leaked: TakenPort[] = []
  // Not an import, because a browser also loads this module in browser mode.
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
    const options = inject('portslice')
    if (!options || options.onLeak === 'ignore') return
    // Without isolation, a worker may keep a server for all its files.
    if (options.isIsolated) {
      for (const port of taken.values()) if (await staysInUse(port.lease)) leaked.push(port)
    }
    if (leaked.length === 0) return
    const { leakedPort } = await loadCore()
    for (const { lease, label, scope } of leaked) {
      const { name = 'the test file', description = 'the test file' } = scope ?? {}
      const ports = [leakedPort(lease.port, label, name)]
      // Without the test: it has ended, so the file reports the leak.
      await handleLeaks({ name, description }, file, ports, options)
    }
  }
}

async function staysInUse(lease: PortLease): Promise<boolean> {
  const { setTimeout: sleep } = process.getBuiltinModule('node:timers/promises')
  for (const ms of CLOSE_POLL_INTERVALS_MS) {
    if (!(await lease.isListening())) return false
    await sleep(ms)
  }
  return lease.isListening()
}
