/** See docs/events.md. Check `hasSubscribers` before you build a message: most events have no subscriber. */
import diagnostics from 'node:diagnostics_channel'
import { sanitize } from '../errors.js'
import { processWide } from '../process-state.js'

/** The messages of the diagnostics channels, by name. */
export interface PortsliceEvents {
  /** A slice was leased. */
  'portslice:lease': { first: number; last: number; lockDirectory?: string | undefined }
  /** A slice was given back. */
  'portslice:give-back': { first: number; last: number }
  /** A slice could not be leased. `held`: another process has the sentinel; `locked`: the lock. */
  'portslice:skip-slice': { first: number; last: number; reason: 'held' | 'locked' }
  /** A port was handed out. */
  'portslice:take': { port: number; label?: string | undefined; key?: string | undefined }
  /** A port was not handed out, or could not be claimed. */
  'portslice:skip-port': { port: number; reason: string }
  /** A port was released, or a claim ended. `leaked`: something still listens on it. */
  'portslice:release': { port: number; leaked: boolean }
  /** A port was out when its holder died. It is not handed out for `leftMs`. */
  'portslice:quarantine': { port: number; label?: string | undefined; leftMs: number }
  /** A fixed port was claimed. */
  'portslice:claim': { port: number; label?: string | undefined }
}

interface EventChannel<Message> {
  readonly hasSubscribers: boolean
  publish(message: Message): void
}

const channel = <Name extends keyof PortsliceEvents>(name: Name) =>
  diagnostics.channel(name) as EventChannel<PortsliceEvents[Name]>

export const events = {
  lease: channel('portslice:lease'),
  giveBack: channel('portslice:give-back'),
  skipSlice: channel('portslice:skip-slice'),
  take: channel('portslice:take'),
  skipPort: channel('portslice:skip-port'),
  release: channel('portslice:release'),
  quarantine: channel('portslice:quarantine'),
  claim: channel('portslice:claim'),
}

export function skipPort(port: number, reason: string): void {
  if (events.skipPort.hasSubscribers) events.skipPort.publish({ port, reason })
}

function logEvents(): void {
  const { debuglog } = process.getBuiltinModule('node:util')
  const log = debuglog('portslice')
  const state = processWide('debug log', () => ({ isSubscribed: false }))
  if (!log.enabled || state.isSubscribed) return
  state.isSubscribed = true
  for (const each of Object.values(events)) {
    ;(each as diagnostics.Channel).subscribe((message, name) => {
      log('%s %s', String(name).replace('portslice:', ''), sanitize(JSON.stringify(message)))
    })
  }
}

if (process.env.NODE_DEBUG) logEvents()
